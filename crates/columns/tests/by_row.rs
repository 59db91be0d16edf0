//! Columns against a plain reference: the same rows, each looked at alone.

#![cfg(test)]

use std::sync::Arc;

use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use columns::{Binding, Rows};
use proptest::prelude::*;
use tensor::{Datatype, TensorSpec};

/// A column of one of the types that fit single precision, or whole numbers if they are whole.
#[derive(Clone, Debug)]
enum Values {
    Single(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Whole(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

/// What a row has for an element: its bits, or nothing.
type Element = Option<u64>;

fn array(values: &Values) -> ArrayRef {
    match values {
        Values::Single(values) => Arc::new(Float32Array::from(values.clone())),
        Values::Double(values) => Arc::new(Float64Array::from(values.clone())),
        Values::Whole(values) => Arc::new(Int64Array::from(values.clone())),
        Values::Text(values) => Arc::new(StringArray::from(values.clone())),
    }
}

/// The element of single precision, by the rules as they are written.
fn single(values: &Values, row: usize) -> Element {
    let bits = |number: f32| Some(u64::from(number.to_bits()));
    match values {
        Values::Single(values) => bits(values[row].unwrap_or(f32::NAN)),
        Values::Double(values) => match values[row] {
            Some(number) if !number.is_nan() => single_of(number).and_then(bits),
            _ => bits(f32::NAN),
        },
        Values::Whole(values) => {
            bits(values[row].map_or(f32::NAN, |number| number.to_string().parse().unwrap()))
        }
        Values::Text(values) => match values[row].as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => bits(f32::NAN),
            Some(text) => json_number(text)
                .and_then(|text| text.parse::<f32>().ok())
                .filter(|number| number.is_finite())
                .and_then(bits),
        },
    }
}

/// The nearest number of single precision, found through text: another way than the one that is tested.
fn single_of(number: f64) -> Option<f32> {
    number.to_string().parse().ok().filter(|single: &f32| single.is_finite() || number.is_infinite())
}

/// The element as a whole number of 16 bits.
fn whole(values: &Values, row: usize) -> Element {
    let number: i64 = match values {
        Values::Whole(values) => values[row]?,
        Values::Text(values) => json_number(values[row].as_deref()?.trim())?.parse().ok()?,
        Values::Single(_) | Values::Double(_) => return None,
    };
    i16::try_from(number).ok().map(|number| u64::from(number.cast_unsigned()))
}

/// The text if it is a JSON number, told by what it may hold and by the standard library.
fn json_number(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, _) = digits.split_at(digits.find(['.', 'e', 'E']).unwrap_or(digits.len()));
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let is_whole = !whole.is_empty()
        && whole.chars().all(|c| c.is_ascii_digit())
        && (whole == "0" || !whole.starts_with('0'));
    let is_point = !text.ends_with('.') && !text.contains(".e") && !text.contains(".E");
    (is_plain && is_whole && is_point && text.parse::<f64>().is_ok()).then_some(text)
}

fn values(n_rows: usize) -> impl Strategy<Value = Values> {
    let text = prop_oneof![
        3 => "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?",
        1 => "[ \t]?[0-9.eE+-]{0,5} ?",
        1 => "-?[0-9]{1,6}",
        1 => prop::sample::select(&["NaN", "inf", "-Infinity", "null", "true", "0x1", "1e999"][..]).prop_map(str::to_owned),
    ];
    prop_oneof![
        prop::collection::vec(prop::option::weighted(0.9, any::<f32>()), n_rows).prop_map(Values::Single),
        prop::collection::vec(prop::option::weighted(0.9, double()), n_rows).prop_map(Values::Double),
        prop::collection::vec(prop::option::weighted(0.9, integer()), n_rows).prop_map(Values::Whole),
        prop::collection::vec(prop::option::weighted(0.9, text), n_rows).prop_map(Values::Text),
    ]
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        any::<f32>().prop_map(f64::from),
        -1e3..1e3,
        Just(f64::NAN),
        Just(f64::INFINITY)
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), any::<i16>().prop_map(i64::from), -40_000..40_000_i64]
}

