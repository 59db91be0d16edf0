//! Each rule of binding columns to inputs, and of turning their rows into tensors.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeListArray, Float16Array, Float32Array,
    Float64Array, Int8Array, Int64Array, LargeListArray, ListArray, NullArray, RecordBatch, StringArray,
    StringViewArray, UInt8Array, UInt64Array,
};
use arrow_schema::{DataType, Field};
use half::f16;
use tensor::{Datatype, TensorSpec};

use super::*;

fn spec(name: &str, datatype: Datatype, shape: &[i64]) -> TensorSpec {
    TensorSpec { name: name.to_owned(), datatype, shape: shape.to_vec() }
}

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.iter().map(|(name, column)| (*name, column.clone(), true)),
    )
    .unwrap()
}

fn bind(inputs: &[TensorSpec], batch: &RecordBatch) -> Result<Binding, Vec<Problem>> {
    let features: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    Binding::new(inputs, &batch.schema(), &features)
}

/// The one input `x`, and the messages of rows that it has no value for.
#[track_caller]
fn rows(datatype: Datatype, shape: &[i64], columns: &[(&str, ArrayRef)]) -> (Tensor, Vec<(usize, String)>) {
    let batch = batch(columns);
    let mut rows = bind(&[spec("x", datatype, shape)], &batch).unwrap().tensors(&batch);
    let n_good = rows.good.map_or(batch.num_rows(), |good| good.len());
    assert_eq!(rows.errors.len() + n_good, batch.num_rows());
    let messages =
        rows.errors.into_iter().map(|error| (error.row, format!("{}: {}", error.code, error.message)));
    (rows.tensors.pop().unwrap(), messages.collect())
}

#[track_caller]
fn check(datatype: Datatype, column: impl Into<ArrayRef>, data: &[u8], errors: &[(usize, &str)]) {
    let (tensor, messages) = rows(datatype, &[-1], &[("x", column.into())]);
    assert_eq!(tensor.data(), data);
    let messages: Vec<(usize, &str)> =
        messages.iter().map(|(row, message)| (*row, message.as_str())).collect();
    assert_eq!(messages, errors);
}

fn array<A: arrow_array::Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

#[track_caller]
fn check_problems(inputs: &[TensorSpec], columns: &[(&str, ArrayRef)], expect: &[&str]) {
    let problems = bind(inputs, &batch(columns)).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, expect);
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn integers_fit_integers_in_range() {
    check(
        Datatype::Uint8,
        array(Int64Array::from(vec![Some(0), Some(256), None, Some(-1), Some(255)])),
        &[0, 255],
        &[
            (1, "wrong_element: column `x`: expected `UINT8`, found `256`"),
            (2, "wrong_element: column `x`: expected `UINT8`, found `null`"),
            (3, "wrong_element: column `x`: expected `UINT8`, found `-1`"),
        ],
    );
    check(Datatype::Int64, array(UInt8Array::from(vec![7])), &7_i64.to_le_bytes(), &[]);
}

#[test]
fn numbers_fit_floats_and_are_rounded_once() {
    check(Datatype::Fp32, array(Int64Array::from(vec![16_777_217])), &floats(&[16_777_216.0]), &[]);
    check(
        Datatype::Fp32,
        array(Float64Array::from(vec![0.1, 1e39, f64::INFINITY])),
        &floats(&[0.1, f32::INFINITY]),
        &[(
            1,
            "wrong_element: column `x`: expected `FP32`, found `1000000000000000000000000000000000000000`",
        )],
    );
    check(Datatype::Fp64, array(Float32Array::from(vec![0.5])), &0.5_f64.to_le_bytes(), &[]);
    check(Datatype::Fp32, array(Float16Array::from(vec![f16::from_f32(-0.0)])), &floats(&[-0.0]), &[]);
    check(Datatype::Bf16, array(UInt64Array::from(vec![3])), &0x4040_u16.to_le_bytes(), &[]);
}

#[test]
fn null_is_nan_in_floats_alone() {
    check(Datatype::Fp32, array(Float32Array::from(vec![None, Some(1.0)])), &floats(&[f32::NAN, 1.0]), &[]);
    check(Datatype::Fp64, array(NullArray::new(1)), &f64::NAN.to_le_bytes(), &[]);
    check(Datatype::Fp16, array(Int8Array::from(vec![None])), &f16::NAN.to_le_bytes(), &[]);
    check(
        Datatype::Bool,
        array(BooleanArray::from(vec![Some(true), None, Some(false)])),
        &[1, 0],
        &[(1, "wrong_element: column `x`: expected `BOOL`, found `null`")],
    );
}

#[test]
fn texts_are_numbers_of_json() {
    check(
        Datatype::Fp32,
        array(StringArray::from(vec![Some(" 1.5 "), Some(""), None, Some("NaN"), Some("1e3")])),
        &floats(&[1.5, f32::NAN, f32::NAN, 1000.0]),
        &[(3, "wrong_element: column `x`: expected `FP32`, found `NaN`")],
    );
    check(
        Datatype::Int8,
        array(StringViewArray::from(vec!["-128", "128", "1.0", ""])),
        &[0x80],
        &[
            (1, "wrong_element: column `x`: expected `INT8`, found `128`"),
            (2, "wrong_element: column `x`: expected `INT8`, found `1.0`"),
            (3, "wrong_element: column `x`: expected `INT8`, found `null`"),
        ],
    );
    check(Datatype::Bool, array(StringArray::from(vec!["true", "false"])), &[1, 0], &[]);
}

