//! `plinth batch`: predicts data sets. It reads arguments and prints; what a job is and how it is driven is in the crate `batch`.
//!
//! Exit codes: 0, every row is predicted or reported; 1, failed; 2, what was given cannot be used; 3, cancelled; 4, the time is over.
//! After 1, 3 and 4 `plinth batch resume` goes on. `chunk` has 42 besides: the chunk would fail again.

mod arguments;
mod background;
mod chunk;
mod drive;
mod model;
mod open;
mod plan;
mod progress;
mod run;
mod show;

use anyhow::Result;
use clap::Subcommand;

pub use self::arguments::LimitArgs;
pub use self::open::OpenJob;
pub(crate) use self::run::{runtime, stores};
use crate::cluster::Cluster;
use crate::failure::Outcome;

/// What `plinth batch` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell what a job would do, and predict a few rows; writes nothing, or with --output the job
    Plan(plan::Args),
    /// Predict a data set; goes on with a job that was interrupted
    Run(run::Args),
    /// Go on with a job, from its output alone
    Resume(run::ResumeArgs),
    /// Tell how a job stands
    Status(show::StatusArgs),
    /// Stop a job, wherever it runs; it can be resumed
    Cancel(show::CancelArgs),
    /// Run one chunk of a planned job, for engines that hand out chunks themselves
    Chunk(chunk::Args),
    /// Publish a job whose chunks are all committed, if nobody has
    Finish(chunk::FinishArgs),
}

pub(crate) fn run(args: Args, cluster: Option<&Cluster>) -> Result<Outcome> {
    match args.command {
        Command::Plan(args) => plan::run(&args).map(|()| Outcome::Done),
        Command::Run(args) => run::run(&args, cluster),
        Command::Resume(args) => run::resume(&args, cluster),
        Command::Status(args) => show::status(&args).map(|()| Outcome::Done),
        Command::Cancel(args) => show::cancel(&args).map(|()| Outcome::Done),
        Command::Chunk(args) => chunk::run(&args),
        Command::Finish(args) => chunk::finish(&args).map(|()| Outcome::Done),
    }
}
