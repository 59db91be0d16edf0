//! Keys: the caller's names for the rows of a request, which come back with the rows' answers; and clients, whose names the keys are.
//!
//! The rules, the same in every function:
//!
//! - A key is a string or a whole number. `"5"` and `5` are two keys. The empty string is a key. Whole numbers reach
//!   from `i64::MIN` to `u64::MAX` and keep every digit.
//! - Keys are optional as a whole: no row has one, or every row has one; or the request asks for new ones where there are none.
//! - A client is a string that is not empty. Clients are optional as a whole, too: no row has one, or every row has one. A row
//!   with a client has a key.
//! - No two rows of a request have the same key of the same client, unless the request says what becomes of them:
//!   [`DuplicateKeys`].
//! - A tensor of keys is called [`KEY`], is `BYTES` (UTF-8) or of an integer type, and has one key per row: shape `[n]`
//!   or `[n, 1]`. A tensor of clients is called [`CLIENT`], is `BYTES` (UTF-8), and is of such a shape.
//! - The model never sees keys and clients. Its answer has as many rows as the request, or there is no answer.
//!
//! Rows are counted from 0, as JSON arrays are. Where keys and clients stand on the wire is not decided here.

mod duplicates;
mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

pub use self::duplicates::DuplicateKeys;
use self::duplicates::{Named, Repeat, repeats};
pub use self::read::{NamesRead, read_clients, read_keys};
use crate::{Error, PerRow, Result};

/// The name of the tensor, or of the field of a row, that holds keys.
pub const KEY: &str = "key";

/// The name of the tensor, or of the field of a row, that holds clients.
pub const CLIENT: &str = "client";

/// The name of the tensor that holds the errors of rows.
pub const ROW_ERROR: &str = "row_error";

/// The names that no tensor of a model may have, and what has them.
pub const RESERVED_NAMES: [(&str, &str); 3] =
    [(KEY, "the rows' keys"), (CLIENT, "the rows' clients"), (ROW_ERROR, "the rows' errors")];

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

/// Whose names the keys are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: not empty.
pub struct Client<'a>(Cow<'a, str>);

impl<'a> Client<'a> {
    /// The client of that name; `None` if it is empty: that is a name left out, and whoever leaves it out would share it.
    #[must_use]
    pub fn new(name: impl Into<Cow<'a, str>>) -> Option<Self> {
        Some(name.into()).filter(|name| !name.is_empty()).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The same client, independent of where it was read from.
    #[must_use]
    pub fn into_owned(self) -> Client<'static> {
        Client(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes so many keys that nobody has made before.
pub type NewKeys = fn(usize) -> Vec<String>;

/// Gives every row that has no key a new one.
#[must_use]
pub fn with_new_keys(keys: PerRow<Key<'_>>, new_keys: NewKeys) -> PerRow<Key<'_>> {
    keys.filled(|n_missing| new_keys(n_missing).into_iter().map(|key| Key::Text(Cow::Owned(key))))
}

/// The names of the rows of a request: which rows have a key and a client, and which break the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys<'a> {
    // Invariant: both of as many rows.
    keys: PerRow<Key<'a>>,
    clients: PerRow<Client<'a>>,
}

impl<'a> Keys<'a> {
    /// The names of `n_rows` rows.
    ///
    /// # Errors
    /// [`Error::KeyCount`] or [`Error::ClientCount`] if they are for more rows or for fewer.
    pub fn new(keys: PerRow<Key<'a>>, clients: PerRow<Client<'a>>, n_rows: u64) -> Result<Self> {
        let (n_keys, n_clients) = (keys.n_rows() as u64, clients.n_rows() as u64);
        if n_keys != n_rows {
            return Err(Error::KeyCount { expected: n_rows, found: n_keys });
        }
        if n_clients != n_rows {
            return Err(Error::ClientCount { expected: n_rows, found: n_clients });
        }
        Ok(Self { keys, clients })
    }

    /// How many rows there are, with and without keys.
    #[must_use]
    pub const fn n_rows(&self) -> usize {
        self.keys.n_rows()
    }

    /// Whether any row has a key.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.keys.is_any()
    }

    /// Whether any row has a client.
    #[must_use]
    pub const fn has_clients(&self) -> bool {
        self.clients.is_any()
    }

    /// The key of a row.
    #[must_use]
    pub fn key(&self, row: usize) -> Option<&Key<'a>> {
        self.keys.get(row)
    }

    /// The client of a row.
    #[must_use]
    pub fn client(&self, row: usize) -> Option<&Client<'a>> {
        self.clients.get(row)
    }

    /// The rows that break the rules, and how, each once: first those without a name that others have, then those that repeat
    /// one if that is an error.
    pub fn errors(&self, duplicates: DuplicateKeys) -> impl Iterator<Item = (usize, Error)> + use<'_, 'a> {
        let repeats = if duplicates == DuplicateKeys::Error { self.repeats() } else { Vec::new() };
        let n_rows = if self.is_complete() { 0 } else { self.n_rows() };
        let missing = (0..n_rows).filter_map(|row| Some((row, self.missing(row)?)));
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

    /// Whether no row lacks what others have.
    fn is_complete(&self) -> bool {
        let are_keys_complete = self.keys.is_full() || !(self.is_keyed() || self.has_clients());
        are_keys_complete && (self.clients.is_full() || !self.has_clients())
    }

    /// What a row lacks that others have, or its client needs.
    fn missing(&self, row: usize) -> Option<Error> {
        let (key, client) = (self.key(row), self.client(row));
        match (key, client) {
            (None, _) if self.is_keyed() => Some(Error::MissingKey { row }),
            (None, Some(_)) => Some(Error::ClientWithoutKey { row }),
            (_, None) if self.has_clients() => Some(Error::MissingClient { row }),
            _ => None,
        }
    }

    /// The rows that repeat a key. One that lacks its client is another mistake.
    fn repeats(&self) -> Vec<Repeat<'_, 'a>> {
        if !self.has_clients() {
            return repeats(self.keys.iter().map(|(row, key)| Named { client: None, key, row }));
        }
        repeats(self.keys.iter().filter_map(|(row, key)| {
            let client = Some(self.client(row)?);
            Some(Named { client, key, row })
        }))
    }
}
