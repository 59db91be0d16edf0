//! `plinth batch run` and `resume`: plan, or read the plan, and drive it to its end.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use batch::{Job, JobFolder, ModelRef, Predictor, Stores, Work};
use tokio::runtime::{Builder, Runtime};

use super::arguments::{DriveArgs, JobArgs};
use super::background;
use super::drive;
use super::model::{self, Model};
use crate::failure::Outcome;

/// What `plinth batch run` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// Where the output goes: a folder, s3://, gs://, az://
    #[arg(long)]
    output: String,
    #[command(flatten)]
    drive: DriveArgs,
    /// Plan the job, then leave it to a process in the background
    #[arg(long)]
    detach: bool,
}

/// What `plinth batch resume` takes.
#[derive(clap::Args)]
pub(crate) struct ResumeArgs {
    /// The job's output
    output: String,
    /// The model, if it is no longer where it was
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    drive: DriveArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let concurrency = args.drive.concurrency();
    let options = args.drive.options()?;
    let Model { reference, predictor, ticker } =
        model::open(&args.job.model, args.drive.limits, concurrency)?;
    let stores = stores();
    let outcome = runtime(concurrency)?.block_on(async {
        let folder = JobFolder::new(stores.locate_output(&args.output)?);
        let sha256 = reference.sha256.clone();
        let job = Arc::new(planned(&stores, &args.job, reference, &predictor).await?);
        folder.create(&job).await?;
        if args.detach {
            return background::resume(&args.output);
        }
        let work = Work::new(&stores, Arc::clone(&job), predictor, &sha256).await?;
        folder.allow().await?;
        drive::drive(&folder, &job, work, options).await
    });
    drop(ticker);
    outcome
}

pub(crate) fn resume(args: &ResumeArgs) -> Result<Outcome> {
    let concurrency = args.drive.concurrency();
    let options = args.drive.options()?;
    let (stores, runtime) = (stores(), runtime(concurrency)?);
    let folder = JobFolder::new(stores.locate_output(&args.output)?);
    let job = Arc::new(runtime.block_on(folder.read())?);
    let path = args.model.as_ref().unwrap_or(&job.model.uri);
    let Model { reference, predictor, ticker } =
        model::open(path, args.drive.limits, concurrency).context("the job's model")?;
    let outcome = runtime.block_on(async {
        let work = Work::new(&stores, Arc::clone(&job), predictor, &reference.sha256).await?;
        folder.allow().await?;
        drive::drive(&folder, &job, work, options).await
    });
    drop(ticker);
    outcome
}

/// The job that the arguments mean.
pub(crate) async fn planned(
    stores: &Stores,
    args: &JobArgs,
    model: ModelRef,
    predictor: &Predictor,
) -> Result<Job> {
    let files = stores.find(&args.input).await?;
    Ok(batch::plan(&files, &args.request(), model, predictor).await?)
}

/// Stores with the credentials of the environment.
pub(crate) fn stores() -> Stores {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Stores::new(variables)
}

/// Threads for that many chunks, and one for what must not wait for them.
pub(crate) fn runtime(concurrency: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(concurrency + 1).enable_all().build()?)
}
