//! Rows of files, answered by both models in this process and timed. Not what becomes of them.

use std::time::Instant;

use anyhow::{Context as _, Result};
use arrow_array::{Array as _, RecordBatch, StringArray, cast::AsArray as _};
use batch::{TABLE, Table};
use columns::{Binding, Problem};
use engine::{PackedModel, Session};
use futures::TryStreamExt as _;
use tensor::{Key, Tensor};
use two_phase::{
    calibrate::Observed,
    outputs::{Answered, answers, class_of, feature_names, features, segments},
    policy::ModelRef,
};

use super::Args;
use crate::{batch::stores, failure::Misuse};

/// So many rows are answered one by one, as they would be online, and timed.
const TIMED_ROWS: usize = 1000;

/// So many rows are answered at once when no more times are wanted.
const ROWS_AT_ONCE: u64 = 256;

/// The columns that the query adds: what was asked for, as text.
const LABEL: &str = "plinth label";
const CLIENT: &str = "plinth client";

/// Both models, and what of them is used.
pub(super) struct Models {
    pub(super) edge: PackedModel,
    pub(super) edge_ref: ModelRef,
    pub(super) cloud: PackedModel,
    pub(super) cloud_ref: ModelRef,
    /// The labels of the classes.
    pub(super) classes: Vec<String>,
}

/// What was observed.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) observed: Vec<Observed>,
    /// The names of the features.
    pub(super) features: Vec<String>,
}

/// The rows of the files, answered by both models.
pub(super) async fn observed(args: &Args, models: &Models) -> Result<Rows> {
    let table = Table::open(&args.data, &stores()).await?;
    check_columns(args, &table).await?;
    let mut batches = table.rows(&query(args)).await?;
    let mut rows = Rows::default();
    let mut sessions = (models.edge.instantiate()?, models.cloud.instantiate()?);
    while let Some(batch) = batches.try_next().await? {
        let columns = Columns::of(args, &batch)?;
        let inputs = |model: &PackedModel| inputs(args, model, &batch, rows.observed.len());
        let (edge_inputs, cloud_inputs) = (inputs(&models.edge)?, inputs(&models.cloud)?);
        let n_timed = if args.without_times { 0 } else { TIMED_ROWS.saturating_sub(rows.observed.len()) };
        let run = |session: &mut Session, inputs: &[Tensor], model: &ModelRef| {
            let timed = timed(session, inputs, batch.num_rows(), n_timed)?;
            timed.into_iter().map(|run| run.answers(model, &models.classes)).collect::<Result<Vec<_>>>()
        };
        let by_edge = run(&mut sessions.0, &edge_inputs, &models.edge_ref)?.into_iter().flatten();
        let by_cloud = run(&mut sessions.1, &cloud_inputs, &models.cloud_ref)?.into_iter().flatten();
        rows.features = feature_names(&edge_inputs);
        let features = features(&edge_inputs, batch.num_rows())?;
        let segments = columns.segments(args, &edge_inputs)?;
        for (row, ((edge, cloud), features)) in by_edge.zip(by_cloud).zip(features).enumerate() {
            let key = columns.key(row, rows.observed.len());
            let label = edge.0.class.ok_or_else(|| no_class(rows.observed.len(), &edge.0.label))?;
            rows.observed.push(Observed {
                client: columns.client(row),
                key: key?,
                probabilities: edge.0.probabilities,
                label,
                truth: columns.truth(row, &models.classes),
                cloud_label: Some(cloud.0.class.unwrap_or(models.classes.len())),
                features,
                segment: segments.as_ref().and_then(|segments| segments.get(row).cloned()),
                edge_ms: edge.1,
                cloud_ms: cloud.1.map(|ms| ms + args.network_ms),
            });
        }
    }
    Ok(rows)
}

fn no_class(row: usize, label: &str) -> Misuse {
    Misuse(format!("row {row}: expected one of the classes of the edge model, found `{label}`"))
}

/// All columns, and those that are texts whatever they are in the files.
fn query(args: &Args) -> String {
    let text = |column: &Option<String>, name: &str| {
        let column = column.as_ref().map(|column| column.replace('"', "\"\""));
        column.map_or_else(String::new, |column| format!(", arrow_cast(\"{column}\", 'Utf8') AS \"{name}\""))
    };
    format!("SELECT *{}{} FROM {TABLE}", text(&args.label, LABEL), text(&args.client, CLIENT))
}

async fn check_columns(args: &Args, table: &Table) -> Result<()> {
    let found: Vec<String> = table.columns().await?.into_iter().map(|column| column.name).collect();
    let named = [("--label", &args.label), ("--key", &args.key), ("--client", &args.client)];
    for (option, column) in named {
        if let Some(column) = column.as_ref().filter(|column| !found.contains(column)) {
            let message =
                format!("{option}: expected a column of the files ({}), found `{column}`", found.join(", "));
            return Err(Misuse(message).into());
        }
    }
    Ok(())
}

