//! `plinth evaluate baseline`: the frame from a sample of the rows, then the counts of all of them.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result};
use batch::{ColumnKind, FileColumn, RecordBatch, TABLE, Table};
use evaluation::{Baseline, FORM, Frame, Outcome, Profile, Row, Schema, Task, Value};

use super::{
    arguments::{Data, SchemaArgs, TaskArg},
    columns::{self, Columns, quoted},
    read::{self, Batch, Buffers},
};
use crate::{
    batch::runtime,
    failure::{Misuse, Outcome as Ended},
    files,
    settings::processors,
};

/// As many rows are looked at to place the bins: quantiles of so many are within a hundredth of those of all.
const SAMPLE: usize = 50_000;

/// So many different predictions or labels, and a column of whole numbers is one of classes.
const MOST_CLASSES: usize = 1000;

/// What `plinth evaluate baseline` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    schema: SchemaArgs,
    /// How many bins a feature of numbers has: quantiles of the baseline
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=1000))]
    bins: u16,
    /// What to call the model in reports
    #[arg(long, default_value = "")]
    name: String,
    /// Where to write the baseline
    #[arg(short, long)]
    output: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Ended> {
    let baseline = runtime(processors())?.block_on(made(args))?;
    let json = serde_json::to_vec(&baseline).context("the baseline cannot be written as JSON")?;
    files::write(&args.output, &json)?;
    println!(
        "baseline: {} rows, {} labelled, {} features, {}",
        baseline.profile.n_rows,
        baseline.profile.account.matched,
        baseline.frame.schema.features.len(),
        match baseline.frame.schema.task.classes().len() {
            0 => "a regression".to_owned(),
            n => format!("{n} classes"),
        }
    );
    println!("output: {}", args.output.display());
    Ok(Ended::Done)
}

async fn made(args: &Args) -> Result<Baseline> {
    let table = read::open(&args.data.data).await?;
    let schema = schema(args, &table).await?;
    let columns = Columns::new(&schema, &args.data, &[]);
    let mut sample = Sample::default();
    each_row(&table, &columns, &schema, |row| sample.offer(|| Kept::of(row))).await?;
    let frame = sample.frame(schema.clone(), usize::from(args.bins))?;
    let mut profile = Profile::new(&frame)?;
    each_row(&table, &columns, &schema, |row| {
        profile.add(&frame, row);
        count_label(&mut profile, row.truth.is_some());
    })
    .await?;
    let columns = outputs(&args.data);
    Ok(Baseline { form: FORM, model: args.name.clone(), columns, frame, profile })
}

/// Which outputs are what, for rows that a server captures.
fn outputs(data: &Data) -> evaluation::Columns {
    evaluation::Columns {
        prediction: data.prediction.clone(),
        probabilities: data.probabilities.clone(),
        probability: data.probability.clone(),
    }
}

