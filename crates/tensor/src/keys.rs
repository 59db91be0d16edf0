//! Keys: the caller's names for the rows of a request, which come back with the rows' answers.
//!
//! The rules, the same in every function:
//!
//! - A key is a string or a whole number. `"5"` and `5` are two keys. The empty string is a key. Whole numbers reach
//!   from `i64::MIN` to `u64::MAX` and keep every digit.
//! - Keys are optional as a whole: no row has one, or every row has one; or the request asks for new ones where there are none.
//! - No two rows of a request have the same key, unless the request says what becomes of them: [`DuplicateKeys`].
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

/// Makes so many keys that nobody has made before.
pub type NewKeys = fn(usize) -> Vec<String>;

/// What becomes of a row whose key an earlier row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// It is an error.
    #[default]
    Error,
    /// It is answered as any other row, under the same key.
    Allow,
    /// It is left out: it does not reach the model, and only the first row with the key is answered.
    First,
}

impl DuplicateKeys {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Error, Self::Allow, Self::First];

    /// The name on the wire, such as `first`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Allow => "allow",
            Self::First => "first",
        }
    }

    /// The policy of that name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// The keys of the rows of a request: which rows have one, and which break the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys<'a> {
    keys: Vec<Key<'a>>,
    // Invariant: the row of each key, ascending, all below `n_rows`.
    rows: Vec<usize>,
    n_rows: usize,
}

impl<'a> Keys<'a> {
    /// Reads the keys from a tensor of shape `[n]` or `[n, 1]`, `BYTES` or of an integer type.
    ///
    /// # Errors
    /// [`Error::KeyDatatype`], [`Error::KeyShape`] or [`Error::KeyNotUtf8`].
    pub fn from_tensor(tensor: &'a Tensor) -> Result<Self> {
        let keys = read_tensor(tensor)?;
        let n_rows = keys.len();
        Ok(Self { keys, rows: (0..n_rows).collect(), n_rows })
    }

    /// Adds the next row, with its key if it has one.
    pub fn push(&mut self, key: Option<Key<'a>>) {
        if let Some(key) = key {
            self.keys.push(key);
            self.rows.push(self.n_rows);
        }
        self.n_rows += 1;
    }

    /// Gives every row that has no key one of as many that `new_keys` makes.
    #[must_use]
    pub fn filled(self, new_keys: NewKeys) -> Self {
        let n_missing = self.n_rows - self.keys.len();
        if n_missing == 0 {
            return self;
        }
        let mut new_keys = new_keys(n_missing).into_iter();
        let mut filled = Self::default();
        let mut given = self.rows.into_iter().zip(self.keys).peekable();
        for row in 0..self.n_rows {
            let key = given.next_if(|(given_row, _)| *given_row == row).map(|(_, key)| key);
            filled.push(key.or_else(|| new_keys.next().map(|key| Key::Text(Cow::Owned(key)))));
        }
        filled
    }