#[test]
fn texts_and_binaries_are_byte_strings() {
    let error = [(1, "wrong_element: column `x`: expected `BYTES`, found `null`")];
    check(
        Datatype::Bytes,
        array(StringArray::from(vec![Some("é"), None, Some("")])),
        b"\x02\0\0\0\xc3\xa9\0\0\0\0",
        &error,
    );
    check(Datatype::Bytes, array(BinaryArray::from_vec(vec![b"\xff"])), b"\x01\0\0\0\xff", &[]);
    let texts =
        [("a", array(StringArray::from(vec!["p", "q"]))), ("b", array(StringArray::from(vec!["r", "s"])))];
    let (tensor, _) = rows(Datatype::Bytes, &[-1, 2], &texts);
    assert!(tensor.bytes_elements().eq([b"p", b"r", b"q", b"s"]));
}

#[test]
fn dictionaries_stand_for_their_values() {
    let column: DictionaryArray<Int32Type> = [Some("2"), None, Some("1"), Some("2")].into_iter().collect();
    let error = [(1, "wrong_element: column `x`: expected `UINT8`, found `null`")];
    check(Datatype::Uint8, array(column), &[2, 1, 2], &error);
}

#[test]
fn slices_of_columns_are_their_own_rows() {
    let whole = batch(&[
        ("a", array(Float32Array::from(vec![Some(0.0), Some(1.0), None, Some(3.0)]))),
        ("b", array(StringArray::from(vec!["9", "8", "7", "bad"]))),
    ]);
    let binding = bind(&[spec("x", Datatype::Fp32, &[-1, 2])], &whole).unwrap();
    let rows = binding.tensors(&whole.slice(1, 3));
    assert_eq!(rows.tensors[0].data(), floats(&[1.0, 8.0, f32::NAN, 7.0]));
    assert_eq!((rows.good, rows.errors[0].row), (Some(vec![0, 1]), 2));
}

#[test]
fn lists_have_the_sizes_of_a_row() {
    let lists = [Some(vec![Some(1.0), None]), None, Some(vec![Some(2.0)]), Some(vec![Some(3.0), Some(4.0)])];
    let (tensor, messages) = rows(
        Datatype::Fp32,
        &[-1, 2],
        &[("x", array(ListArray::from_iter_primitive::<arrow_array::types::Float32Type, _, _>(lists)))],
    );
    assert_eq!(tensor.data(), floats(&[1.0, f32::NAN, 3.0, 4.0]));
    let expect = [
        (1, "wrong_shape: column `x`: expected a row of shape `[2]`, found null"),
        (2, "wrong_shape: column `x`: expected a row of shape `[2]`, found a list of `1`"),
    ];
    assert!(messages.iter().map(|(row, message)| (*row, message.as_str())).eq(expect));
}

#[test]
fn elements_of_lists_are_counted_in_their_row() {
    let lists = [vec![Some(1), Some(2)], vec![Some(3), Some(400)]].map(Some);
    let column = array(LargeListArray::from_iter_primitive::<arrow_array::types::Int16Type, _, _>(lists));
    let (tensor, messages) = rows(Datatype::Uint8, &[-1, 2], &[("x", column)]);
    assert_eq!(tensor.data(), [1, 2]);
    assert_eq!(
        messages,
        [(1, "wrong_element: column `x`: expected `UINT8` at element `1`, found `400`".to_owned())]
    );
}

#[test]
fn lists_in_lists_and_flat_lists_are_the_same_rows() {
    let elements = array(Int8Array::from((0..12).collect::<Vec<i8>>()));
    let list = |size, elements: &ArrayRef| {
        let item = Arc::new(Field::new("item", elements.data_type().clone(), true));
        array(FixedSizeListArray::new(item, size, elements.clone(), None))
    };
    let nested = list(2, &list(3, &elements)).slice(1, 1);
    let flat = list(6, &elements).slice(1, 1);
    for column in [nested, flat] {
        let (tensor, messages) = rows(Datatype::Int8, &[-1, 2, 3], &[("x", column)]);
        assert_eq!((tensor.shape(), tensor.data()), (&[1, 2, 3][..], &[6, 7, 8, 9, 10, 11][..]));
        assert!(messages.is_empty());
    }
}

#[test]
fn lists_of_texts_are_byte_strings() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a"), Some("")]);
    lists.append_value([Some("b"), None]);
    lists.append_null();
    let (tensor, messages) = rows(Datatype::Bytes, &[-1, 2], &[("x", array(lists.finish()))]);
    assert!(tensor.bytes_elements().eq([&b"a"[..], b""]));
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].1, "wrong_element: column `x`: expected `BYTES` at element `1`, found `null`");
}