async fn each_row(
    table: &Table,
    columns: &Columns,
    schema: &Schema,
    mut each: impl FnMut(&Row<'_>),
) -> Result<()> {
    read::each_batch(table, &columns.query, |batch| {
        let batch_of = Batch::new(batch, columns, schema)?;
        let mut buffers = Buffers::default();
        (0..batch.num_rows()).for_each(|row| each(&batch_of.row(row, &mut buffers)));
        Ok(())
    })
    .await
}

/// A label that stands beside its prediction has been matched.
pub(super) const fn count_label(profile: &mut Profile, is_there: bool) {
    if is_there {
        profile.account.matched += 1;
    } else {
        profile.account.pending += 1;
    }
}

async fn schema(args: &Args, table: &Table) -> Result<Schema> {
    let found = table.columns().await?;
    let data = &args.data;
    let named = [&data.prediction, &data.label, &data.probabilities, &data.time, &data.key, &data.client];
    let mut other: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
    other.extend(data.probability.iter().map(|(_, column)| column.as_str()));
    other.extend(args.schema.exclude.iter().map(String::as_str));
    let is_found = |name: &&&str| found.iter().any(|column| column.name == ***name);
    if let Some(name) = other.iter().find(|name| !is_found(name)) {
        let names: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
        let message = format!("expected a column of the files ({}), found `{name}`", names.join(", "));
        return Err(Misuse(message).into());
    }
    let features = columns::features(&found, &args.schema.features, &other)?;
    let task = task(args, table, &found).await?;
    Ok(Schema { features, task })
}

async fn task(args: &Args, table: &Table, found: &[FileColumn]) -> Result<Task> {
    let data = &args.data;
    let outcomes: Vec<&str> =
        [&data.prediction, &data.label].into_iter().flatten().map(String::as_str).collect();
    let has_probabilities = data.probabilities.is_some() || !data.probability.is_empty();
    if outcomes.is_empty() && !has_probabilities {
        return Err(Misuse("give --prediction or the probabilities".to_owned()).into());
    }
    let kind = |name: &str| found.iter().find(|column| column.name == name).map(|column| column.kind);
    let are_numbers = outcomes.iter().all(|name| kind(name) == Some(ColumnKind::Number));
    let is_classification = match args.schema.task {
        Some(task) => task == TaskArg::Classification,
        None => has_probabilities || !are_numbers || !has_fraction(table, &outcomes).await?,
    };
    if !is_classification {
        return Ok(Task::Regression);
    }
    if !args.schema.classes.is_empty() {
        return Ok(Task::Classification { classes: args.schema.classes.clone() });
    }
    let mut classes: BTreeSet<String> = data.probability.iter().map(|(class, _)| class.clone()).collect();
    if classes.is_empty() {
        classes = found_classes(table, &outcomes).await?;
    }
    let mut classes: Vec<String> = classes.into_iter().collect();
    // Numbers in their own order: `10` comes after `9`.
    classes.sort_by_key(|class| class.parse::<u64>().map_or((1, 0), |number| (0, number)));
    Ok(Task::Classification { classes })
}

async fn has_fraction(table: &Table, outcomes: &[&str]) -> Result<bool> {
    let mut is_there = false;
    for column in outcomes {
        let number = format!("arrow_cast({}, 'Float64')", quoted(column));
        let query = format!("SELECT {number} FROM {TABLE} WHERE {number} <> floor({number}) LIMIT 1");
        let note = |batch: &RecordBatch| {
            is_there |= batch.num_rows() > 0;
            Ok(())
        };
        read::each_batch(table, &query, note).await?;
    }
    Ok(is_there)
}

async fn found_classes(table: &Table, outcomes: &[&str]) -> Result<BTreeSet<String>> {
    let mut classes = BTreeSet::new();
    for column in outcomes {
        let column = quoted(column);
        let query = format!(
            "SELECT DISTINCT arrow_cast({column}, 'Utf8') FROM {TABLE} WHERE {column} IS NOT NULL LIMIT {}",
            MOST_CLASSES + 1
        );
        let note = |batch: &RecordBatch| {
            classes.extend(read::texts_of_first(batch)?.into_iter().flatten());
            Ok(())
        };
        read::each_batch(table, &query, note).await?;
    }
    if classes.is_empty() || classes.len() > MOST_CLASSES {
        let message = format!(
            "expected 1 to {MOST_CLASSES} classes, found {}; give --classes or --task",
            classes.len()
        );
        return Err(Misuse(message).into());
    }
    Ok(classes)
}

/// Rows kept to place the bins by: every so many of all, so few that they fit in memory.
#[derive(Default)]
struct Sample {
    kept: Vec<Kept>,
    n_offered: usize,
    skipped_between: usize,
}

struct Kept {
    features: Vec<KeptValue>,
    predicted: Outcome,
    probabilities: Vec<f64>,
    truth: Option<Outcome>,
}

enum KeptValue {
    Number(f64),
    Category(Box<str>),
    Missing,
}

impl KeptValue {
    fn lent(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Category(name) => Value::Category(name),
            Self::Missing => Value::Missing,
        }
    }
}

impl Kept {
    fn lent<'a>(&'a self, features: &'a [Value<'a>]) -> Row<'a> {
        Row { features, predicted: self.predicted, probabilities: &self.probabilities, truth: self.truth }
    }

    fn of(row: &Row<'_>) -> Self {
        let kept = |value: &Value<'_>| match value {
            Value::Number(number) => KeptValue::Number(*number),
            Value::Category(name) => KeptValue::Category((*name).into()),
            Value::Missing => KeptValue::Missing,
        };
        Self {
            features: row.features.iter().map(kept).collect(),
            predicted: row.predicted,
            probabilities: row.probabilities.to_vec(),
            truth: row.truth,
        }
    }
}

impl Sample {
    fn offer(&mut self, row: impl FnOnce() -> Kept) {
        if self.n_offered.is_multiple_of(self.skipped_between + 1) {
            self.kept.push(row());
        }
        self.n_offered += 1;
        if self.kept.len() == 2 * SAMPLE {
            let mut is_kept = false;
            self.kept.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.skipped_between = 2 * self.skipped_between + 1;
        }
    }

    fn frame(&self, schema: Schema, n_bins: usize) -> Result<Frame> {
        let values: Vec<Vec<Value<'_>>> =
            self.kept.iter().map(|row| row.features.iter().map(KeptValue::lent).collect()).collect();
        let rows: Vec<Row<'_>> =
            self.kept.iter().zip(&values).map(|(row, features)| row.lent(features)).collect();
        Ok(Frame::of(schema, &rows, n_bins)?)
    }
}
