//! Rows in columns: which are key, inputs and kept, and what the model makes of them. Formats of columns differ in how these come and go.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, new_empty_array, new_null_array};
use arrow_schema::{Field, Schema};
use arrow_select::take::take;
use columns::{Binding, Problem, RowError, keys, output_columns, output_fields};
use tensor::Tensor;

use super::ERROR;
use super::answered::Answered;
use super::chunk::Chunk;
use super::error::{Error, Fault, Result};
use super::parameters::Keep;
use crate::Model;
use crate::capture::Name;

/// More columns than any chunk of good faith has.
const MAX_COLUMNS: usize = 10_000;

/// The columns of a chunk.
#[derive(Debug)]
pub(super) struct Table {
    /// The column with the key, if there is one.
    pub(super) key: Option<usize>,
    /// The columns that come back, in their order.
    pub(super) kept: Vec<usize>,
    /// The columns of the model's outputs.
    pub(super) outputs: Vec<Field>,
    binding: Binding,
    output_names: Vec<String>,
}

/// The answers to the rows of a record batch.
#[derive(Debug)]
pub(super) struct Predicted {
    /// The outputs, null in rows that have none.
    pub(super) outputs: Vec<ArrayRef>,
    /// The rows without outputs.
    pub(super) faults: BTreeMap<usize, Fault>,
}

impl Table {
    /// Finds the columns of a chunk.
    ///
    /// # Errors
    /// [`Error::Columns`] with all that does not fit.
    pub(super) fn new<M: Model>(chunk: &Chunk<'_, M>, schema: &Schema) -> Result<Self> {
        if schema.fields().len() > MAX_COLUMNS {
            let found = format!("`{}`", schema.fields().len());
            return Err(Error::column(Problem::new(
                "the chunk",
                &format!("at most `{MAX_COLUMNS}` columns"),
                &found,
            )));
        }
        let mut problems = duplicates(schema);
        let key = keep(find_key(chunk, schema), &mut problems).flatten();
        let outputs = output_fields(&chunk.metadata.outputs);
        let outputs = outputs.map_err(|more| problems.extend(more)).unwrap_or_default();
        problems.extend(chunk.parameters.keep.names().iter().filter_map(|name| find(schema, name).err()));
        let features = features(chunk, schema, key);
        let binding = Binding::new(&chunk.metadata.inputs, schema, &features);
        let Some(binding) = binding.map_err(|more| problems.extend(more)).ok() else {
            return Err(Error::Columns(problems));
        };
        let kept = kept(chunk, schema, key, &binding, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Columns(problems));
        }
        let output_names = chunk.metadata.outputs.iter().map(|output| output.name.clone()).collect();
        Ok(Self { key, kept, outputs, binding, output_names })
    }

    /// Runs the rows of a batch, but those that have `faults` already.
    ///
    /// # Errors
    /// Those of [`answer`]; [`Error::Columns`] if outputs are no columns.
    pub(super) fn predict<M: Model>(
        &self,
        chunk: &Chunk<'_, M>,
        batch: &RecordBatch,
        mut faults: BTreeMap<usize, Fault>,
    ) -> Result<Predicted> {
        let rows = self.binding.tensors(batch);
        let add = |error: RowError, faults: &mut BTreeMap<usize, Fault>| {
            faults.entry(error.row).or_insert_with(|| Fault::from(error));
        };
        let mut row_keys = Vec::new();
        if let Some(column) = self.key.and_then(|key| batch.columns().get(key)) {
            let (found, missing) = keys(chunk.parameters.key(), column).map_err(Error::column)?;
            missing.into_iter().for_each(|error| add(error, &mut faults));
            row_keys = found;
        }
        rows.errors.into_iter().for_each(|error| add(error, &mut faults));
        let read: Vec<usize> = rows.good.unwrap_or_else(|| (0..batch.num_rows()).collect());
        let is_left_out = |(place, row): (usize, &usize)| faults.contains_key(row).then_some(place);
        let left_out: Vec<usize> = read.iter().enumerate().filter_map(is_left_out).collect();
        let inputs = rows.tensors.into_iter().map(|tensor| tensor.without_rows(&left_out)).collect();
        let run: Vec<usize> = read.into_iter().filter(|row| !faults.contains_key(row)).collect();
        let name = |row: &usize| row_keys.get(*row)?.as_ref().map(Name::of_key);
        let names = || run.iter().map(|row| name(row).unwrap_or_default()).collect();
        let Answered { outputs, failed } = chunk.answer(&self.output_names, inputs, run.len(), names)?;
        let failed = failed.iter().filter_map(|(place, error)| Some((*run.get(*place)?, Fault::from(error))));
        faults.extend(failed);
        let answered: Vec<usize> = run.into_iter().filter(|row| !faults.contains_key(row)).collect();
        let (outputs, binary) = without_binary(outputs);
        faults.extend(binary.into_iter().filter_map(|(place, fault)| Some((*answered.get(place)?, fault))));
        let outputs = self.outputs(outputs, batch.num_rows(), &faults)?;
        Ok(Predicted { outputs, faults })
    }

    /// The outputs of the rows that have no fault as columns of all rows.
    fn outputs(
        &self,
        outputs: Vec<Tensor>,
        n_rows: usize,
        faults: &BTreeMap<usize, Fault>,
    ) -> Result<Vec<ArrayRef>> {
        let n_answered = n_rows - faults.len();
        if n_answered == 0 {
            return Ok(self.outputs.iter().map(|field| new_null_array(field.data_type(), n_rows)).collect());
        }
        let columns = output_columns(outputs, n_answered).map_err(|problem| failed(&problem))?;
        if faults.is_empty() {
            return Ok(columns);
        }
        let mut places = 0..;
        let place = |row| if faults.contains_key(&row) { None } else { places.next() };
        let places: UInt32Array = (0..n_rows).map(place).collect();
        let all = columns.iter().map(|column| take(column, &places, None));
        all.collect::<Result<_, _>>().map_err(|error| failed(&error))
    }
}

