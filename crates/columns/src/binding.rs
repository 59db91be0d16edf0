//! Which columns are which inputs of a model, and their rows as tensors.

mod bound;
mod fit;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use tensor::{Tensor, TensorSpec};

use self::bound::{Bound, Source};
use crate::Problem;
use crate::rows::{Errors, Rows};

/// The columns of a schema that are the inputs of a model.
#[derive(Clone, Debug)]
pub struct Binding {
    // Invariant: one per input, in the model's order.
    inputs: Vec<Bound>,
}

impl Binding {
    /// Finds the inputs among the columns called `features`.
    ///
    /// If every input has a column of its own name, that column is the input: of scalars for `[-1]` and `[-1, 1]`, of lists for
    /// `[-1, k]`, and of lists in lists or flat lists for further dimensions. Otherwise, a model with one input takes as many columns of
    /// scalars as a row has elements, in the order of `features`. Then other columns are an error; in the first case they are not read.
    ///
    /// # Errors
    /// Everything that does not fit, each naming the input or column, what was expected and what was found. Inputs whose first dimension
    /// does not count rows, or that have further dimensions of any size, have no columns.
    pub fn new(inputs: &[TensorSpec], schema: &Schema, features: &[String]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let named = Named::new(schema);
        let columns: Vec<Column<'_>> =
            features.iter().filter_map(|name| keep(named.find(name), &mut problems)).collect();
        let is_named = inputs.iter().all(|input| features.contains(&input.name));
        let bound = match inputs {
            [input] if !is_named => {
                keep(by_elements(input, &columns, features.len(), &mut problems), &mut problems)
                    .into_iter()
                    .collect()
            }
            _ => inputs
                .iter()
                .filter_map(|input| keep(by_name(input, &columns, features), &mut problems))
                .collect(),
        };
        if problems.is_empty() { Ok(Self { inputs: bound }) } else { Err(problems) }
    }

    /// The columns that are read, by their places in the schema.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().flat_map(|input| input.source.columns())
    }

    /// The rows of a record batch of the schema that was bound. Of a batch of another schema, every row is bad.
    #[must_use]
    pub fn tensors(&self, batch: &RecordBatch) -> Rows {
        let mut errors = Errors::default();
        let tensors: Vec<Tensor> = self.inputs.iter().map(|input| input.tensor(batch, &mut errors)).collect();
        let removed = errors.rows();
        Rows {
            tensors: tensors.into_iter().map(|tensor| tensor.without_rows(&removed)).collect(),
            good: errors.good(batch.num_rows()),
            errors: errors.into_vec(),
        }
    }
}

/// A column by its name.
#[derive(Clone, Copy, Debug)]
struct Column<'s> {
    place: usize,
    field: &'s Field,
}

/// The columns of each name.
struct Named<'s>(BTreeMap<&'s str, Vec<Column<'s>>>);

impl<'s> Named<'s> {
    fn new(schema: &'s Schema) -> Self {
        let mut named: BTreeMap<&str, Vec<Column<'_>>> = BTreeMap::new();
        for (place, field) in schema.fields().iter().enumerate() {
            named.entry(field.name()).or_default().push(Column { place, field });
        }
        Self(named)
    }

    fn find(&self, name: &str) -> Result<Column<'s>, Problem> {
        match self.0.get(name).map(Vec::as_slice) {
            Some([column]) => Ok(*column),
            Some(_) => Err(Problem::new(name, "one column of this name", "two")),
            None => Err(Problem::new(name, "a column of this name", "none")),
        }
    }
}

fn keep<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

/// The input that is the column of its name.
fn by_name(input: &TensorSpec, columns: &[Column<'_>], features: &[String]) -> Result<Bound, Problem> {
    let bound = Bound::new(input)?;
    match columns.iter().find(|column| *column.field.name() == input.name) {
        Some(column) => Ok(bound.with(fit::source(input, column)?)),
        // That a feature is no column has been said.
        None if features.contains(&input.name) => Ok(bound),
        None => Err(Problem::new(&input.name, "a column of this name", &fit::list(features))),
    }
}

/// The input whose elements are the columns.
fn by_elements(
    input: &TensorSpec,
    columns: &[Column<'_>],
    n_features: usize,
    problems: &mut Vec<Problem>,
) -> Result<Bound, Problem> {
    let bound = Bound::new(input)?;
    if bound.row_len() != n_features {
        let expected = format!(
            "a column of this name, or one column for each of the `{}` elements of a row",
            bound.row_len()
        );
        return Err(Problem::new(&input.name, &expected, &format!("`{n_features}` columns")));
    }
    problems.extend(columns.iter().filter_map(|column| fit::scalars(input.datatype, column.field).err()));
    let columns = columns.iter().map(|column| (column.place, column.field.name().clone())).collect();
    Ok(bound.with(Source::Scalars(columns)))
}

#[cfg(test)]
mod tests;