#[test]
fn a_null_list_may_hide_elements() {
    let mut lists = ListBuilder::new(Float32Builder::new());
    lists.values().append_slice(&[1.0, 2.0]);
    lists.append(false);
    lists.values().append_slice(&[3.0, 4.0]);
    lists.append(true);
    let (tensor, messages) = rows(Datatype::Fp32, &[-1, 2], &[("x", array(lists.finish()))]);
    assert_eq!((tensor.data(), messages.len()), (floats(&[3.0, 4.0]).as_slice(), 1));
}

#[test]
fn inputs_are_columns_of_their_names() {
    let batch = batch(&[
        ("b", array(Int8Array::from(vec![1, 2]))),
        ("other", array(StringArray::from(vec!["p", "q"]))),
        ("a", array(Float32Array::from(vec![0.5, 1.5]))),
    ]);
    let inputs = [spec("a", Datatype::Fp32, &[-1, 1]), spec("b", Datatype::Int8, &[-1])];
    let binding = bind(&inputs, &batch).unwrap();
    assert!(binding.columns().eq([2, 0]));
    let rows = binding.tensors(&batch);
    assert_eq!((rows.tensors[0].shape(), rows.tensors[1].data()), (&[2, 1][..], &[1, 2][..]));
    assert_eq!((rows.good, rows.errors), (None, vec![]));
}

#[test]
fn columns_in_their_order_are_the_elements_of_one_input() {
    let columns =
        [("b", array(Int8Array::from(vec![1, 2]))), ("a", array(Float64Array::from(vec![0.5, 1.5])))];
    for shape in [&[-1, 2][..], &[-1, 2, 1]] {
        let (tensor, _) = rows(Datatype::Fp32, shape, &columns);
        assert_eq!(tensor.data(), floats(&[1.0, 0.5, 2.0, 1.5]));
    }
}

#[test]
fn a_row_has_the_first_of_its_errors() {
    let columns =
        [("a", array(Int8Array::from(vec![None, Some(1)]))), ("b", array(Int8Array::from(vec![None, None])))];
    let (tensor, messages) = rows(Datatype::Int8, &[-1, 2], &columns);
    assert_eq!(tensor.shape(), [0, 2]);
    assert!(messages[0].1.contains("column `a`") && messages[1].1.contains("column `b`"));
}

#[test]
fn every_problem_is_named_at_once() {
    let number = || array(Float64Array::from(vec![1.0]));
    check_problems(
        &[
            spec("x", Datatype::Int64, &[-1]),
            spec("y", Datatype::Fp32, &[-1, -1]),
            spec("z", Datatype::Bytes, &[-1]),
        ],
        &[("x", number()), ("y", number())],
        &[
            "`x`: expected whole numbers, also as texts, found a column of type `Float64`",
            "`y`: expected an input whose first dimension is `-1` and whose other dimensions are fixed, found shape `[-1, -1]`",
            "`z`: expected a column of this name, found `x`, `y`",
        ],
    );
    check_problems(
        &[spec("x", Datatype::Fp32, &[-1, 3])],
        &[("a", number()), ("b", number())],
        &[
            "`x`: expected a column of this name, or one column for each of the `3` elements of a row, found `2` columns",
        ],
    );
    check_problems(
        &[spec("x", Datatype::Fp16, &[-1, 2])],
        &[("a", array(StringArray::from(vec!["1"]))), ("b", array(BooleanArray::from(vec![true])))],
        &[
            "`a`: expected numbers, found a column of type `Utf8`",
            "`b`: expected numbers, found a column of type `Boolean`",
        ],
    );
    check_problems(
        &[spec("x", Datatype::Fp32, &[-1, 2])],
        &[("x", number())],
        &["`x`: expected lists of `2` elements of numbers, also as texts, found a column of type `Float64`"],
    );
    check_problems(
        &[spec("x", Datatype::Fp32, &[4])],
        &[("x", number())],
        &[
            "`x`: expected an input whose first dimension is `-1` and whose other dimensions are fixed, found shape `[4]`",
        ],
    );
}

#[test]
fn features_are_columns_once() {
    let schema =
        Schema::new(vec![Field::new("x", DataType::Float32, true), Field::new("x", DataType::Float32, true)]);
    let features = ["x".to_owned(), "y".to_owned()];
    let problems = Binding::new(&[spec("x", Datatype::Fp32, &[-1])], &schema, &features).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "`x`: expected one column of this name, found two",
            "`y`: expected a column of this name, found none"
        ]
    );
}

#[test]
fn another_batch_than_the_one_bound_has_no_good_row() {
    let bound = batch(&[("x", array(Int8Array::from(vec![1])))]);
    let binding = bind(&[spec("x", Datatype::Int8, &[-1])], &bound).unwrap();
    let other = batch(&[("x", array(BinaryArray::from_vec(vec![b"1", b"2"])))]);
    let rows = binding.tensors(&other);
    assert_eq!((rows.good, rows.errors.len()), (Some(vec![]), 2));
    assert_eq!(rows.tensors[0].shape(), [0]);
}
