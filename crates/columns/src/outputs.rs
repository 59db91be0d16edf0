//! The outputs of a model as columns: a scalar, or lists of a fixed size, for each row.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BooleanArray, FixedSizeListArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, Field};
use half::{bf16, f16};
use tensor::{Datatype, Tensor, TensorSpec};

use crate::Problem;

/// The name of the field of a list's elements.
const ITEM: &str = "item";

/// The columns of a model's outputs, in the model's order. An output `[-1]` or `[-1, 1]` is a column of scalars; further dimensions are
/// lists of a fixed size, in lists if there are several. `BYTES` are texts; `BF16` becomes single precision, which holds it exactly. All
/// may be null, as they are in rows that have no answer.
///
/// # Errors
/// Every output whose first dimension does not count rows, or whose other dimensions have no fixed size above 0.
pub fn output_fields(outputs: &[TensorSpec]) -> Result<Vec<Field>, Vec<Problem>> {
    let (mut fields, mut problems) = (Vec::new(), Vec::new());
    for output in outputs {
        match output_type(output) {
            Some(datatype) => fields.push(Field::new(&output.name, datatype, true)),
            None => problems.push(Problem::new(
                &output.name,
                "an output whose first dimension is `-1` and whose other dimensions are fixed",
                &format!("shape `{:?}`", output.shape),
            )),
        }
    }
    if problems.is_empty() { Ok(fields) } else { Err(problems) }
}

/// The outputs of `n_rows` rows as the columns of [`output_fields`]. A NaN stays one; nothing is null.
///
/// # Errors
/// An output that has not one element, or list of elements, for each row; `BYTES` that are not UTF-8.
pub fn output_columns(outputs: Vec<Tensor>, n_rows: usize) -> Result<Vec<ArrayRef>, Problem> {
    outputs.iter().map(|output| output_column(output, n_rows)).collect()
}

fn output_type(output: &TensorSpec) -> Option<DataType> {
    let sizes: Option<Vec<i32>> = output.row_shape().iter().map(|&dim| i32::try_from(dim).ok()).collect();
    let sizes = sizes.filter(|sizes| output.is_batched() && sizes.iter().all(|&size| size > 0))?;
    let lists = list_sizes(&sizes).iter().rev();
    Some(
        lists.fold(element_type(output.datatype), |element, &size| {
            DataType::FixedSizeList(item(element), size)
        }),
    )
}

/// The sizes of the lists that a row of these dimensions is, outermost first.
fn list_sizes(row_shape: &[i32]) -> &[i32] {
    if row_shape == [1] { &[] } else { row_shape }
}

fn item(element: DataType) -> Arc<Field> {
    Arc::new(Field::new(ITEM, element, true))
}

const fn element_type(datatype: Datatype) -> DataType {
    match datatype {
        Datatype::Bool => DataType::Boolean,
        Datatype::Uint8 => DataType::UInt8,
        Datatype::Uint16 => DataType::UInt16,
        Datatype::Uint32 => DataType::UInt32,
        Datatype::Uint64 => DataType::UInt64,
        Datatype::Int8 => DataType::Int8,
        Datatype::Int16 => DataType::Int16,
        Datatype::Int32 => DataType::Int32,
        Datatype::Int64 => DataType::Int64,
        Datatype::Fp16 => DataType::Float16,
        Datatype::Bf16 | Datatype::Fp32 => DataType::Float32,
        Datatype::Fp64 => DataType::Float64,
        Datatype::Bytes => DataType::Utf8,
    }
}

fn output_column(output: &Tensor, n_rows: usize) -> Result<ArrayRef, Problem> {
    let wrong = |expected: &str, found: String| Problem::new(output.name(), expected, &found);
    if output.rows() != Some(n_rows as u64) {
        return Err(wrong(&format!("`{n_rows}` rows"), format!("shape `{:?}`", output.shape())));
    }
    let sizes: Result<Vec<i32>, _> = output.shape().iter().skip(1).map(|&dim| i32::try_from(dim)).collect();
    let sizes =
        sizes.map_err(|_| wrong("lists of at most 2³¹ elements", format!("shape `{:?}`", output.shape())))?;
    let list = |elements: ArrayRef, &size: &i32| {
        let field = item(elements.data_type().clone());
        let lists = FixedSizeListArray::try_new(field, size, elements, None);
        lists
            .map(|lists| Arc::new(lists) as ArrayRef)
            .map_err(|error| wrong("lists of a fixed size", error.to_string()))
    };
    list_sizes(&sizes).iter().rev().try_fold(elements(output)?, list)
}

fn elements(output: &Tensor) -> Result<ArrayRef, Problem> {
    Ok(match output.datatype() {
        Datatype::Bool => {
            Arc::new(BooleanArray::from_iter(output.data().iter().map(|&byte| Some(byte != 0))))
        }
        Datatype::Uint8 => numbers::<UInt8Type, _>(output, u8::from_le_bytes),
        Datatype::Uint16 => numbers::<UInt16Type, _>(output, u16::from_le_bytes),
        Datatype::Uint32 => numbers::<UInt32Type, _>(output, u32::from_le_bytes),
        Datatype::Uint64 => numbers::<UInt64Type, _>(output, u64::from_le_bytes),
        Datatype::Int8 => numbers::<Int8Type, _>(output, i8::from_le_bytes),
        Datatype::Int16 => numbers::<Int16Type, _>(output, i16::from_le_bytes),
        Datatype::Int32 => numbers::<Int32Type, _>(output, i32::from_le_bytes),
        Datatype::Int64 => numbers::<Int64Type, _>(output, i64::from_le_bytes),
        Datatype::Fp16 => numbers::<Float16Type, _>(output, f16::from_le_bytes),
        Datatype::Bf16 => numbers::<Float32Type, _>(output, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        Datatype::Fp32 => numbers::<Float32Type, _>(output, f32::from_le_bytes),
        Datatype::Fp64 => numbers::<Float64Type, _>(output, f64::from_le_bytes),
        Datatype::Bytes => texts(output)?,
    })
}

fn numbers<P: ArrowPrimitiveType, const SIZE: usize>(
    output: &Tensor,
    read: impl Fn([u8; SIZE]) -> P::Native,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<P>::from_iter_values(output.map_elements(read)))
}

