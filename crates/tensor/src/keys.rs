//! Keys: the caller's names for the rows of a request, which come back with the rows' answers.
//!
//! The rules, the same in every function:
//!
//! - A key is a string or a whole number. `"5"` and `5` are two keys. The empty string is a key. Whole numbers reach
//!   from `i64::MIN` to `u64::MAX` and keep every digit.
//! - Keys are optional as a whole: no row has one, or every row has one.
//! - No two rows of a request have the same key.
//! - A tensor of keys is called [`KEY`], is `BYTES` (UTF-8) or of an integer type, and has one key per row: shape `[n]`
//!   or `[n, 1]`.
//! - The model never sees keys. Its answer has as many rows as the request, or there is no answer.
//!
//! Rows are counted from 0, as JSON arrays are. Where keys stand on the wire is not decided here.

use std::borrow::Cow;
use std::fmt;

use crate::{Datatype, Error, Result, Tensor};

/// The name of the tensor, or of the field of a row, that holds keys.
pub const KEY: &str = "key";

/// The caller's name for one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key<'a> {
    /// A whole number from `i64::MIN` to `u64::MAX`.
    Integer(i128),
    /// A string, possibly empty.
    Text(Cow<'a, str>),
}

impl Key<'_> {
    /// The same key, independent of where it was read from.
    #[must_use]
    pub fn into_owned(self) -> Key<'static> {
        match self {
            Self::Integer(number) => Key::Integer(number),
            Self::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
        }
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The keys of all rows of a request, in the rows' order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys<'a> {
    // Invariant: no two are equal.
    keys: Vec<Key<'a>>,
}

impl<'a> Keys<'a> {
    /// Checks that no two keys are equal.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`] naming the first row that repeats a key.
    pub fn new(keys: Vec<Key<'a>>) -> Result<Self> {
        match first_duplicate(&keys) {
            None => Ok(Self { keys }),
            Some(Duplicate { key, first_row, row }) => {
                Err(Error::DuplicateKey { key: key.clone().into_owned(), first_row, row })
            }
        }
    }

    /// Reads the keys from a tensor of shape `[n]` or `[n, 1]`, `BYTES` or of an integer type.
    ///
    /// # Errors
    /// [`Error::KeyDatatype`], [`Error::KeyShape`], [`Error::KeyNotUtf8`] or [`Error::DuplicateKey`].
    pub fn from_tensor(tensor: &'a Tensor) -> Result<Self> {
        if !matches!(tensor.shape(), [_] | [_, 1]) {
            return Err(Error::KeyShape { found: tensor.shape().to_vec() });
        }
        Self::new(match tensor.datatype() {
            Datatype::Bytes => texts(tensor)?,
            datatype if datatype.is_integer() => integers(tensor),
            found => return Err(Error::KeyDatatype { found }),
        })
    }

    /// Checks that there are as many keys as rows.
    ///
    /// # Errors
    /// [`Error::KeyCount`] naming both numbers.
    pub fn check_rows(&self, n_rows: u64) -> Result<()> {
        let n_keys = self.keys.len() as u64;
        if n_keys == n_rows { Ok(()) } else { Err(Error::KeyCount { expected: n_rows, found: n_keys }) }
    }

    /// The keys, in the rows' order.
    pub fn iter(&self) -> std::slice::Iter<'_, Key<'a>> {
        self.keys.iter()
    }
}

impl<'keys, 'a> IntoIterator for &'keys Keys<'a> {
    type Item = &'keys Key<'a>;
    type IntoIter = std::slice::Iter<'keys, Key<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Gathers the keys of rows, one row after another.
#[derive(Clone, Debug, Default)]
pub struct KeysBuilder<'a> {
    keys: Vec<Key<'a>>,
    n_rows: usize,
    first_without: Option<usize>,
}

impl<'a> KeysBuilder<'a> {
    /// Adds the next row, with its key if it has one.
    pub fn push(&mut self, key: Option<Key<'a>>) {
        match key {
            Some(key) => self.keys.push(key),
            None => self.first_without = self.first_without.or(Some(self.n_rows)),
        }
        self.n_rows += 1;
    }

