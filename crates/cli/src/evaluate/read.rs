//! Rows out of the query's columns.

use anyhow::{Context as _, Result};
use arrow_array::{
    Array as _, Float64Array, RecordBatch, StringArray, cast::AsArray as _, types::Float64Type,
};
use batch::Table;
use evaluation::{ClientKey, Outcome, Row, Schema, Value, likeliest, seconds, truth};
use futures::TryStreamExt as _;

use super::columns::Columns;
use crate::batch::stores;

/// A batch of rows whose values are borrowed from its columns.
pub(super) struct Batch<'a> {
    columns: &'a Columns,
    schema: &'a Schema,
    features: Vec<Values<'a>>,
    prediction: Option<Values<'a>>,
    label: Option<Values<'a>>,
    probabilities: Vec<&'a Float64Array>,
    time: Option<&'a StringArray>,
    key: Option<&'a StringArray>,
    client: Option<&'a StringArray>,
    segments: Vec<&'a StringArray>,
}

/// A column of one of the two types that the query makes.
#[derive(Clone, Copy)]
enum Values<'a> {
    Numbers(&'a Float64Array),
    Texts(&'a StringArray),
}

/// Where a row's values are put; used again for the next row.
#[derive(Default)]
pub(super) struct Buffers<'a> {
    features: Vec<Value<'a>>,
    probabilities: Vec<f64>,
}

impl<'a> Values<'a> {
    fn of(batch: &'a RecordBatch, place: usize) -> Result<Self> {
        let column = batch.columns().get(place).context("a column of the query is missing")?;
        match column.as_primitive_opt::<Float64Type>() {
            Some(numbers) => Ok(Self::Numbers(numbers)),
            None => Ok(Self::Texts(texts(batch, place)?)),
        }
    }

    fn get(self, row: usize) -> Value<'a> {
        match self {
            Self::Numbers(numbers) if numbers.is_null(row) => Value::Missing,
            Self::Numbers(numbers) => Value::Number(numbers.value(row)),
            Self::Texts(texts) if texts.is_null(row) => Value::Missing,
            Self::Texts(texts) => Value::Category(texts.value(row)),
        }
    }
}

fn texts(batch: &RecordBatch, place: usize) -> Result<&StringArray> {
    let column = batch.columns().get(place).context("a column of the query is missing")?;
    column.as_string_opt::<i32>().context("a column of the query is no text")
}

impl<'a> Batch<'a> {
    pub(super) fn new(batch: &'a RecordBatch, columns: &'a Columns, schema: &'a Schema) -> Result<Self> {
        let optional = |place: Option<usize>| place.map(|place| texts(batch, place)).transpose();
        let outcome = |place: Option<usize>| place.map(|place| Values::of(batch, place)).transpose();
        let probability = |place: &usize| {
            let column = batch.columns().get(*place).and_then(|column| column.as_primitive_opt());
            column.context("a probability is no number")
        };
        Ok(Self {
            columns,
            schema,
            features: (0..columns.n_features).map(|place| Values::of(batch, place)).collect::<Result<_>>()?,
            prediction: outcome(columns.prediction)?,
            label: outcome(columns.label)?,
            probabilities: columns.probabilities.iter().map(probability).collect::<Result<_>>()?,
            time: optional(columns.time)?,
            key: optional(columns.key)?,
            client: optional(columns.client)?,
            segments: columns.segments.iter().map(|place| texts(batch, *place)).collect::<Result<_>>()?,
        })
    }

    /// A row, and the label that stands beside it.
    pub(super) fn row<'b>(&self, row: usize, buffers: &'b mut Buffers<'a>) -> Row<'b>
    where
        'a: 'b,
    {
        buffers.features.clear();
        buffers.features.extend(self.features.iter().map(|values| values.get(row)));
        buffers.probabilities.clear();
        let probability =
            |numbers: &&Float64Array| if numbers.is_null(row) { f64::NAN } else { numbers.value(row) };
        buffers.probabilities.extend(self.probabilities.iter().map(probability));
        let predicted = match self.prediction {
            Some(values) => outcome(self.schema, values.get(row)),
            None => Some(Outcome::Class(likeliest(&buffers.probabilities))),
        };
        Row {
            features: &buffers.features,
            predicted: predicted.unwrap_or(Outcome::Class(None)),
            probabilities: &buffers.probabilities,
            truth: self.label.and_then(|values| outcome(self.schema, values.get(row))),
        }
    }

    /// When a row was predicted, in seconds since 1970.
    pub(super) fn time(&self, row: usize) -> Result<Option<f64>> {
        let time = self.time.filter(|times| !times.is_null(row)).map(|times| seconds(times.value(row)));
        Ok(time.transpose()?)
    }

    /// Whose row it is and its key; none without a key.
    pub(super) fn key(&self, row: usize) -> Option<ClientKey> {
        let key = self.key.filter(|keys| !keys.is_null(row))?.value(row);
        let client =
            self.client.filter(|clients| !clients.is_null(row)).map_or("", |clients| clients.value(row));
        Some((client.to_owned(), key.to_owned()))
    }

    /// The value of each segment column.
    pub(super) fn segments(&self, row: usize) -> impl Iterator<Item = &str> {
        self.segments.iter().map(move |texts| if texts.is_null(row) { "missing" } else { texts.value(row) })
    }

    pub(super) const fn has_label(&self) -> bool {
        self.columns.label.is_some()
    }
}

/// The text or number of a column as a prediction or label of `schema`; none if it is missing.
fn outcome(schema: &Schema, value: Value<'_>) -> Option<Outcome> {
    match (value, &schema.task) {
        (Value::Missing, _) => None,
        (Value::Number(number), _) => Some(Outcome::Number(number)),
        (Value::Category(text), task) => truth(task, text),
    }
}

/// The files that these names and patterns mean.
pub(super) async fn open(files: &[String]) -> Result<Table> {
    Ok(Table::open(files, &stores()).await?)
}

/// Calls `each` with every batch of the query's answer, in the order of the files.
pub(super) async fn each_batch(
    table: &Table,
    query: &str,
    mut each: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut rows = table.rows(query).await?;
    while let Some(batch) = rows.try_next().await? {
        each(&batch)?;
    }
    Ok(())
}

/// The first column as texts.
pub(super) fn texts_of_first(batch: &RecordBatch) -> Result<Vec<Option<String>>> {
    Ok(texts(batch, 0)?.iter().map(|text| text.map(str::to_owned)).collect())
}
