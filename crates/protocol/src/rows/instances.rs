//! The row form: `instances`, read one by one. A row that cannot be read is remembered as bad, and its values are taken
//! back, so the columns hold whole rows only.

use tensor::{KEY, Key, Keys, Tensor, TensorSpec};

use super::answer::Answer;
use super::keys::{KeyList, read_key};
use super::partition::{BadRows, Partition};
use super::stack::{Column, is_base64};
use super::{INSTANCES, Policies, Rows};
use crate::cursor::{Cursor, excerpt};
use crate::form::Place;
use crate::{Error, Result};

/// The value of `instances`, stacked.
#[derive(Debug)]
pub(super) struct Instances<'a, 's> {
    // Invariant: all columns have `n_stacked` rows: those that are not in `bad`.
    columns: Vec<Column<'s>>,
    n_stacked: usize,
    // Of all rows.
    keys: Keys<'a>,
    bad: BadRows,
}

impl<'a, 's> Instances<'a, 's> {
    /// Reads the rows.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if they are no list, [`Error::BinaryOnlyInput`] if the model takes no rows in JSON;
    /// [`Error::Row`] if a string of a row is malformed.
    pub(super) fn read(cursor: &mut Cursor<'a>, specs: &'s [TensorSpec]) -> Result<Self> {
        let columns = specs.iter().map(Column::new).collect::<Result<_>>()?;
        let mut instances = Self { columns, n_stacked: 0, keys: Keys::default(), bad: BadRows::default() };
        INSTANCES.read_each(cursor, |cursor, row| instances.read_row(cursor, row))?;
        Ok(instances)
    }

    fn read_row(&mut self, cursor: &mut Cursor<'a>, row: usize) -> Result<()> {
        let start = cursor.clone();
        let key = match read_fields(cursor, self.n_stacked, &mut self.columns) {
            Ok(key) => {
                self.n_stacked += 1;
                key
            }
            Err(error) => {
                let key = find_key(start.clone());
                self.bad.push(row, key.as_ref(), error)?;
                self.columns.iter_mut().for_each(|column| column.take_back(self.n_stacked));
                *cursor = start;
                cursor.value();
                key
            }
        };
        self.keys.push(key);
        Ok(())
    }

    /// Applies the keys beside the rows, if there are any, and the policies.
    ///
    /// # Errors
    /// [`Error::BothFields`] if rows have keys and there are keys beside them; those of [`Partition::new`];
    /// [`Error::Tensor`] if there are not as many keys as rows, or the model does not take so many rows.
    pub(super) fn finish(mut self, list: Option<KeyList<'a>>, policies: Policies) -> Result<Rows<'a>> {
        let unstacked = self.bad.indexes();
        if let Some(list) = list {
            self.take_keys(list)?;
        }
        if let Some(new_keys) = policies.new_keys {
            self.keys = self.keys.filled(new_keys);
        }
        let partition = Partition::new(self.keys, self.bad, policies)?;
        let removed = stacked(&partition.unanswered(), &unstacked);
        let n_answered = self.n_stacked - removed.len();
        let inputs = match n_answered {
            0 => None,
            _ => Some(into_tensors(self.columns, &removed)?),
        };
        Ok(Rows { inputs, answer: Answer::predictions(n_answered, partition) })
    }

    fn take_keys(&mut self, list: KeyList<'a>) -> Result<()> {
        if self.keys.is_keyed() {
            return Err(Error::BothFields { first: KEY, second: "keys" });
        }
        list.keys.check_rows(self.keys.n_rows() as u64)?;
        self.keys = list.keys;
        self.bad.merge(list.bad.into_errors());
        Ok(())
    }
}

/// Where rows stand among the stacked ones, without those that do not.
fn stacked(rows: &[usize], unstacked: &[usize]) -> Vec<usize> {
    let position = |&row: &usize| unstacked.binary_search(&row).err().map(|n_before| row - n_before);
    rows.iter().filter_map(position).collect()
}

fn into_tensors(columns: Vec<Column<'_>>, removed: &[usize]) -> Result<Vec<Tensor>> {
    columns.into_iter().map(|column| column.into_tensor(removed)).collect()
}

/// Reads a row after the first `n_rows`, and tells its key.
fn read_fields<'a>(
    cursor: &mut Cursor<'a>,
    n_rows: usize,
    columns: &mut [Column<'_>],
) -> Result<Option<Key<'a>>> {
    let is_value = matches!(columns, [column] if is_base64(cursor.clone(), column.spec()));
    if is_value || !cursor.enter_object() {
        return read_bare(cursor, columns).map(|()| None);
    }
    let mut key = None;
    while let Some(name) = cursor.next_member()? {
        if name == KEY {
            Place::Member(KEY).set(&mut key, read_key(cursor)?)?;
            continue;
        }
        match columns.iter_mut().find(|column| column.name() == name) {
            Some(column) if column.n_rows() == n_rows => column.read_row(cursor)?,
            Some(_) => return Err(Error::DuplicateInput { input: name.into_owned() }),
            None => return Err(Error::UnknownField { field: name.into_owned() }),
        }
    }
    match columns.iter().find(|column| column.n_rows() == n_rows) {
        None => Ok(key),
        Some(column) => Err(Error::MissingInput { input: column.name().to_owned() }),
    }
}

fn read_bare(cursor: &mut Cursor<'_>, columns: &mut [Column<'_>]) -> Result<()> {
    match columns {
        [column] => column.read_row(cursor),
        _ => Err(Error::BareRow { found: excerpt(cursor.value()) }),
    }
}

/// The key of a row that has an error, if it has a valid one.
fn find_key(mut cursor: Cursor<'_>) -> Option<Key<'_>> {
    if !cursor.enter_object() {
        return None;
    }
    while let Some(name) = cursor.next_member().ok()? {
        if name == KEY {
            return read_key(&mut cursor).ok();
        }
        cursor.value();
    }
    None
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
