//! Keys and clients in JSON: the fields `key` and `client` of a row, and the lists `keys` and `clients` beside rows that have no
//! place for them.

use tensor::{CLIENT, Client, KEY, Key, PerRow};

use crate::cursor::{Cursor, excerpt};
use crate::form::Place;
use crate::number::Number;
use crate::partition::{BadRows, row_error};
use crate::{Error, Result};

/// The names in one row.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) key: Option<Key<'a>>,
    pub(super) client: Option<Client<'a>>,
}

impl<'a> Names<'a> {
    /// Reads the value of a field, if it is one of these; tells whether it is.
    ///
    /// # Errors
    /// Those of [`read_key`] and [`read_client`]; [`Error::DuplicateField`].
    pub(super) fn read_field(&mut self, name: &str, cursor: &mut Cursor<'a>) -> Result<bool> {
        match name {
            KEY => Place::Member(KEY).set(&mut self.key, read_key(cursor)?)?,
            CLIENT => Place::Member(CLIENT).set(&mut self.client, read_client(cursor)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The names of a row that has an error, as far as it has valid ones: the first of each.
    pub(super) fn find(mut cursor: Cursor<'a>) -> Self {
        let mut names = Self::default();
        if cursor.enter_object() {
            while let Ok(Some(name)) = cursor.next_member() {
                let mut value = cursor.clone();
                match name.as_ref() {
                    KEY => names.key = names.key.or_else(|| read_key(&mut value).ok()),
                    CLIENT => names.client = names.client.or_else(|| read_client(&mut value).ok()),
                    _ => {}
                }
                cursor.value();
            }
        }
        names
    }
}

/// A list of names, one per row.
#[derive(Debug)]
pub(super) struct NameList<T> {
    /// The names, and none where something else stands.
    pub(super) names: PerRow<T>,
    /// Where something else stands.
    pub(super) bad: BadRows,
}

impl<T> NameList<T> {
    /// Reads the list that must be at `place`.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if it is none; [`Error::MalformedJson`].
    pub(super) fn read<'a>(
        place: Place,
        cursor: &mut Cursor<'a>,
        read_name: fn(&mut Cursor<'a>) -> Result<T>,
    ) -> Result<Self> {
        let mut list = Self { names: PerRow::default(), bad: BadRows::default() };
        place.read_each(cursor, |cursor, row| {
            let start = cursor.clone();
            let name = match read_name(cursor) {
                Ok(name) => Some(name),
                Err(error) => {
                    list.bad.push(row, error).map_err(|error| row_error(row, None, None, error))?;
                    *cursor = start;
                    cursor.value();
                    None
                }
            };
            list.names.push(name);
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

/// The client that must be here.
///
/// # Errors
/// [`Error::InvalidClient`] or [`Error::MalformedJson`].
pub(super) fn read_client<'a>(cursor: &mut Cursor<'a>) -> Result<Client<'a>> {
    let mut value = cursor.clone();
    let client = cursor.string()?.and_then(Client::new);
    client.ok_or_else(|| Error::InvalidClient { found: excerpt(value.value()) })
}