/// The tensors of a model for all rows of a batch, which begins at row `first` of the files.
fn inputs(args: &Args, model: &PackedModel, batch: &RecordBatch, first: usize) -> Result<Vec<Tensor>> {
    let named: Vec<&str> =
        [&args.label, &args.key, &args.client].into_iter().flatten().map(String::as_str).collect();
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let is_feature = |name: &String| !named.contains(&name.as_str()) && name != LABEL && name != CLIENT;
    let names: Vec<String> = names.filter(is_feature).collect();
    let metadata = model.metadata();
    let binding = Binding::new(&metadata.inputs, &schema, &names).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Misuse(format!("--data does not fit the model `{}`: {}", metadata.name, problems.join("; ")))
    })?;
    let rows = binding.tensors(batch);
    match rows.errors.first() {
        Some(error) => Err(Misuse(format!("row {}: {}", first + error.row, error.message)).into()),
        None => Ok(rows.tensors),
    }
}

/// One call of a model.
struct Run {
    outputs: Vec<Tensor>,
    n_rows: usize,
    /// How long it took, if it was of one row.
    ms: Option<f64>,
}

impl Run {
    /// What each row was answered, and how long that took.
    fn answers(self, model: &ModelRef, classes: &[String]) -> Result<Vec<(Answered, Option<f64>)>> {
        let answers = answers(&self.outputs, &model.outputs, classes, self.n_rows)?;
        Ok(answers.into_iter().map(|answer| (answer, self.ms)).collect())
    }
}

/// Runs a model on rows: the first `n_timed` one by one, the others many at once.
fn timed(session: &mut Session, inputs: &[Tensor], n_rows: usize, n_timed: usize) -> Result<Vec<Run>> {
    let (n_rows, n_timed) = (n_rows as u64, n_timed as u64);
    let mut runs = Vec::new();
    let mut row = 0;
    while row < n_rows {
        let is_timed = row < n_timed;
        let end = if is_timed { row + 1 } else { n_rows.min(row + ROWS_AT_ONCE) };
        let part = inputs.iter().map(|input| input.row_range(row..end));
        let part: Vec<Tensor> = part.collect::<Option<_>>().context("an input lacks rows")?;
        if is_timed && row == 0 {
            // The first call of an instance takes longer than any later one.
            session.infer(part.clone(), &[])?;
        }
        let start = Instant::now();
        let outputs = session.infer(part, &[])?;
        let ms = is_timed.then(|| start.elapsed().as_secs_f64() * 1000.0);
        runs.push(Run { outputs, n_rows: usize::try_from(end - row)?, ms });
        row = end;
    }
    Ok(runs)
}

/// The columns of a batch that are no features.
struct Columns<'a> {
    label: Option<&'a StringArray>,
    client: Option<&'a StringArray>,
    keys: Option<Vec<Option<Key<'a>>>>,
    n_rows: usize,
}

impl<'a> Columns<'a> {
    fn of(args: &Args, batch: &'a RecordBatch) -> Result<Self> {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let keys = |name: &String| -> Result<Option<Vec<Option<Key<'a>>>>> {
            let Some(column) = batch.column_by_name(name) else { return Ok(None) };
            let (keys, _) =
                columns::keys(name, column).map_err(|problem| Misuse(format!("--key: {problem}")))?;
            Ok(Some(keys))
        };
        let keys = args.key.as_ref().map(keys).transpose()?.flatten();
        Ok(Self { label: text(LABEL), client: text(CLIENT), keys, n_rows: batch.num_rows() })
    }

    fn client(&self, row: usize) -> String {
        let clients = self.client.filter(|clients| !clients.is_null(row));
        clients.map_or_else(String::new, |clients| clients.value(row).to_owned())
    }

    /// The key as JSON; without a column of keys, the row's number in the files.
    fn key(&self, row: usize, number: usize) -> Result<String> {
        let Some(keys) = &self.keys else { return Ok(number.to_string()) };
        match keys.get(row).and_then(Option::as_ref) {
            Some(Key::Integer(key)) => Ok(key.to_string()),
            Some(Key::Text(text)) => Ok(serde_json::to_string(text)?),
            None => Err(Misuse(format!("row {number}: expected a key, found none")).into()),
        }
    }

    /// The index of the true class; one above all if it is none of them, none if it is not known.
    fn truth(&self, row: usize, classes: &[String]) -> Option<usize> {
        let labels = self.label.filter(|labels| !labels.is_null(row))?;
        Some(truth(labels.value(row), classes))
    }

    /// The segment of each row, if rows are segmented.
    fn segments(&self, args: &Args, edge_inputs: &[Tensor]) -> Result<Option<Vec<String>>> {
        match &args.segment {
            Some(_) if args.is_segmented_by_client() => {
                Ok(Some((0..self.n_rows).map(|row| self.client(row)).collect()))
            }
            Some(field) => Ok(Some(segments(edge_inputs, field, self.n_rows)?)),
            None => Ok(None),
        }
    }
}

/// A whole number may have been read as `7.0`.
fn truth(label: &str, classes: &[String]) -> usize {
    let whole = || label.strip_suffix(".0").and_then(|label| class_of(label, classes));
    class_of(label, classes).or_else(whole).unwrap_or(classes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truth_that_is_no_class_is_above_all() {
        let classes = ["a", "b", "7"].map(str::to_owned);
        let found = ["b", "7.0", "1", "x", ""].map(|label| truth(label, &classes));
        assert_eq!(found, [1, 2, 1, 3, 3]);
    }
}
