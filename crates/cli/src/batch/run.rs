//! `plinth batch run` and `resume`: plan, or read the plan, and drive it to its end.

use std::sync::Arc;

use anyhow::Result;
use batch::{Attempts, Job, JobFolder, ModelRef, Predictor, Stores, Work};
use tokio::runtime::{Builder, Runtime};

use super::arguments::{DriveArgs, JobArgs};
use super::background;
use super::drive::{self, attempts};
use super::model::{self, Model};
use super::open::OpenJob;
use crate::cluster::{Cluster, JobOnCluster};
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

pub(crate) fn run(args: &Args, cluster: Option<&Cluster>) -> Result<Outcome> {
    let on_cluster = on_cluster(&args.drive, &args.output, cluster)?;
    let concurrency = args.drive.concurrency();
    let (options, endpoint) = (args.drive.options()?, args.drive.endpoint()?);
    let Model { reference, predictor, ticker, wasm } =
        model::open(&args.job.model, args.drive.limits, concurrency)?;
    let stores = stores();
    let outcome = runtime(concurrency)?.block_on(async {
        let folder = JobFolder::new(stores.locate_output(&args.output)?);
        let sha256 = reference.sha256.clone();
        let job = Arc::new(planned(&stores, &args.job, reference, &predictor).await?);
        let work = Work::new(&stores, Arc::clone(&job), predictor, &sha256).await?;
        args.job.check_keys(&work, concurrency).await?;
        folder.create(&job).await?;
        folder.keep_model(&job, wasm.into()).await?;
        if args.detach {
            return background::go_on(&args.output);
        }
        let attempts = match on_cluster {
            Some(connect) => connect(&job)?,
            None => attempts(work, endpoint),
        };
        folder.allow().await?;
        drive::drive(&folder, &job, attempts, options).await
    });
    drop(ticker);
    outcome
}

pub(crate) fn resume(args: &ResumeArgs, cluster: Option<&Cluster>) -> Result<Outcome> {
    let on_cluster = on_cluster(&args.drive, &args.output, cluster)?;
    let concurrency = args.drive.concurrency();
    let (options, endpoint) = (args.drive.options()?, args.drive.endpoint()?);
    runtime(concurrency)?.block_on(async {
        if let Some(connect) = on_cluster {
            let folder = JobFolder::new(stores().locate_output(&args.output)?);
            let job = Arc::new(folder.read().await?);
            folder.allow().await?;
            return drive::drive(&folder, &job, connect(&job)?, options).await;
        }
        let opened =
            OpenJob::open(&args.output, args.model.as_deref(), args.drive.limits, concurrency).await?;
        let (folder, job, work, ticker) = opened.into_parts();
        folder.allow().await?;
        let outcome = drive::drive(&folder, &job, attempts(work, endpoint), options).await;
        drop(ticker);
        outcome
    })
}

/// How to reach the cluster, if one is asked for.
fn on_cluster(
    drive: &DriveArgs,
    output: &str,
    cluster: Option<&Cluster>,
) -> Result<Option<impl FnOnce(&Job) -> Result<Attempts>>> {
    let Some(scheduler) = drive.cluster.clone() else { return Ok(None) };
    let connect = crate::cluster::required(cluster)?.connect;
    let (output, limits) = (stores().locate_output(output)?.uri().to_owned(), drive.limits);
    Ok(Some(move |job: &Job| connect(&JobOnCluster { scheduler, output, id: job.id.clone(), limits })))
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