fn table() -> impl Strategy<Value = Vec<Values>> {
    (0..200_usize, 1..6_usize)
        .prop_flat_map(|(n_rows, n_columns)| prop::collection::vec(values(n_rows), n_columns))
}

fn rows(datatype: Datatype, batch: &RecordBatch, n_elements: usize) -> Option<Rows> {
    let shape = vec![-1, i64::try_from(n_elements).unwrap()];
    let input = TensorSpec { name: "input".to_owned(), datatype, shape };
    let features: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    Some(Binding::new(&[input], &batch.schema(), &features).ok()?.tensors(batch))
}

fn batch(table: &[Values]) -> RecordBatch {
    let columns = table.iter().enumerate().map(|(idx, values)| (format!("c{idx}"), array(values), true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Checks rows against the elements that each should have.
fn check<const SIZE: usize>(rows: &Rows, expect: &[Vec<Element>]) -> Result<(), TestCaseError> {
    let is_good = |row: &Vec<Element>| row.iter().all(Option::is_some);
    let good: Vec<usize> = (0..expect.len()).filter(|&row| is_good(&expect[row])).collect();
    let bad: Vec<usize> = (0..expect.len()).filter(|&row| !is_good(&expect[row])).collect();
    prop_assert_eq!(&rows.good, &(good.len() < expect.len()).then_some(good));
    prop_assert!(rows.errors.iter().map(|error| error.row).eq(bad));
    let elements = expect.iter().filter(|row| is_good(row)).flatten().copied().map(Option::unwrap);
    let data: Vec<u8> = elements.flat_map(|bits| bits.to_le_bytes()[..SIZE].to_vec()).collect();
    prop_assert_eq!(rows.tensors[0].data(), data);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn columns_of_single_precision_are_their_rows(table in table()) {
        let batch = batch(&table);
        let rows = rows(Datatype::Fp32, &batch, table.len()).unwrap();
        let expect: Vec<Vec<Element>> =
            (0..batch.num_rows()).map(|row| table.iter().map(|values| single(values, row)).collect()).collect();
        check::<4>(&rows, &expect)?;
    }

    #[test]
    fn columns_of_whole_numbers_are_their_rows(table in table()) {
        let batch = batch(&table);
        let Some(rows) = rows(Datatype::Int16, &batch, table.len()) else {
            prop_assert!(table.iter().any(|values| matches!(values, Values::Single(_) | Values::Double(_))));
            return Ok(());
        };
        let expect: Vec<Vec<Element>> =
            (0..batch.num_rows()).map(|row| table.iter().map(|values| whole(values, row)).collect()).collect();
        check::<2>(&rows, &expect)?;
    }

    #[test]
    fn lists_are_their_rows(
        lists in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(prop::option::weighted(0.9, any::<f32>()), 2..4)), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let start = cut.index(lists.len() + 1);
        let column = ListArray::from_iter_primitive::<Float32Type, _, _>(lists.clone()).slice(start, lists.len() - start);
        let batch = RecordBatch::try_from_iter_with_nullable([("input", Arc::new(column) as ArrayRef, true)]).unwrap();
        let rows = rows(Datatype::Fp32, &batch, 3).unwrap();
        let element = |number: &Option<f32>| Some(u64::from(number.unwrap_or(f32::NAN).to_bits()));
        let row = |list: &Option<Vec<Option<f32>>>| match list {
            Some(list) if list.len() == 3 => list.iter().map(element).collect(),
            _ => vec![None],
        };
        check::<4>(&rows, &lists[start..].iter().map(row).collect::<Vec<_>>())?;
    }

    #[test]
    fn dictionaries_are_their_values(values in prop::collection::vec(prop::option::of("[0-9]{1,3}"), 0..60)) {
        let plain = Values::Text(values.clone());
        let dictionary: arrow_array::DictionaryArray<Int32Type> = values.iter().map(Option::as_deref).collect();
        let batch = RecordBatch::try_from_iter_with_nullable([("a", Arc::new(dictionary) as ArrayRef, true)]).unwrap();
        let expect: Vec<Vec<Element>> = (0..batch.num_rows()).map(|row| vec![single(&plain, row)]).collect();
        check::<4>(&rows(Datatype::Fp32, &batch, 1).unwrap(), &expect)?;
    }
}
