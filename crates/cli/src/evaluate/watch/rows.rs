//! Rows of files as lines that `evaluate` takes: predictions as they would have been captured, and labels.

use std::mem;

use anyhow::Result;
use batch::{RecordBatch, Table};
use evaluation::{Baseline, ClientKey, Outcome, Row, Schema, Value};
use futures::TryStreamExt as _;
use serde_json::{Map, Value as Json, json};

use super::{Args, client::Client, taken::Grown};
use crate::{
    batch::stores,
    evaluate::{
        arguments::Cut,
        columns::Columns,
        labels,
        read::{Batch, Buffers},
    },
};

/// So many bytes of lines are told at once.
const MOST_BYTES: usize = 1 << 20;

/// Lines of two kinds that wait to be told.
#[derive(Default)]
struct Waiting {
    rows: Vec<u8>,
    labels: Vec<u8>,
}

impl Waiting {
    async fn tell(&mut self, client: &Client) -> Result<()> {
        if !self.rows.is_empty() {
            client.tell(mem::take(&mut self.rows)).await?;
        }
        if !self.labels.is_empty() {
            client.tell_labels(mem::take(&mut self.labels)).await?;
        }
        Ok(())
    }
}

/// Tells the new rows of a file, with the labels beside them; returns how many rows there were.
pub(super) async fn tell(args: &Args, baseline: &Baseline, file: &Grown, client: &Client) -> Result<usize> {
    let columns = Columns::new(&baseline.frame.schema, &args.data, &args.cut.segment);
    let form = Form { baseline, segments: &args.cut.segment, uri: &file.uri };
    let mut waiting = Waiting::default();
    let n_rows = each_new(file, &columns.query, async |batch, first| {
        form.add(&batch, &columns, first, &mut waiting)?;
        if waiting.rows.len() < MOST_BYTES { Ok(()) } else { waiting.tell(client).await }
    })
    .await?;
    waiting.tell(client).await?;
    Ok(n_rows)
}

/// Tells the new labels of a file; returns how many there were.
pub(super) async fn tell_labels(cut: &Cut, file: &Grown, client: &Client) -> Result<usize> {
    let query = labels::query(cut)?;
    let mut waiting = Waiting::default();
    let n_rows = each_new(file, &query.text, async |batch, _| {
        labels::each(&batch, query.has_client, |(owner, key), label| {
            line(
                &mut waiting.labels,
                &json!({"key": key, "client": owner, "label": label.value, "time": label.time}),
            )
        })?;
        if waiting.labels.len() < MOST_BYTES { Ok(()) } else { waiting.tell(client).await }
    })
    .await?;
    waiting.tell(client).await?;
    Ok(n_rows)
}

/// Calls `each` with every batch of rows that were not taken yet, and the place of its first row; returns how many there were.
async fn each_new(
    file: &Grown,
    query: &str,
    mut each: impl AsyncFnMut(RecordBatch, usize) -> Result<()>,
) -> Result<usize> {
    let table = Table::open(&[&file.uri], &stores()).await?;
    let mut batches = table.rows(query).await?;
    let mut place = 0;
    while let Some(batch) = batches.try_next().await? {
        let n_known = file.n_taken.saturating_sub(place).min(batch.num_rows());
        let (first, new) = (place + n_known, batch.slice(n_known, batch.num_rows() - n_known));
        place += batch.num_rows();
        if new.num_rows() > 0 {
            each(new, first).await?;
        }
    }
    Ok(place.saturating_sub(file.n_taken))
}

/// How rows of a file become records.
struct Form<'a> {
    baseline: &'a Baseline,
    segments: &'a [String],
    uri: &'a str,
}

impl Form<'_> {
    fn add(&self, batch: &RecordBatch, columns: &Columns, first: usize, waiting: &mut Waiting) -> Result<()> {
        let schema = &self.baseline.frame.schema;
        let batch_of = Batch::new(batch, columns, schema)?;
        let mut buffers = Buffers::default();
        for place in 0..batch.num_rows() {
            let row = batch_of.row(place, &mut buffers);
            let (client, key) = batch_of.key(place).unwrap_or_else(|| self.name(first + place));
            let time = batch_of.time(place)?;
            let mut inputs = inputs(schema, &row);
            let segments = self.segments.iter().zip(batch_of.segments(place));
            for (name, value) in segments {
                inputs.entry(name.as_str()).or_insert_with(|| json!(value));
            }
            let outputs = self.outputs(&row);
            let record =
                json!({"key": key, "client": client, "time": time, "inputs": inputs, "outputs": outputs});
            line(&mut waiting.rows, &record)?;
            if let Some(label) = row.truth.and_then(|truth| text(schema, truth)) {
                let label = json!({"key": key, "client": client, "label": label, "time": time});
                line(&mut waiting.labels, &label)?;
            }
        }
        Ok(())
    }

    /// A row without a key is called by its file and its place there.
    fn name(&self, place: usize) -> ClientKey {
        (String::new(), format!("{}#{place}", self.uri))
    }

    fn outputs(&self, row: &Row<'_>) -> Map<String, Json> {
        let (schema, columns) = (&self.baseline.frame.schema, &self.baseline.columns);
        let mut outputs = Map::new();
        if let (Some(name), Some(predicted)) = (&columns.prediction, text(schema, row.predicted)) {
            outputs.insert(name.clone(), predicted);
        }
        match &columns.probabilities {
            Some(name) => {
                outputs.insert(name.clone(), json!(row.probabilities));
            }
            None => {
                let of_class = |class: &String| columns.probability.iter().find(|(name, _)| name == class);
                let named = schema.task.classes().iter().filter_map(of_class);
                outputs.extend(
                    named.zip(row.probabilities).map(|((_, name), number)| (name.clone(), json!(number))),
                );
            }
        }
        outputs
    }
}

fn inputs(schema: &Schema, row: &Row<'_>) -> Map<String, Json> {
    let json = |value: &Value<'_>| match value {
        Value::Missing => Json::Null,
        Value::Number(number) => json!(number),
        Value::Category(text) => json!(text),
    };
    schema.features.iter().zip(row.features).map(|(it, value)| (it.name.clone(), json(value))).collect()
}

/// A prediction or a label in JSON; none if it is no class of the baseline.
fn text(schema: &Schema, outcome: Outcome) -> Option<Json> {
    match outcome {
        Outcome::Number(number) => Some(json!(number)),
        Outcome::Class(class) => class.and_then(|class| schema.task.classes().get(class)).map(|it| json!(it)),
    }
}

fn line(lines: &mut Vec<u8>, value: &Json) -> Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}
