//! Keys in JSON: the field `key` of a row, and the list `keys` beside rows that have no place for one.

use tensor::{Key, Keys, NewKeys};

use super::KEYS;
use super::partition::BadRows;
use crate::cursor::{Cursor, excerpt};
use crate::number::Number;
use crate::{Error, Result};

/// The value of `keys`: one key per row.
#[derive(Debug)]
pub(super) struct KeyList<'a> {
    /// The keys, and none where something else stands.
    pub(super) keys: Keys<'a>,
    /// Where something else stands.
    pub(super) bad: BadRows,
}

impl<'a> KeyList<'a> {
    /// New keys for so many rows.
    pub(super) fn generated(n_rows: u64, new_keys: NewKeys) -> Self {
        let mut keys = Keys::default();
        (0..n_rows).for_each(|_| keys.push(None));
        Self { keys: keys.filled(new_keys), bad: BadRows::default() }
    }

    /// Reads the list.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if it is none.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self> {
        let mut list = Self { keys: Keys::default(), bad: BadRows::default() };
        KEYS.read_each(cursor, |cursor, row| {
            let start = cursor.clone();
            let key = match read_key(cursor) {
                Ok(key) => Some(key),
                Err(error) => {
                    list.bad.push(row, None, error)?;
                    *cursor = start;
                    cursor.value();
                    None
                }
            };
            list.keys.push(key);
            Ok(())
        })?;
        Ok(list)
    }
}

/// The key that must be here.
///
/// # Errors
/// [`Error::InvalidKey`] or [`Error::MalformedJson`].
pub(super) fn read_key<'a>(cursor: &mut Cursor<'a>) -> Result<Key<'a>> {
    if let Some(text) = cursor.string()? {
        return Ok(Key::Text(text));
    }
    let mut value = cursor.clone();
    match cursor.number().and_then(Number::to_integer) {
        Some(number) if number >= i64::MIN.into() => Ok(Key::Integer(number)),
        _ => Err(Error::InvalidKey { found: excerpt(value.value()) }),
    }
}
