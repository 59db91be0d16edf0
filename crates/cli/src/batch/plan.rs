//! `plinth batch plan`: everything but the predictions; with an output, the job too, for whoever runs its chunks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use batch::{Job, JobFolder, Keys, Sample, Stores, Work};

use super::arguments::{JobArgs, LimitArgs};
use super::model::{self, Model};
use super::progress::{human, rows};
use super::run as driving;

/// What `plinth batch plan` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Create the job here, for engines that run its chunks: a folder, s3://, gs://, az://. A cancelled one may go on again
    #[arg(long)]
    output: Option<String>,
    /// How many rows are predicted
    #[arg(long, default_value_t = 1000)]
    sample: usize,
    /// Print the manifest as JSON and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let Model { reference, predictor, ticker, wasm } = model::open(&args.job.model, args.limits, 1)?;
    let stores = driving::stores();
    driving::runtime(1)?.block_on(async {
        let job = Arc::new(driving::planned(&stores, &args.job, reference, &predictor).await?);
        let work = Work::new(&stores, Arc::clone(&job), predictor, &job.model.sha256).await?;
        if args.json {
            args.job.check_keys(&work, 1).await?;
            println!("{}", serde_json::to_string_pretty(&*job)?);
        } else {
            show(&job);
            show_sample(&job, &sample(&work, args.sample).await?);
            if let Some(keys) = args.job.check_keys(&work, 1).await? {
                show_keys(&keys);
            }
        }
        drop(ticker);
        let Some(output) = &args.output else { return Ok(()) };
        let folder = create(&stores, &job, output, wasm).await?;
        if !args.json {
            println!("planned  {} chunks at {}", job.chunks.len(), folder.root().uri());
        }
        Ok(())
    })
}

/// Writes the job and its model, or finds them there.
async fn create(stores: &Stores, job: &Job, output: &str, wasm: Vec<u8>) -> Result<JobFolder> {
    let folder = JobFolder::new(stores.locate_output(output)?);
    folder.create(job).await?;
    folder.keep_model(job, wasm.into()).await?;
    folder.allow().await?;
    Ok(folder)
}

async fn sample(work: &Work, n_rows: usize) -> Result<Sample> {
    let start = Instant::now();
    Ok(work.sample(n_rows, || start.elapsed()).await?)
}

fn show_keys(keys: &Keys) {
    let others = match keys.unreadable {
        0 => String::new(),
        n_rows => format!(", {} cannot be read", rows(n_rows)),
    };
    println!("keys     {}, none twice, {} without a key{others}", rows(keys.rows), keys.missing);
}

fn n_rows(job: &Job) -> Option<u64> {
    job.chunks.iter().map(|chunk| chunk.n_rows).sum()
}

fn show(job: &Job) {
    let bytes: u64 = job.files.iter().map(|file| file.size).sum();
    let known = n_rows(job).map_or_else(|| "an unknown number of rows".to_owned(), rows);
    println!("input    {} files, {}, {known}", job.files.len(), human(bytes));
    println!("model    `{}` version {}, sha256 {}", job.model.name, job.model.version, job.model.sha256);
    println!("key      `{}`", job.rows.key);
    println!("columns  {} to the model: {}", job.rows.features.len(), shortened(&job.rows.features));
    if !job.rows.keep.is_empty() {
        println!("kept     {}", shortened(&job.rows.keep));
    }
    println!("chunks   {}, at most {} rows to the model at once", job.chunks.len(), job.rows.micro_batch);
}

fn shortened(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("`{}`{more}", shown.join("`, `"))
}

fn show_sample(job: &Job, sample: &Sample) {
    let good: usize = sample.rows.iter().map(batch::RecordBatch::num_rows).sum();
    println!(
        "sample   {good} rows predicted, {} bad, in {:.3} s",
        sample.errors.len(),
        sample.duration.as_secs_f64()
    );
    if let Some(first) = sample.rows.first()
        && let Ok(table) = batch::table(&first.slice(0, first.num_rows().min(3)))
    {
        println!("{table}");
    }
    for error in sample.errors.iter().take(10) {
        println!("bad row  {error}");
    }
    let n_sampled = good + sample.errors.len();
    if let Some(total) = n_rows(job).filter(|_| n_sampled > 0) {
        let seconds = sample.duration.as_secs_f64() / n_sampled as f64 * total as f64;
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        println!("estimate {:.0} s on one processor, by the sample", duration.as_secs_f64());
    }
}
