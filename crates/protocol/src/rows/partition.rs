//! Which rows of a request are answered, which are reported with an error, and which are left out.
//!
//! A row that cannot be read, or whose key breaks the rules of [`tensor::Keys`], is bad. By default the first bad row fails
//! the request; with `"on_row_error": "report"` each is reported in its place. A bad row's key counts: a later row with the
//! same key repeats it. More than [`MAX_BAD_ROWS`] bad rows fail the request in any case, so that a small request of
//! nothing but bad rows has no large answer.

use tensor::{Key, Keys};

use super::{OnRowError, Policies};
use crate::{Error, Result};

/// The most rows that are reported.
pub(super) const MAX_BAD_ROWS: usize = 100_000;

/// The bad rows that were found while reading, ascending.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    // Invariant: ascending, each row once; complete unless there are more than `MAX_BAD_ROWS`.
    rows: Vec<BadRow>,
}

#[derive(Debug)]
struct BadRow {
    row: usize,
    error: Error,
}

impl BadRows {
    /// Adds a row after the last one.
    ///
    /// # Errors
    /// [`Error::Row`] if what is wrong is the text, not the row.
    pub(super) fn push(&mut self, row: usize, key: Option<&Key<'_>>, error: Error) -> Result<()> {
        if matches!(error, Error::MalformedJson { .. }) {
            return Err(row_error(row, key, error));
        }
        if self.rows.len() <= MAX_BAD_ROWS {
            self.rows.push(BadRow { row, error });
        }
        Ok(())
    }

    /// Adds rows in any order; those that are bad already stay as they are.
    pub(super) fn merge(&mut self, more: impl Iterator<Item = (usize, Error)>) {
        let is_new = |&(row, _): &(usize, Error)| self.position(row).is_none();
        let new: Vec<_> = more.filter(is_new).take(MAX_BAD_ROWS + 1).collect();
        self.rows.extend(new.into_iter().map(|(row, error)| BadRow { row, error }));
        self.rows.sort_by_key(|bad| bad.row);
    }

    /// Which rows they are, ascending.
    pub(super) fn indexes(&self) -> Vec<usize> {
        self.rows.iter().map(|bad| bad.row).collect()
    }

    /// Each row with its error.
    pub(super) fn into_errors(self) -> impl Iterator<Item = (usize, Error)> {
        self.rows.into_iter().map(|bad| (bad.row, bad.error))
    }

    fn position(&self, row: usize) -> Option<usize> {
        self.rows.binary_search_by_key(&row, |bad| bad.row).ok()
    }

    /// These rows, or the error of the first if there are more than `max_rows`.
    fn expect_at_most(self, max_rows: usize, keys: &Keys<'_>) -> Result<Self> {
        if self.rows.len() <= max_rows {
            return Ok(self);
        }
        match self.into_errors().next() {
            None => Ok(Self::default()),
            Some((row, error)) => Err(row_error(row, keys.key(row), error)),
        }
    }
}

/// The rows of a request by what becomes of them.
#[derive(Debug)]
pub(super) struct Partition<'a> {
    /// How many rows there are.
    pub(super) n_rows: usize,
    /// The keys of the rows that are answered, if the rows have keys.
    pub(super) keys: Option<Vec<Key<'a>>>,
    /// The rows that are reported, ascending.
    pub(super) errors: Vec<RowError<'a>>,
    /// The rows that have no place in the answer, ascending.
    pub(super) left_out: Vec<usize>,
}

/// What is reported of a bad row.
#[derive(Debug)]
pub(super) struct RowError<'a> {
    /// Which row it is.
    pub(super) row: usize,
    /// Its key, if it has a valid one.
    pub(super) key: Option<Key<'a>>,
    /// An [`Error::Row`] without the key.
    pub(super) error: Error,
}

impl<'a> Partition<'a> {
    /// Parts the rows that `keys` counts, some of which are bad already.
    ///
    /// # Errors
    /// [`Error::Row`] or [`Error::Tensor`] for the first bad row, unless bad rows are reported.
    pub(super) fn new(keys: Keys<'a>, mut bad: BadRows, policies: Policies) -> Result<Self> {
        let Policies { on_row_error, duplicates, .. } = policies;
        let key_errors = keys.errors(duplicates).map(|(row, error)| (row, Error::from(error)));
        let bad = match on_row_error {
            OnRowError::Fail => {
                let bad = bad.expect_at_most(0, &keys)?;
                fail_with_first(key_errors)?;
                bad
            }
            OnRowError::Report => {
                bad.merge(key_errors);
                bad.expect_at_most(MAX_BAD_ROWS, &keys)?
            }
        };
        let left_out = keys.left_out(duplicates);
        let reported = bad.into_errors().filter(|(row, _)| left_out.binary_search(row).is_err());
        let errors = reported.map(|(row, error)| RowError::new(row, error)).collect();
        let n_rows = keys.n_rows();
        Ok(Self { n_rows, keys: None, errors, left_out }.with_keys(keys))
    }

    /// The rows that are not answered, ascending.
    pub(super) fn unanswered(&self) -> Vec<usize> {
        let reported = self.errors.iter().map(|error| error.row);
        let mut rows: Vec<usize> = reported.chain(self.left_out.iter().copied()).collect();
        rows.sort_unstable();
        rows
    }

    fn with_keys(mut self, keys: Keys<'a>) -> Self {
        let mut answered = keys.is_keyed().then(Vec::new);
        for (row, key) in keys.into_rows() {
            if let Some(error) = self.error_mut(row) {
                error.key = Some(key);
            } else if self.left_out.binary_search(&row).is_err()
                && let Some(answered) = &mut answered
            {
                answered.push(key);
            }
        }
        Self { keys: answered, ..self }
    }

    fn error_mut(&mut self, row: usize) -> Option<&mut RowError<'a>> {
        let idx = self.errors.binary_search_by_key(&row, |error| error.row).ok()?;
        self.errors.get_mut(idx)
    }
}

impl RowError<'_> {
    fn new(row: usize, error: Error) -> Self {
        Self { row, key: None, error: row_error(row, None, error) }
    }
}

fn row_error(row: usize, key: Option<&Key<'_>>, error: Error) -> Error {
    Error::Row { row, key: key.cloned().map(Key::into_owned), error: Box::new(error) }
}

fn fail_with_first(mut errors: impl Iterator<Item = (usize, Error)>) -> Result<()> {
    errors.next().map_or(Ok(()), |(_, error)| Err(error))
}
