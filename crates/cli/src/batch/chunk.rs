//! `plinth batch chunk`: one chunk of a planned job, for engines that hand out chunks themselves. Whoever runs the last one publishes.
//! The exit code tells the engine whether it is of use to try again. Also `plinth batch finish`, for what is left when no chunk is.

use anyhow::{Error, Result};
use batch::{JobFolder, Options};

use super::arguments::{EndpointArgs, LimitArgs};
use super::drive::{self, attempts};
use super::open::OpenJob;
use super::progress::{human, rows};
use super::run as driving;
use crate::failure::{Misuse, Outcome, Permanent};

/// What `plinth batch chunk` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job's output, as `plinth batch plan --output` or a driver made it
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
    #[command(flatten)]
    endpoint: EndpointArgs,
}

/// What `plinth batch finish` takes.
#[derive(clap::Args)]
pub(crate) struct FinishArgs {
    /// The job's output
    output: String,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    driving::runtime(1)?.block_on(attempt(args)).map_err(judged)
}

async fn attempt(args: &Args) -> Result<Outcome> {
    let endpoint = args.endpoint.endpoint(args.limits)?;
    let opened = OpenJob::open(&args.job, args.model.as_deref(), args.limits, 1).await?;
    let (folder, job, work, ticker) = opened.into_parts();
    if args.index >= job.chunks.len() {
        let message = format!("--index: expected one of {} chunks, found {}", job.chunks.len(), args.index);
        return Err(Misuse(message).into());
    }
    let options = Options { only: Some(vec![args.index]), ..Options::default() };
    let ended = drive::drive(&folder, &job, attempts(work, endpoint), options).await;
    drop(ticker);
    ended
}

/// Says of an error if every attempt would meet it: if it is neither of a store or the network, nor of what the user gave.
fn judged(error: Error) -> Error {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<batch::Error>());
    let is_permanent = cause.is_some_and(|cause| !cause.is_usage() && !batch::is_transient(cause));
    if is_permanent { error.context(Permanent) } else { error }
}

pub(crate) fn finish(args: &FinishArgs) -> Result<()> {
    let folder = JobFolder::new(driving::stores().locate_output(&args.output)?);
    let manifest = driving::runtime(1)?.block_on(async {
        let job = folder.read().await?;
        folder.finish(&job).await
    })?;
    println!(
        "done: {} predicted, {} bad, {} parts",
        rows(manifest.rows),
        manifest.errors,
        manifest.parts.len()
    );
    println!("output: {}/data/ ({})", folder.root().uri(), human(manifest.bytes));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_permanent(error: batch::Error) -> bool {
        let at_the_chunk = batch::Error::ChunkFailed { chunk: 3, attempts: 1, source: Box::new(error) };
        judged(Error::from(at_the_chunk).context("the job")).is::<Permanent>()
    }

    #[test]
    fn what_every_attempt_would_meet_is_told_from_what_may_pass() {
        let uri = || "s3://bucket/rows.csv".to_owned();
        assert!(is_permanent(batch::Error::Changed { uri: uri(), found: "no file".to_owned() }));
        assert!(is_permanent(batch::Error::Unreadable { uri: uri(), reason: "no header".to_owned() }));
        assert!(!is_permanent(batch::Error::Undecided { uri: uri() }));
        assert!(!judged(batch::Error::NoJob { uri: uri() }.into()).is::<Permanent>());
        assert!(!judged(Error::msg("no thread can be started")).is::<Permanent>());
    }
}
