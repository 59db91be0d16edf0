//! Keys in a column: texts, or whole numbers of any width. What a key is, [`tensor::Key`] says.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::DataType;
use tensor::{KEY, Key};

use crate::fill::texts;
use crate::{Problem, RowError};

/// The key of each row; a row without one has an error.
pub type KeysRead<'a> = (Vec<Option<Key<'a>>>, Vec<RowError>);

/// The keys in the column called `name`. A null is the error `missing_key` of its row; the empty text is a key. Dictionaries stand for
/// their values.
///
/// # Errors
/// If the column has neither texts nor whole numbers.
pub fn keys<'a>(name: &str, column: &'a dyn Array) -> Result<KeysRead<'a>, Problem> {
    let keys = read(column).ok_or_else(|| {
        Problem::new(
            name,
            "texts or whole numbers as keys",
            &format!("a column of type `{}`", column.data_type()),
        )
    })?;
    let missing = keys.iter().enumerate().filter(|(_, key)| key.is_none());
    let errors = missing.map(|(row, _)| RowError {
        row,
        code: "missing_key",
        input: KEY.to_owned(),
        message: format!("column `{name}`: expected a key, found `null`"),
    });
    let errors = errors.collect();
    Ok((keys, errors))
}

fn read(column: &dyn Array) -> Option<Vec<Option<Key<'_>>>> {
    match column.data_type() {
        DataType::UInt8 => integers::<UInt8Type>(column),
        DataType::UInt16 => integers::<UInt16Type>(column),
        DataType::UInt32 => integers::<UInt32Type>(column),
        DataType::UInt64 => integers::<UInt64Type>(column),
        DataType::Int8 => integers::<Int8Type>(column),
        DataType::Int16 => integers::<Int16Type>(column),
        DataType::Int32 => integers::<Int32Type>(column),
        DataType::Int64 => integers::<Int64Type>(column),
        DataType::Dictionary(..) => dictionary(column),
        _ => Some(texts(column)?.map(|text| text.map(|text| Key::Text(text.into()))).collect()),
    }
}

fn integers<P: ArrowPrimitiveType<Native: Into<i128>>>(
    column: &dyn Array,
) -> Option<Vec<Option<Key<'static>>>> {
    let numbers = column.as_primitive_opt::<P>()?.iter();
    Some(numbers.map(|number| number.map(|number| Key::Integer(number.into()))).collect())
}

fn dictionary(column: &dyn Array) -> Option<Vec<Option<Key<'_>>>> {
    let dictionary = column.as_any_dictionary_opt()?;
    let values = read(dictionary.values().as_ref())?;
    if values.is_empty() {
        return Some(vec![None; column.len()]);
    }
    let places = dictionary.normalized_keys().into_iter().enumerate();
    Some(
        places
            .map(|(row, place)| values.get(place).filter(|_| column.is_valid(row)).cloned().flatten())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        DictionaryArray, Float64Array, Int8Array, LargeStringArray, StringArray, StringViewArray, UInt64Array,
    };

    use super::*;

    #[track_caller]
    fn check(column: &dyn Array, expect: &[Option<&str>]) {
        let (found, errors) = keys("id", column).unwrap();
        let found: Vec<Option<String>> =
            found.into_iter().map(|key| key.map(|key| key.to_string())).collect();
        assert_eq!(found, expect.iter().map(|key| key.map(str::to_owned)).collect::<Vec<_>>());
        let without: Vec<usize> = errors.iter().map(|error| error.row).collect();
        let expect_without = expect.iter().enumerate().filter(|(_, key)| key.is_none()).map(|(row, _)| row);
        assert_eq!(without, expect_without.collect::<Vec<_>>());
        assert!(errors.iter().all(|error| error.code == "missing_key" && error.input == "key"));
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        check(&Int8Array::from(vec![Some(-128), None]), &[Some("-128"), None]);
        check(&UInt64Array::from(vec![u64::MAX]), &[Some("18446744073709551615")]);
    }

    #[test]
    fn texts_of_any_layout_are_keys() {
        let texts = [Some("a"), None, Some("")];
        check(&StringArray::from_iter(texts), &texts);
        check(&LargeStringArray::from_iter(texts), &texts);
        check(&StringViewArray::from_iter(texts), &texts);
        check(&DictionaryArray::<Int8Type>::from_iter(texts), &texts);
        check(&DictionaryArray::<Int8Type>::from_iter([None::<&str>]), &[None]);
    }

    #[test]
    fn five_and_the_text_five_are_two_keys() {
        let (texts, numbers) = (StringArray::from(vec!["5"]), Int8Array::from(vec![5]));
        assert_ne!(keys("id", &texts).unwrap().0, keys("id", &numbers).unwrap().0);
    }

    #[test]
    fn other_columns_have_no_keys() {
        let problem = keys("id", &Float64Array::from(vec![1.0])).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "`id`: expected texts or whole numbers as keys, found a column of type `Float64`"
        );
    }
}
