//! The row form: `instances`, read one by one. A row that cannot be read is remembered as bad, and its values are taken
//! back, so the columns hold whole rows only.

use tensor::{CLIENT, Client, KEY, Key, Keys, PerRow, Tensor, TensorSpec, with_new_keys};

use super::answer::Answer;
use super::names::{NameList, Names};
use super::stack::{Column, is_base64};
use super::{Beside, INSTANCES, Policies, Rows};
use crate::cursor::{Cursor, excerpt};
use crate::partition::{BadRows, Partition, row_error, stacked};
use crate::{Error, Maps, Result};

/// The value of `instances`, stacked.
#[derive(Debug)]
pub(super) struct Instances<'a, 's> {
    // Invariant: all columns have `n_stacked` rows: those that are not in `bad`.
    columns: Vec<Column<'s>>,
    n_stacked: usize,
    // Invariant: both of all rows.
    keys: PerRow<Key<'a>>,
    clients: PerRow<Client<'a>>,
    bad: BadRows,
}

impl<'a, 's> Instances<'a, 's> {
    /// Reads the rows.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if they are no list, [`Error::BinaryOnlyInput`] if the model takes no rows in JSON;
    /// [`Error::Row`] if a string of a row is malformed.
    pub(super) fn read(cursor: &mut Cursor<'a>, specs: &'s [TensorSpec], maps: &'s Maps) -> Result<Self> {
        let mut instances = Self {
            columns: specs.iter().map(|spec| Column::new(spec, maps)).collect::<Result<_>>()?,
            n_stacked: 0,
            keys: PerRow::default(),
            clients: PerRow::default(),
            bad: BadRows::default(),
        };
        INSTANCES.read_each(cursor, |cursor, row| instances.read_row(cursor, row))?;
        Ok(instances)
    }

    fn read_row(&mut self, cursor: &mut Cursor<'a>, row: usize) -> Result<()> {
        let start = cursor.clone();
        let names = match read_fields(cursor, self.n_stacked, &mut self.columns) {
            Ok(names) => {
                self.n_stacked += 1;
                names
            }
            Err(error) => {
                let names = Names::find(start.clone());
                let bad = self.bad.push(row, error);
                bad.map_err(|error| row_error(row, names.client.as_ref(), names.key.as_ref(), error))?;
                self.columns.iter_mut().for_each(|column| column.take_back(self.n_stacked));
                *cursor = start;
                cursor.value();
                names
            }
        };
        self.keys.push(names.key);
        self.clients.push(names.client);
        Ok(())
    }

    /// Applies what stands beside the rows, and the policies.
    ///
    /// # Errors
    /// [`Error::BothFields`] or [`Error::WrongForm`] if rows have names and there are such beside them; those of
    /// [`Partition::new`]; [`Error::Tensor`] if there are not as many names as rows, or the model does not take so many rows.
    pub(super) fn finish(mut self, beside: Beside<'a>, policies: Policies) -> Result<Rows<'a>> {
        let unstacked = self.bad.indexes();
        let n_rows = self.keys.n_rows() as u64;
        beside.check_client(self.clients.is_any())?;
        let keys = one_of(self.keys, beside.keys, &mut self.bad, [KEY, "keys"])?;
        let clients = one_of(self.clients, beside.clients, &mut self.bad, [CLIENT, "clients"])?;
        let keys = match policies.new_keys {
            Some(new_keys) => with_new_keys(keys, new_keys),
            None => keys,
        };
        let keys = Keys::new(keys, clients, n_rows)?;
        let partition = Partition::new(keys, self.bad, policies.on_row_error, policies.duplicates)?;
        let removed = stacked(&partition.unanswered(), &unstacked);
        let inputs = match self.n_stacked - removed.len() {
            0 => None,
            _ => Some(into_tensors(self.columns, &removed)?),
        };
        Ok(Rows { inputs, answer: Answer::predictions(partition, beside.client) })
    }
}

/// The names in the rows or those beside them; what stands for a name there is bad.
fn one_of<T>(
    in_rows: PerRow<T>,
    list: Option<NameList<T>>,
    bad: &mut BadRows,
    [first, second]: [&'static str; 2],
) -> Result<PerRow<T>> {
    match list {
        None => Ok(in_rows),
        Some(_) if in_rows.is_any() => Err(Error::BothFields { first, second }),
        Some(list) => {
            bad.merge(list.bad);
            Ok(list.names)
        }
    }
}

fn into_tensors(columns: Vec<Column<'_>>, removed: &[usize]) -> Result<Vec<Tensor>> {
    columns.into_iter().map(|column| column.into_tensor(removed)).collect()
}

/// Reads a row after the first `n_rows`, and tells its names.
fn read_fields<'a>(cursor: &mut Cursor<'a>, n_rows: usize, columns: &mut [Column<'_>]) -> Result<Names<'a>> {
    let mut names = Names::default();
    let is_value = matches!(columns, [column] if is_base64(cursor.clone(), column.spec()));
    if is_value || !cursor.enter_object() {
        return read_bare(cursor, columns).map(|()| names);
    }
    while let Some(name) = cursor.next_member()? {
        if names.read_field(&name, cursor)? {
            continue;
        }
        match columns.iter_mut().find(|column| column.name() == name) {
            Some(column) if column.n_rows() == n_rows => column.read_row(cursor)?,
            Some(_) => return Err(Error::DuplicateInput { input: name.into_owned() }),
            None => return Err(Error::UnknownField { field: name.into_owned() }),
        }
    }
    match columns.iter().find(|column| column.n_rows() == n_rows) {
        None => Ok(names),
        Some(column) => Err(Error::MissingInput { input: column.name().to_owned() }),
    }
}

fn read_bare(cursor: &mut Cursor<'_>, columns: &mut [Column<'_>]) -> Result<()> {
    match columns {
        [column] => column.read_row(cursor),
        _ => Err(Error::BareRow { found: excerpt(cursor.value()) }),
    }
}