    /// Checks that every row has a key or none has, and that no two keys are equal; `None` if no row has a key.
    ///
    /// # Errors
    /// [`Error::MissingKey`] naming the first row without a key; [`Error::DuplicateKey`].
    pub fn build(self) -> Result<Option<Keys<'a>>> {
        match self.first_without {
            _ if self.keys.is_empty() => Ok(None),
            Some(row) => Err(Error::MissingKey { row }),
            None => Keys::new(self.keys).map(Some),
        }
    }
}

struct Duplicate<'keys, 'a> {
    key: &'keys Key<'a>,
    first_row: usize,
    row: usize,
}

fn first_duplicate<'keys, 'a>(keys: &'keys [Key<'a>]) -> Option<Duplicate<'keys, 'a>> {
    if keys.is_sorted_by(|key, next| key < next) {
        return None;
    }
    let mut sorted: Vec<(&Key<'a>, usize)> = keys.iter().zip(0..).collect();
    sorted.sort_unstable();
    let repeated = sorted.iter().zip(sorted.iter().skip(1)).filter(|((key, _), (next, _))| key == next);
    repeated
        .map(|(&(key, first_row), &(_, row))| Duplicate { key, first_row, row })
        .min_by_key(|duplicate| duplicate.row)
}

fn texts(tensor: &Tensor) -> Result<Vec<Key<'_>>> {
    let text = |(row, element)| match std::str::from_utf8(element) {
        Ok(text) => Ok(Key::Text(Cow::Borrowed(text))),
        Err(_) => Err(Error::KeyNotUtf8 { row }),
    };
    tensor.bytes_elements().enumerate().map(text).collect()
}

fn integers<'a>(tensor: &Tensor) -> Vec<Key<'a>> {
    let data = tensor.data();
    match tensor.datatype() {
        Datatype::Uint8 => elements(data, |bytes| u8::from_le_bytes(bytes).into()),
        Datatype::Uint16 => elements(data, |bytes| u16::from_le_bytes(bytes).into()),
        Datatype::Uint32 => elements(data, |bytes| u32::from_le_bytes(bytes).into()),
        Datatype::Uint64 => elements(data, |bytes| u64::from_le_bytes(bytes).into()),
        Datatype::Int8 => elements(data, |bytes| i8::from_le_bytes(bytes).into()),
        Datatype::Int16 => elements(data, |bytes| i16::from_le_bytes(bytes).into()),
        Datatype::Int32 => elements(data, |bytes| i32::from_le_bytes(bytes).into()),
        Datatype::Int64 => elements(data, |bytes| i64::from_le_bytes(bytes).into()),
        Datatype::Bool
        | Datatype::Fp16
        | Datatype::Bf16
        | Datatype::Fp32
        | Datatype::Fp64
        | Datatype::Bytes => Vec::new(),
    }
}