    /// How many rows there are, with and without keys.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Whether any row has a key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The key of a row.
    #[must_use]
    pub fn key(&self, row: usize) -> Option<&Key<'a>> {
        self.keys.get(self.rows.binary_search(&row).ok()?)
    }

    /// Checks that these keys, one per row, are for as many rows.
    ///
    /// # Errors
    /// [`Error::KeyCount`] naming both numbers.
    pub fn check_rows(&self, n_rows: u64) -> Result<()> {
        check_count(self.n_rows as u64, n_rows)
    }

    /// Checks that no row breaks the rules.
    ///
    /// # Errors
    /// Those of the first row that does.
    pub fn check(&self, duplicates: DuplicateKeys) -> Result<()> {
        self.errors(duplicates).next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The rows that break the rules, and how: first those without a key if others have one, then those that repeat one
    /// if that is an error.
    pub fn errors(&self, duplicates: DuplicateKeys) -> impl Iterator<Item = (usize, Error)> {
        let repeats = if duplicates == DuplicateKeys::Error { self.repeats() } else { Vec::new() };
        let missing = self.rows_without().map(|row| (row, Error::MissingKey { row }));
        missing.chain(repeats.into_iter().map(|repeat| (repeat.row, repeat.to_error())))
    }

    /// The rows that are left out because they repeat a key, ascending.
    #[must_use]
    pub fn left_out(&self, duplicates: DuplicateKeys) -> Vec<usize> {
        match duplicates {
            DuplicateKeys::Error | DuplicateKeys::Allow => Vec::new(),
            DuplicateKeys::First => self.repeats().iter().map(|repeat| repeat.row).collect(),
        }
    }

    /// Each row that has a key, and the key.
    pub fn into_rows(self) -> impl Iterator<Item = (usize, Key<'a>)> {
        self.rows.into_iter().zip(self.keys)
    }

    fn rows_without(&self) -> impl Iterator<Item = usize> {
        let n_rows = if self.is_keyed() { self.n_rows } else { 0 };
        let mut keyed = self.rows.iter().peekable();
        (0..n_rows).filter(move |row| keyed.next_if_eq(&row).is_none())
    }

    fn repeats(&self) -> Vec<Repeat<'_, 'a>> {
        repeats(&self.keys, self.rows.iter().copied())
    }
}

/// A row whose key an earlier row has.
struct Repeat<'keys, 'a> {
    key: &'keys Key<'a>,
    first_row: usize,
    row: usize,
}

impl Repeat<'_, '_> {
    fn to_error(&self) -> Error {
        let key = self.key.clone().into_owned();
        Error::DuplicateKey { key, first_row: self.first_row, row: self.row }
    }
}

/// The rows whose key an earlier row has, ascending.
fn repeats<'keys, 'a>(keys: &'keys [Key<'a>], rows: impl Iterator<Item = usize>) -> Vec<Repeat<'keys, 'a>> {
    if keys.is_sorted_by(|key, next| key < next) {
        return Vec::new();
    }
    let mut sorted: Vec<(&Key<'a>, usize)> = keys.iter().zip(rows).collect();
    sorted.sort_unstable();
    let mut repeats = Vec::new();
    for same_key in sorted.chunk_by(|(key, _), (next, _)| key == next) {
        let Some((&(key, first_row), later)) = same_key.split_first() else { continue };
        repeats.extend(later.iter().map(|&(_, row)| Repeat { key, first_row, row }));
    }
    repeats.sort_unstable_by_key(|repeat| repeat.row);
    repeats
}

fn check_count(found: u64, expected: u64) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::KeyCount { expected, found }) }
}