/// The outputs of rows whose `BYTES` are texts, which columns of texts can hold, and the other rows.
fn without_binary(outputs: Vec<Tensor>) -> (Vec<Tensor>, BTreeMap<usize, Fault>) {
    let mut binary = BTreeMap::new();
    for output in &outputs {
        let n_rows = output.rows().and_then(|n_rows| usize::try_from(n_rows).ok()).unwrap_or_default();
        let n_elements = output.bytes_elements().count();
        for (idx, element) in output.bytes_elements().enumerate() {
            if std::str::from_utf8(element).is_err() {
                let message =
                    format!("output `{}`: expected a text in UTF-8, found other bytes", output.name());
                binary.entry(idx * n_rows / n_elements).or_insert_with(|| Fault::new("binary_only", message));
            }
        }
    }
    let removed: Vec<usize> = binary.keys().copied().collect();
    (outputs.into_iter().map(|output| output.without_rows(&removed)).collect(), binary)
}

/// What a model answered that its signature does not say.
fn failed(reason: &impl ToString) -> Error {
    protocol::Error::ModelFailed { reason: reason.to_string() }.into()
}

fn keep<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn duplicates(schema: &Schema) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let again = schema.fields().iter().map(|field| field.name()).filter(|name| !seen.insert(*name));
    again.map(|name| Problem::new(name, "one column of this name", "two")).collect()
}

fn find(schema: &Schema, name: &str) -> Result<usize, Problem> {
    let place = schema.fields().iter().position(|field| field.name() == name);
    place.ok_or_else(|| Problem::new(name, "a column of this name", "none"))
}

/// The column with the key: that which the chunk names, or one called `key` if there is such a column.
fn find_key<M>(chunk: &Chunk<'_, M>, schema: &Schema) -> Result<Option<usize>, Problem> {
    let place = match find(schema, chunk.parameters.key()) {
        Ok(place) => place,
        Err(_) if chunk.parameters.key.is_none() => return Ok(None),
        Err(problem) => return Err(problem),
    };
    if let Some(field) = schema.fields().get(place) {
        keys(field.name(), &new_empty_array(field.data_type()))?;
    }
    Ok(Some(place))
}

/// The columns that may be inputs: those of the inputs' names if all have one; else all that are neither key nor kept.
fn features<M: Model>(chunk: &Chunk<'_, M>, schema: &Schema, key: Option<usize>) -> Vec<String> {
    let inputs = || chunk.metadata.inputs.iter().map(|input| input.name.clone());
    if inputs().all(|name| find(schema, &name).is_ok()) {
        return inputs().collect();
    }
    let columns = schema.fields().iter().enumerate().filter(|(place, _)| Some(*place) != key);
    let names = columns.map(|(_, field)| field.name().clone());
    names.filter(|name| !chunk.parameters.keep.names().contains(name)).collect()
}

/// The columns that come back. One that is neither this nor key nor input is a problem, as it is in a row.
fn kept<M: Model>(
    chunk: &Chunk<'_, M>,
    schema: &Schema,
    key: Option<usize>,
    binding: &Binding,
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    if let Keep::Names(names) = &chunk.parameters.keep
        && !names.is_empty()
        && names.iter().any(|name| find(schema, name).is_err())
    {
        return Vec::new();
    }
    let is_read: BTreeSet<usize> = binding.columns().chain(key).collect();
    let mut kept = Vec::new();
    for (place, field) in schema.fields().iter().enumerate() {
        let is_named = chunk.parameters.keep.names().contains(field.name());
        let is_other = !is_read.contains(&place);
        match &chunk.parameters.keep {
            Keep::Names(_) if is_named => kept.push(place),
            Keep::Others if is_other && chunk.keeps_field(field.name()) => kept.push(place),
            _ if is_other => problems.push(Problem::new(
                field.name(),
                "an input of the model, the key, or a column that is kept",
                "none of these",
            )),
            _ => {}
        }
    }
    kept
}

/// The name of the column with what is wrong with a row, and the type of its texts.
pub(super) fn error_field() -> Field {
    Field::new(ERROR, arrow_schema::DataType::Utf8, true)
}