fn texts(output: &Tensor) -> Result<ArrayRef, Problem> {
    let not_text = |element| {
        Problem::new(output.name(), "texts in UTF-8", &format!("other bytes at element `{element}`"))
    };
    let texts = output
        .bytes_elements()
        .enumerate()
        .map(|(idx, bytes)| std::str::from_utf8(bytes).map_err(|_| not_text(idx)));
    let texts = texts.collect::<Result<Vec<&str>, _>>()?;
    // Offsets of a text column count in 31 bits.
    if i32::try_from(output.data().len()).is_err() {
        return Err(Problem::new(
            output.name(),
            "texts of less than 2 GiB together",
            &format!("`{}` bytes", output.data().len()),
        ));
    }
    Ok(Arc::new(StringArray::from_iter_values(texts)))
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;
    use arrow_array::{Array as _, RecordBatch};
    use arrow_schema::Schema;
    use tensor::encode_bytes_element;

    use super::*;

    fn spec(datatype: Datatype, shape: &[i64]) -> TensorSpec {
        TensorSpec { name: "y".to_owned(), datatype, shape: shape.to_vec() }
    }

    #[track_caller]
    fn column(datatype: Datatype, shape: &[i64], n_rows: usize, data: &[u8]) -> Result<ArrayRef, Problem> {
        let fields = output_fields(&[spec(datatype, shape)]).unwrap();
        let shape = shape.iter().map(|&dim| u64::try_from(dim).unwrap_or(n_rows as u64)).collect();
        let output = Tensor::new("y", datatype, shape, data.to_vec()).unwrap();
        let columns = output_columns(vec![output], n_rows)?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.clone()).unwrap();
        Ok(columns[0].clone())
    }

    #[test]
    fn one_element_a_row_is_a_scalar() {
        let data = [1.5_f32, f32::NAN].map(f32::to_le_bytes).concat();
        for shape in [&[-1][..], &[-1, 1]] {
            let column = column(Datatype::Fp32, shape, 2, &data).unwrap();
            let values = column.as_primitive::<Float32Type>();
            assert!(
                values.value(0).to_bits() == 1.5_f32.to_bits()
                    && values.value(1).is_nan()
                    && values.null_count() == 0
            );
        }
    }

    #[test]
    fn more_elements_are_lists() {
        let column = column(
            Datatype::Int16,
            &[-1, 2, 3],
            2,
            &(0..12_i16).flat_map(i16::to_le_bytes).collect::<Vec<_>>(),
        );
        let row = column.unwrap().as_fixed_size_list().value(1);
        let last = row.as_fixed_size_list().value(1);
        assert_eq!(last.as_primitive::<Int16Type>().values(), &[9, 10, 11]);
    }

    #[test]
    fn every_datatype_has_a_column() {
        for datatype in Datatype::ALL.into_iter().filter(|datatype| *datatype != Datatype::Bytes) {
            let data = vec![1; 3 * datatype.element_size().unwrap()];
            assert_eq!(column(datatype, &[-1], 3, &data).unwrap().len(), 3);
            assert_eq!(column(datatype, &[-1, 3], 1, &data).unwrap().len(), 1);
            assert_eq!(column(datatype, &[-1, 3], 0, &[]).unwrap().len(), 0);
        }
        let brain = column(Datatype::Bf16, &[-1], 1, &0xbfc0_u16.to_le_bytes()).unwrap();
        assert!(brain.as_primitive::<Float32Type>().values().iter().eq([&-1.5]));
    }

    #[test]
    fn byte_strings_are_texts_or_a_problem() {
        let mut data = Vec::new();
        encode_bytes_element(&mut data, "é".as_bytes());
        encode_bytes_element(&mut data, b"");
        let texts = column(Datatype::Bytes, &[-1], 2, &data).unwrap();
        assert!(texts.as_string::<i32>().iter().eq([Some("é"), Some("")]));
        let problem = column(Datatype::Bytes, &[-1], 1, b"\x01\0\0\0\xff").unwrap_err();
        assert_eq!(problem.to_string(), "`y`: expected texts in UTF-8, found other bytes at element `0`");
    }

    #[test]
    fn outputs_that_are_no_columns_are_named_all_at_once() {
        let specs = [&[][..], &[2], &[-1, -1], &[-1, 0], &[-1, 2]].map(|shape| spec(Datatype::Fp32, shape));
        let problems = output_fields(&specs).unwrap_err();
        assert_eq!(problems.len(), 4);
        assert_eq!(
            problems[2].to_string(),
            "`y`: expected an output whose first dimension is `-1` and whose other dimensions are fixed, found shape `[-1, -1]`"
        );
    }

    #[test]
    fn a_model_that_changes_the_rows_has_no_columns() {
        let output = Tensor::new("y", Datatype::Uint8, vec![2], vec![0; 2]).unwrap();
        let problem = output_columns(vec![output], 3).unwrap_err();
        assert_eq!(problem.to_string(), "`y`: expected `3` rows, found shape `[2]`");
    }
}