fn read_tensor(tensor: &Tensor) -> Result<Vec<Key<'_>>> {
    if !matches!(tensor.shape(), [_] | [_, 1]) {
        return Err(Error::KeyShape { found: tensor.shape().to_vec() });
    }
    match tensor.datatype() {
        Datatype::Bytes => texts(tensor),
        datatype if datatype.is_integer() => Ok(integers(tensor)),
        found => Err(Error::KeyDatatype { found }),
    }
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
        assert_eq!(
            Keys::from_tensor(tensor).map(|keys| keys.into_rows().map(|(_, key)| key).collect()),
            expect
        );
    }

    fn row_keys(keys: &[Option<Key<'static>>]) -> Keys<'static> {
        let mut rows = Keys::default();
        keys.iter().cloned().for_each(|key| rows.push(key));
        rows
    }

    #[track_caller]
    fn check_errors(keys: &[Option<Key<'static>>], duplicates: DuplicateKeys, expect: &[Error]) {
        let (rows, errors): (Vec<usize>, Vec<Error>) = row_keys(keys).errors(duplicates).unzip();
        assert_eq!(errors, expect);
        let row = |error: &Error| match error {
            Error::MissingKey { row } | Error::DuplicateKey { row, .. } => *row,
            other => panic!("{other}"),
        };
        assert!(rows.into_iter().eq(errors.iter().map(row)));
    }

    #[test]
    fn all_rows_have_a_key_or_none_has() {
        let check = |keys: &[Option<Key<'static>>], expect: &[usize]| {
            let missing: Vec<Error> = expect.iter().map(|&row| Error::MissingKey { row }).collect();
            check_errors(keys, DuplicateKeys::Error, &missing);
        };
        check(&[None, None], &[]);
        check(&[], &[]);
        check(&[Some(text("a")), None, None], &[1, 2]);
        check(&[None, Some(text("a"))], &[0]);
        check(&[Some(text("5")), Some(Key::Integer(5)), Some(text(""))], &[]);
    }

    #[test]
    fn rows_that_repeat_a_key_are_errors_or_answered_or_left_out() {
        let keys: Vec<_> = ["b", "a", "b", "a", "b"].into_iter().map(|key| Some(text(key))).collect();
        let error = |key, first_row, row| Error::DuplicateKey { key: text(key), first_row, row };
        check_errors(&keys, DuplicateKeys::Error, &[error("b", 0, 2), error("a", 1, 3), error("b", 0, 4)]);
        for duplicates in [DuplicateKeys::Allow, DuplicateKeys::First] {
            check_errors(&keys, duplicates, &[]);
        }
        let keys = row_keys(&keys);
        assert!(keys.left_out(DuplicateKeys::Error).is_empty());
        assert!(keys.left_out(DuplicateKeys::Allow).is_empty());
        assert_eq!(keys.left_out(DuplicateKeys::First), [2, 3, 4]);
    }

    #[test]
    fn a_row_knows_its_key() {
        let keys = row_keys(&[None, Some(text("a")), None, Some(text("b"))]);
        assert_eq!((keys.key(0), keys.key(1), keys.key(3)), (None, Some(&text("a")), Some(&text("b"))));
        assert_eq!((keys.n_rows(), keys.is_keyed()), (4, true));
        assert!(keys.into_rows().eq([(1, text("a")), (3, text("b"))]));
    }

    #[test]
    fn rows_of_a_tensor_all_have_a_key() {
        let tensor = bytes_tensor(&[2, 1], &[b"a", b"a"]);
        let keys = Keys::from_tensor(&tensor).unwrap();
        assert_eq!(keys, row_keys(&[Some(text("a")), Some(text("a"))]));
        assert_eq!(keys.check_rows(3), Err(Error::KeyCount { expected: 3, found: 2 }));
    }

    #[test]
    fn rows_without_a_key_get_a_new_one() {
        let new_keys: NewKeys = |n_keys| (0..n_keys).map(|idx| format!("new {idx}")).collect();
        let keys = row_keys(&[None, Some(text("a")), None]).filled(new_keys);
        assert_eq!(keys, row_keys(&[Some(text("new 0")), Some(text("a")), Some(text("new 1"))]));
        assert_eq!(keys.clone().filled(|_| panic!("no row lacks a key")), keys);
    }

    #[test]
    fn policies_have_names() {
        for policy in DuplicateKeys::ALL {
            assert_eq!(DuplicateKeys::from_name(policy.name()), Some(policy));
        }
        assert_eq!(DuplicateKeys::from_name("last"), None);
        assert_eq!(DuplicateKeys::default(), DuplicateKeys::Error);
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

    proptest! {
        #[test]
        fn duplicates_are_found_as_by_comparing_all_pairs(numbers in prop::collection::vec(0..30_i128, 0..12)) {
            let expect: Vec<(usize, usize)> = (0..numbers.len())
                .filter_map(|row| {
                    let first_row = numbers[..row].iter().position(|number| *number == numbers[row])?;
                    Some((first_row, row))
                })
                .collect();
            let found = |error| match error {
                Error::DuplicateKey { first_row, row, .. } => Some((first_row, row)),
                _ => None,
            };
            let keys: Vec<_> = numbers.into_iter().map(|number| Some(Key::Integer(number))).collect();
            let keys = row_keys(&keys);
            let all = keys.errors(DuplicateKeys::Error).filter_map(|(_, error)| found(error));
            prop_assert_eq!(all.collect::<Vec<_>>(), expect);
        }
    }
}