fn elements<'a, const SIZE: usize>(data: &[u8], number: fn([u8; SIZE]) -> i128) -> Vec<Key<'a>> {
    let (elements, _) = data.as_chunks::<SIZE>();
    elements.iter().map(|&bytes| Key::Integer(number(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode_bytes_element;

    fn text(text: &str) -> Key<'_> {
        Key::Text(Cow::Borrowed(text))
    }

    fn bytes_tensor(shape: &[u64], elements: &[&[u8]]) -> Tensor {
        let mut data = Vec::new();
        for element in elements {
            encode_bytes_element(&mut data, element);
        }
        Tensor::new(KEY, Datatype::Bytes, shape.to_vec(), data).unwrap()
    }

    #[track_caller]
    fn check_tensor(tensor: &Tensor, expect: Result<Vec<Key<'_>>>) {
        assert_eq!(Keys::from_tensor(tensor).map(|keys| keys.iter().cloned().collect()), expect);
    }

    #[test]
    fn strings_and_numbers_are_different_keys() {
        assert!(Keys::new(vec![text("5"), Key::Integer(5), text("")]).is_ok());
    }

    #[test]
    fn names_the_first_row_that_repeats_a_key() {
        let keys = vec![text("b"), text("a"), text("c"), text("a"), text("b"), text("a")];
        let expect = Error::DuplicateKey { key: text("a").into_owned(), first_row: 1, row: 3 };
        assert_eq!(Keys::new(keys), Err(expect));
    }

    #[test]
    fn all_rows_have_a_key_or_none_has() {
        let build = |keys: &[Option<Key<'static>>]| {
            let mut builder = KeysBuilder::default();
            keys.iter().cloned().for_each(|key| builder.push(key));
            builder.build()
        };
        assert_eq!(build(&[None, None]), Ok(None));
        assert_eq!(build(&[]), Ok(None));
        assert_eq!(build(&[Some(text("a")), None, None]), Err(Error::MissingKey { row: 1 }));
        assert_eq!(build(&[None, Some(text("a"))]), Err(Error::MissingKey { row: 0 }));
        let keys = vec![text("a"), Key::Integer(-1)];
        assert_eq!(build(&[Some(text("a")), Some(Key::Integer(-1))]), Keys::new(keys).map(Some));
    }

    #[test]
    fn reads_strings() {
        check_tensor(&bytes_tensor(&[2], &[b"a", b""]), Ok(vec![text("a"), text("")]));
        check_tensor(&bytes_tensor(&[2, 1], &[b"a", b"b"]), Ok(vec![text("a"), text("b")]));
        check_tensor(&bytes_tensor(&[0], &[]), Ok(vec![]));
    }

    #[test]
    fn reads_integers_of_every_type() {
        for datatype in Datatype::ALL.into_iter().filter(|datatype| datatype.is_integer()) {
            let data = vec![0xff; datatype.element_size().unwrap()];
            let bits = 8 * u32::try_from(data.len()).unwrap();
            let expect = if datatype.name().starts_with('U') { (1_i128 << bits) - 1 } else { -1 };
            let tensor = Tensor::new(KEY, datatype, vec![1], data).unwrap();
            check_tensor(&tensor, Ok(vec![Key::Integer(expect)]));
        }
    }

    #[test]
    fn rejects_other_datatypes() {
        for datatype in [Datatype::Bool, Datatype::Fp16, Datatype::Fp32, Datatype::Fp64] {
            let data = vec![0; datatype.element_size().unwrap()];
            let tensor = Tensor::new(KEY, datatype, vec![1], data).unwrap();
            check_tensor(&tensor, Err(Error::KeyDatatype { found: datatype }));
        }
    }

    #[test]
    fn rejects_more_than_one_key_per_row() {
        check_tensor(&bytes_tensor(&[1, 2], &[b"a", b"b"]), Err(Error::KeyShape { found: vec![1, 2] }));
        check_tensor(&bytes_tensor(&[], &[b"a"]), Err(Error::KeyShape { found: vec![] }));
    }

    #[test]
    fn rejects_bytes_that_are_not_utf8() {
        check_tensor(&bytes_tensor(&[2], &[b"a", b"\xff"]), Err(Error::KeyNotUtf8 { row: 1 }));
    }

    #[test]
    fn there_are_as_many_keys_as_rows() {
        let keys = Keys::new(vec![text("a"), text("b")]).unwrap();
        assert_eq!(keys.check_rows(2), Ok(()));
        assert_eq!(keys.check_rows(3), Err(Error::KeyCount { expected: 3, found: 2 }));
    }

    proptest! {
        #[test]
        fn a_duplicate_is_found_as_by_comparing_all_pairs(numbers in prop::collection::vec(0..30_i128, 0..12)) {
            let first_repeat = (0..numbers.len()).find_map(|row| {
                let first_row = numbers[..row].iter().position(|number| *number == numbers[row])?;
                Some((first_row, row))
            });
            let found = match Keys::new(numbers.into_iter().map(Key::Integer).collect()) {
                Err(Error::DuplicateKey { first_row, row, .. }) => Some((first_row, row)),
                _ => None,
            };
            prop_assert_eq!(found, first_repeat);
        }
    }
}
