//! `plinth evaluate`: how good a model still is, from files, without a server.

mod arguments;
mod baseline;
mod columns;
mod labels;
mod read;
mod run;
mod watch;

use anyhow::Result;

use crate::failure::Outcome;

/// What `plinth evaluate` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Freeze what later rows are compared with: rows of a time when the model was known to be good
    Baseline(Box<baseline::Args>),
    /// Compare rows with a baseline, window by window, and write the report
    Run(Box<run::Args>),
    /// Merge profiles that `run --profiles` wrote, in any order, and write their report
    Report(run::ReportArgs),
    /// Look at files again and again, and raise alarms about what is new
    Watch(Box<watch::Args>),
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    match args.command {
        Command::Baseline(args) => baseline::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Report(args) => run::report(&args),
        Command::Watch(args) => watch::run(&args),
    }
}
