//! `plinth batch chunk`: one chunk of a planned job, for engines that hand out chunks themselves. Whoever runs the last one publishes.

use anyhow::Result;
use batch::Options;

use super::arguments::LimitArgs;
use super::drive::{self, in_process};
use super::open::OpenJob;
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
    driving::runtime(1)?.block_on(async {
        let opened = OpenJob::open(&args.job, args.model.as_deref(), args.limits, 1).await?;
        let (folder, job, work, ticker) = opened.into_parts();
        if args.index >= job.chunks.len() {
            let message =
                format!("--index: expected one of {} chunks, found {}", job.chunks.len(), args.index);
            return Err(Misuse(message).into());
        }
        let options = Options { only: Some(vec![args.index]), ..Options::default() };
        let outcome = drive::drive(&folder, &job, in_process(work), options).await;
        drop(ticker);
        outcome
    })
}
