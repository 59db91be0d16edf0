//! The form that the protocol gives to JSON values: objects, lists and strings at named places.

use std::borrow::Cow;
use std::fmt;

use crate::cursor::{Cursor, excerpt};
use crate::{Error, Result};

/// The name of a place in a body, such as `inputs[2].shape`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The whole body.
    Body,
    /// A member of the body.
    Member(&'static str),
    /// An element of a list of the body.
    Element(&'static str, usize),
    /// A member of an element of a list of the body.
    Field(&'static str, usize, &'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Member(member) => f.write_str(member),
            Self::Element(list, idx) => write!(f, "{list}[{idx}]"),
            Self::Field(list, idx, field) => write!(f, "{list}[{idx}].{field}"),
        }
    }
}

impl Place {
    /// The error that `found` is here instead of what was expected.
    pub(crate) fn wrong(self, expected: &'static str, found: &str) -> Error {
        Error::WrongForm { path: self.to_string(), expected, found: excerpt(found) }
    }

    /// The error that nothing is here.
    pub(crate) fn missing(self) -> Error {
        Error::MissingField { path: self.to_string() }
    }

    /// The error that there is a client here and one on each row.
    pub(crate) fn two_clients(self) -> Error {
        self.wrong("a client of the whole request or one of each row", "both")
    }

    /// Steps into the object that must be here.
    pub(crate) fn enter_object(self, cursor: &mut Cursor<'_>) -> Result<()> {
        if cursor.enter_object() { Ok(()) } else { Err(self.wrong("an object", cursor.value())) }
    }

    /// The string that must be here.
    pub(crate) fn read_string<'a>(self, cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>> {
        match cursor.string()? {
            Some(text) => Ok(text),
            None => Err(self.wrong("a string", cursor.value())),
        }
    }

    /// The list that must be here; `read` is told the index.
    pub(crate) fn read_list<'a, T>(
        self,
        cursor: &mut Cursor<'a>,
        mut read: impl FnMut(&mut Cursor<'a>, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut list = Vec::new();
        self.read_each(cursor, |cursor, idx| {
            list.push(read(cursor, idx)?);
            Ok(())
        })?;
        Ok(list)
    }

    /// Reads each element of the list that must be here, and tells how many there were.
    pub(crate) fn read_each<'a>(
        self,
        cursor: &mut Cursor<'a>,
        mut read: impl FnMut(&mut Cursor<'a>, usize) -> Result<()>,
    ) -> Result<usize> {
        if !cursor.enter_array() {
            return Err(self.wrong("a list", cursor.value()));
        }
        let mut n_elements = 0;
        while cursor.next_element() {
            read(cursor, n_elements)?;
            n_elements += 1;
        }
        Ok(n_elements)
    }

    /// Keeps what was read here, once.
    pub(crate) fn set<T>(self, slot: &mut Option<T>, value: T) -> Result<()> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Error::DuplicateField { path: self.to_string() }),
        }
    }
}
