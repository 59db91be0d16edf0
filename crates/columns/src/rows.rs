//! Rows as tensors, and what is wrong with those that are not among them.

use std::collections::BTreeMap;

use tensor::Tensor;

/// The rows of a record batch as a model takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// One tensor per input, in the model's order, each of all good rows.
    pub tensors: Vec<Tensor>,
    /// The rows that the tensors hold, ascending; `None` if they hold all.
    pub good: Option<Vec<usize>>,
    /// The other rows, ascending, each once.
    pub errors: Vec<RowError>,
}

/// Why a row is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The row in its record batch.
    pub row: usize,
    /// The stable name of the error, one of those that a request has.
    pub code: &'static str,
    /// The input that the row has no value for, or the column of keys.
    pub input: String,
    /// The error for people: the column, what was expected and what was found.
    pub message: String,
}

/// The errors found so far: the first of each row.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    by_row: BTreeMap<usize, RowError>,
}

impl Errors {
    /// Keeps an error unless its row has one.
    pub(crate) fn add(
        &mut self,
        row: usize,
        code: &'static str,
        input: &str,
        message: impl FnOnce() -> String,
    ) {
        let error = || RowError { row, code, input: input.to_owned(), message: message() };
        self.by_row.entry(row).or_insert_with(error);
    }

    /// The rows, ascending.
    pub(crate) fn rows(&self) -> Vec<usize> {
        self.by_row.keys().copied().collect()
    }

    /// The rows of so many that have no error, ascending; `None` if all.
    pub(crate) fn good(&self, n_rows: usize) -> Option<Vec<usize>> {
        let is_good = |row: &usize| !self.by_row.contains_key(row);
        (!self.by_row.is_empty()).then(|| (0..n_rows).filter(is_good).collect())
    }

    /// The errors in the order of their rows.
    pub(crate) fn into_vec(self) -> Vec<RowError> {
        self.by_row.into_values().collect()
    }
}
