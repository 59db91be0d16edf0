//! The column form: `inputs`, a whole tensor for each input. Its lists have the sizes of the tensor; a list of scalars fits
//! `[-1, 1]`, and an empty list any input that takes any number of rows.
//!
//! The rows, which keys name, are the first dimension of those inputs whose first dimension takes any size, or of all
//! inputs if there are none such. Without keys, nothing here asks how many there are. Bad rows fail the request: the
//! answer has no places for them.

use tensor::{Tensor, TensorSpec};

use super::answer::Answer;
use super::keys::KeyList;
use super::partition::Partition;
use super::stack::is_base64;
use super::{ON_ROW_ERROR, OnRowError, Policies, Rows};
use crate::cursor::{Cursor, excerpt};
use crate::elements::ElementReader;
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

    /// Applies the keys, if there are any, and the policies.
    ///
    /// # Errors
    /// [`Error::WrongForm`] if bad rows are to be reported; [`Error::RowCounts`] or [`Error::Tensor`] if the keys do not
    /// name the rows; those of [`Partition::new`].
    pub(super) fn finish(self, list: Option<KeyList<'_>>, policies: Policies) -> Result<Rows<'_>> {
        if policies.on_row_error == OnRowError::Report {
            return Err(ON_ROW_ERROR.wrong("`fail` beside `inputs`", "report"));
        }
        let list = match (list, policies.new_keys) {
            (None, None) => return Ok(self.into_rows(Answer::outputs(None))),
            (Some(list), _) => list,
            (None, Some(new_keys)) => KeyList::generated(self.n_rows()?, new_keys),
        };
        list.keys.check_rows(self.n_rows()?)?;
        let Partition { keys, left_out, .. } = Partition::new(list.keys, list.bad, policies)?;
        let answer = Answer::outputs(Some(keys.unwrap_or_default()));
        Ok(self.without(&left_out)?.into_rows(answer))
    }

    fn into_rows(self, answer: Answer<'_>) -> Rows<'_> {
        let mut batched =
            self.specs.iter().zip(&self.tensors).filter(|(spec, _)| spec.is_batched()).peekable();
        let is_empty = batched.peek().is_some() && batched.all(|(_, tensor)| tensor.rows() == Some(0));
        Rows { inputs: (!is_empty).then_some(self.tensors), answer }
    }

    /// How many rows there are.
    fn n_rows(&self) -> Result<u64> {
        let mut counts = self.specs.iter().zip(&self.tensors).filter(|(spec, _)| self.has_rows(spec));
        let n_rows = |tensor: &Tensor| tensor.rows().unwrap_or(1);
        let Some(expected) = counts.next().map(|(_, tensor)| n_rows(tensor)) else { return Ok(1) };
        match counts.find(|(_, tensor)| n_rows(tensor) != expected) {
            None => Ok(expected),
            Some((spec, tensor)) => {
                Err(Error::RowCounts { input: spec.name.clone(), expected, found: n_rows(tensor) })
            }
        }
    }

    fn has_rows(&self, spec: &TensorSpec) -> bool {
        spec.is_batched() || !self.specs.iter().any(TensorSpec::is_batched)
    }

    fn without(mut self, removed: &[usize]) -> Result<Self> {
        let mut tensors = Vec::with_capacity(self.tensors.len());
        for (spec, tensor) in self.specs.iter().zip(std::mem::take(&mut self.tensors)) {
            let tensor = if self.has_rows(spec) { tensor.without_rows(removed) } else { tensor };
            spec.check(&tensor)?;
            tensors.push(tensor);
        }
        Ok(Self { tensors, ..self })
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
