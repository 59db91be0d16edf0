//! Which rows of a request are answered, which are reported with an error, and which are left out.
//!
//! A row that cannot be read, or whose names break the rules of [`tensor::Keys`], is bad. By default the first bad row fails
//! the request; with `"on_row_error": "report"` each is reported under its key. A bad row's key counts: a later row with the
//! same key repeats it. More than [`MAX_BAD_ROWS`] bad rows fail the request in any case, so that a small request of
//! nothing but bad rows has no large answer.

use tensor::{Client, DuplicateKeys, Key, Keys};

use crate::{Error, Result};

/// The most rows that are reported.
pub(crate) const MAX_BAD_ROWS: usize = 100_000;

/// What becomes of bad rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRowError {
    /// The first one fails the request.
    #[default]
    Fail,
    /// Each is reported, and the others are answered.
    Report,
}

impl OnRowError {
    /// The policy of that name on the wire.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "fail" => Some(Self::Fail),
            "report" => Some(Self::Report),
            _ => None,
        }
    }
}

/// The bad rows that were found while reading, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRows {
    // Invariant: ascending, each row once; complete unless there are more than `MAX_BAD_ROWS`.
    rows: Vec<(usize, Error)>,
}

impl BadRows {
    /// Adds a row after the last one.
    ///
    /// # Errors
    /// The error itself if what is wrong is the text, not the row.
    pub(crate) fn push(&mut self, row: usize, error: Error) -> Result<()> {
        if matches!(error, Error::MalformedJson { .. }) {
            return Err(error);
        }
        if self.rows.len() <= MAX_BAD_ROWS {
            self.rows.push((row, error));
        }
        Ok(())
    }

    /// Adds rows in any order; those that are bad already stay as they are.
    pub fn merge(&mut self, more: impl IntoIterator<Item = (usize, Error)>) {
        let is_new = |&(row, _): &(usize, Error)| self.position(row).is_none();
        let new: Vec<_> = more.into_iter().filter(is_new).take(MAX_BAD_ROWS + 1).collect();
        self.rows.extend(new);
        self.rows.sort_by_key(|(row, _)| *row);
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no caller asks it")]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Which rows they are, ascending.
    #[must_use]
    pub fn indexes(&self) -> Vec<usize> {
        self.rows.iter().map(|(row, _)| *row).collect()
    }

    /// The first of them.
    pub(crate) fn first(&self) -> Option<(usize, &Error)> {
        self.rows.first().map(|(row, error)| (*row, error))
    }

    fn position(&self, row: usize) -> Option<usize> {
        self.rows.binary_search_by_key(&row, |(row, _)| *row).ok()
    }

    /// Checks that there are at most so many rows.
    fn check_at_most(&self, max_rows: usize, keys: &Keys<'_>) -> Result<()> {
        match self.first() {
            Some((row, error)) if self.len() > max_rows => {
                Err(row_error(row, keys.client(row), keys.key(row), error.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl IntoIterator for BadRows {
    type Item = (usize, Error);
    type IntoIter = std::vec::IntoIter<(usize, Error)>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// The rows of a request by what becomes of them.
#[derive(Debug)]
pub struct Partition<'a> {
    keys: Keys<'a>,
    // Invariant: no row is both bad and left out.
    bad: BadRows,
    left_out: Vec<usize>,
}

impl<'a> Partition<'a> {
    /// Parts the rows that `keys` counts, some of which are bad already.
    ///
    /// # Errors
    /// [`Error::Row`] or [`Error::Tensor`] for the first bad row, unless bad rows are reported.
    pub fn new(
        keys: Keys<'a>,
        mut bad: BadRows,
        on_row_error: OnRowError,
        duplicates: DuplicateKeys,
    ) -> Result<Self> {
        match on_row_error {
            OnRowError::Fail => {
                bad.check_at_most(0, &keys)?;
                keys.errors(duplicates).next().map_or(Ok(()), |(_, error)| Err(error))?;
            }
            OnRowError::Report => {
                bad.merge(keys.errors(duplicates).map(|(row, error)| (row, error.into())));
                bad.check_at_most(MAX_BAD_ROWS, &keys)?;
            }
        }
        let left_out = keys.left_out(duplicates);
        bad.rows.retain(|(row, _)| left_out.binary_search(row).is_err());
        Ok(Self { keys, bad, left_out })
    }

    /// The names of all rows.
    #[must_use]
    pub const fn keys(&self) -> &Keys<'a> {
        &self.keys
    }

    /// The rows that are reported, ascending, and what is wrong with them.
    pub fn reported(&self) -> impl ExactSizeIterator<Item = (usize, &Error)> {
        self.bad.rows.iter().map(|(row, error)| (*row, error))
    }

    /// The rows that have a place in the answer, ascending.
    pub fn shown(&self) -> impl Iterator<Item = usize> {
        (0..self.keys.n_rows()).filter(|row| self.left_out.binary_search(row).is_err())
    }

    /// How many rows are answered.
    #[must_use]
    pub fn n_answered(&self) -> usize {
        self.keys.n_rows() - self.bad.rows.len() - self.left_out.len()
    }

    /// The rows that are answered, ascending.
    pub fn answered(&self) -> impl Iterator<Item = usize> {
        self.shown().filter(|row| self.bad.position(*row).is_none())
    }

    /// The rows that are not answered, ascending.
    #[must_use]
    pub fn unanswered(&self) -> Vec<usize> {
        let mut rows = self.bad.indexes();
        rows.extend(&self.left_out);
        rows.sort_unstable();
        rows
    }
}

/// Where rows stand among those that are not `unstacked`, as far as they do; all ascend.
#[must_use]
pub fn stacked(rows: &[usize], unstacked: &[usize]) -> Vec<usize> {
    let position = |&row: &usize| unstacked.binary_search(&row).err().map(|n_before| row - n_before);
    rows.iter().filter_map(position).collect()
}

/// The error of a row of these names.
pub(crate) fn row_error(
    row: usize,
    client: Option<&Client<'_>>,
    key: Option<&Key<'_>>,
    error: Error,
) -> Error {
    Error::Row {
        row,
        client: client.cloned().map(Client::into_owned),
        key: key.cloned().map(Key::into_owned),
        error: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_where_the_unstacked_ones_before_them_are_not() {
        assert_eq!(stacked(&[0, 2, 3, 6], &[0, 3, 4]), [1, 3]);
        assert_eq!(stacked(&[1, 2], &[]), [1, 2]);
        assert!(stacked(&[1, 2], &[1, 2]).is_empty());
    }
}
