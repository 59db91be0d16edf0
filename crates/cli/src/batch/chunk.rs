//! `plinth batch chunk`: one chunk of a planned job, for engines that hand out chunks themselves. Whoever runs the last one publishes.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use batch::{JobFolder, Options, Work};

use super::arguments::LimitArgs;
use super::drive;
use super::model::{self, Model};
use super::run as driving;
use crate::failure::{Misuse, Outcome};

/// What `plinth batch chunk` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job's output, as `plinth batch run --detach` or another driver made it
    #[arg(long)]
    job: String,
    /// The chunk's number, from 0
    #[arg(long, env = "JOB_COMPLETION_INDEX")]
    index: usize,
    /// The model, if it is no longer where it was
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let (stores, runtime) = (driving::stores(), driving::runtime(1)?);
    let folder = JobFolder::new(stores.locate_output(&args.job)?);
    let job = Arc::new(runtime.block_on(folder.read())?);
    if args.index >= job.chunks.len() {
        let message = format!("--index: expected one of {} chunks, found {}", job.chunks.len(), args.index);
        return Err(Misuse(message).into());
    }
    let path = args.model.as_ref().unwrap_or(&job.model.uri);
    let Model { reference, predictor, ticker } =
        model::open(path, args.limits, 1).context("the job's model")?;
    let outcome = runtime.block_on(async {
        let work = Work::new(&stores, Arc::clone(&job), predictor, &reference.sha256).await?;
        let options = Options { only: Some(vec![args.index]), ..Options::default() };
        drive::drive(&folder, &job, work, options).await
    });
    drop(ticker);
    outcome
}
