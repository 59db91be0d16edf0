//! The column form: `inputs`, a whole tensor for each input. Its lists have the sizes of the tensor; a list of scalars fits
//! `[-1, 1]`, and an empty list any input that takes any number of rows.
//!
//! The rows, which keys name, are those of [`tensor::count_rows`]. Without keys, nothing here asks how many there are. Bad rows
//! fail the request: the answer has no places for them.

use tensor::{Keys, PerRow, Tensor, TensorSpec, count_rows, is_empty_batch, with_new_keys, without_rows};

use super::answer::Answer;
use super::names::NameList;
use super::stack::is_base64;
use super::{Beside, ON_ROW_ERROR, Policies, Rows};
use crate::cursor::{Cursor, excerpt};
use crate::elements::ElementReader;
use crate::partition::{BadRows, OnRowError, Partition};
use crate::{Error, Result};

/// The value of `inputs`: a tensor for each input, in the model's order.
#[derive(Debug)]
pub(super) struct Inputs<'s> {
    specs: &'s [TensorSpec],
    // Invariant: one per spec, which it fits.
    tensors: Vec<Tensor>,
}

impl<'s> Inputs<'s> {
    /// Reads the tensors.
    ///
    /// # Errors
    /// [`Error::UnknownInput`], [`Error::DuplicateInput`], [`Error::MissingInput`] or [`Error::BareRow`] if they are not
    /// those of the model; those of [`ElementReader`]; [`Error::Tensor`].
    pub(super) fn read(cursor: &mut Cursor<'_>, specs: &'s [TensorSpec]) -> Result<Self> {
        let is_value = matches!(specs, [spec] if is_base64(cursor.clone(), spec));
        let tensors = if is_value || !cursor.enter_object() {
            read_bare(cursor, specs)?
        } else {
            read_members(cursor, specs)?
        };
        Ok(Self { specs, tensors })
    }

    /// Applies what stands beside the inputs, and the policies.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if bad rows are to be reported, or there are clients twice; [`Error::Tensor`] if the keys do not
    /// name the rows; those of [`Partition::new`].
    pub(super) fn finish(mut self, beside: Beside<'_>, policies: Policies) -> Result<Rows<'_>> {
        if policies.on_row_error == OnRowError::Report {
            return Err(ON_ROW_ERROR.wrong("`fail` beside `inputs`", "report"));
        }
        beside.check_client(false)?;
        if beside.keys.is_none() && beside.clients.is_none() && policies.new_keys.is_none() {
            return Ok(self.into_rows(Answer::outputs(None, beside.client)));
        }
        let n_rows = count_rows(self.specs, self.tensors.iter().map(Tensor::rows))?;
        let mut bad = BadRows::default();
        let mut keys = names(beside.keys, n_rows, &mut bad);
        let clients = names(beside.clients, n_rows, &mut bad);
        if let Some(new_keys) = policies.new_keys {
            keys = with_new_keys(keys, new_keys);
        }
        let keys = Keys::new(keys, clients, n_rows)?;
        let partition = Partition::new(keys, bad, policies.on_row_error, policies.duplicates)?;
        let removed = partition.unanswered();
        let kept = |(spec, tensor)| without_rows(spec, self.specs, tensor, &removed);
        self.tensors = self.specs.iter().zip(self.tensors).map(kept).collect::<tensor::Result<_>>()?;
        Ok(self.into_rows(Answer::outputs(Some(partition), beside.client)))
    }

    fn into_rows<'a>(self, answer: Answer<'a>) -> Rows<'a> {
        let is_empty = is_empty_batch(self.specs, &self.tensors);
        Rows { inputs: (!is_empty).then_some(self.tensors), answer }
    }
}

/// The names of a list, or none of so many rows.
fn names<T>(list: Option<NameList<T>>, n_rows: u64, bad: &mut BadRows) -> PerRow<T> {
    match list {
        None => PerRow::none(usize::try_from(n_rows).unwrap_or(usize::MAX)),
        Some(list) => {
            bad.merge(list.bad);
            list.names
        }
    }
}

fn read_bare(cursor: &mut Cursor<'_>, specs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    match specs {
        [spec] => Ok(vec![read_tensor(cursor, spec)?]),
        _ => Err(Error::BareRow { found: excerpt(cursor.value()) }),
    }
}

fn read_members(cursor: &mut Cursor<'_>, specs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    let mut slots: Vec<Option<Tensor>> = specs.iter().map(|_| None).collect();
    while let Some(name) = cursor.next_member()? {
        match specs.iter().zip(&mut slots).find(|(spec, _)| spec.name == name) {
            None => return Err(Error::UnknownInput { input: name.into_owned() }),
            Some((_, Some(_))) => return Err(Error::DuplicateInput { input: name.into_owned() }),
            Some((spec, slot)) => *slot = Some(read_tensor(cursor, spec)?),
        }
    }
    let missing = |spec: &TensorSpec| Error::MissingInput { input: spec.name.clone() };
    specs.iter().zip(slots).map(|(spec, slot)| slot.ok_or_else(|| missing(spec))).collect()
}

fn read_tensor(cursor: &mut Cursor<'_>, spec: &TensorSpec) -> Result<Tensor> {
    let mut elements = ElementReader::new(&spec.name, spec.datatype)?.with_base64();
    let shape = as_declared(elements.read(cursor)?, spec);
    let tensor = Tensor::new(&spec.name, spec.datatype, shape, elements.into_data())?;
    spec.check(&tensor)?;
    Ok(tensor)
}

/// The shape that lists of these sizes stand for.
fn as_declared(mut sizes: Vec<u64>, spec: &TensorSpec) -> Vec<u64> {
    let is_list = sizes.len() == 1 && spec.is_batched();
    if is_list && spec.row_shape() == [1] {
        sizes.push(1);
    } else if is_list && sizes == [0] {
        sizes.extend(spec.row_shape().iter().map(|&dim| u64::try_from(dim).unwrap_or(0)));
    }
    sizes
}
