//! The `plinth` command: reads arguments and files, calls the crates that do the work, prints, and sets the exit code.
//!
//! A library, because two programs are made of it: `plinth`, and `plinth-cluster`, which has a [`Cluster`] besides.
//!
//! Exit code 0: done. 1: this program or the machine failed. 2: what the user gave cannot be used. 3: cancelled. 4: out of time.
//! 5: an evaluation found that something is worse than it may be, and was asked to fail then.
//! 42: a chunk failed for good, which only `plinth batch chunk` says.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]
#![expect(clippy::disallowed_methods, reason = "a command does I/O by design")]

mod batch;
mod calibrate;
mod check;
mod cluster;
mod compose;
mod describe;
mod evaluate;
mod failure;
mod files;
mod inspect;
mod models;
mod pack;
mod serve;
mod settings;
mod sql;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Outcome;

pub use crate::batch::{LimitArgs, OpenJob};
pub use crate::cluster::{Cluster, ExecutorArgs, JobOnCluster, SchedulerAddress, SchedulerArgs};

/// A request makes many small, short-lived allocations: 3.5 % less processor time than with the system's allocator, measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turns trained ONNX models into stateless WebAssembly functions and serves them.
#[derive(Parser)]
#[command(name = "plinth", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pack an ONNX model into a component that imports nothing
    Pack(pack::Args),
    /// Tell what is in an ONNX file or a packed model
    Inspect(inspect::Args),
    /// Try whether a model's answer to a row depends on the rows beside it
    Check(check::Args),
    /// Serve models, without a manifest
    Serve(serve::Args),
    /// Serve the application of a spin.toml
    Up(up::Args),
    /// Plug a model into a function, for any host
    Compose(compose::Args),
    /// Predict data sets, chunk by chunk, with nothing lost
    Batch(Box<batch::Args>),
    /// Run a cluster's scheduler or one of its executors, for `plinth batch run --cluster`
    Cluster(cluster::Args),
    /// Tell from files how good a model still is: metrics, drift, alarms and a report
    Evaluate(evaluate::Args),
    /// Make the policy by which an edge model's answers stand or a cloud model is asked
    Calibrate(Box<calibrate::Args>),
    /// Query files, with `predict('model.wasm', columns…)` as a function
    Sql(sql::Args),
}

/// The command, from its arguments to its exit code.
#[must_use]
pub fn main(cluster: Option<Cluster>) -> ExitCode {
    match run(Cli::parse().command, cluster.as_ref()) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            failure::exit_code(&error)
        }
    }
}

fn run(command: Command, cluster: Option<&Cluster>) -> anyhow::Result<Outcome> {
    let done = |()| Outcome::Done;
    match command {
        Command::Pack(args) => pack::run(args).map(done),
        Command::Inspect(args) => inspect::run(&args).map(done),
        Command::Check(args) => check::run(&args).map(done),
        Command::Serve(args) => serve::run(args).map(done),
        Command::Up(args) => up::run(args).map(done),
        Command::Compose(args) => compose::run(&args).map(done),
        Command::Batch(args) => batch::run(*args, cluster),
        Command::Cluster(args) => cluster::run(&args, cluster).map(done),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Calibrate(args) => calibrate::run(&args).map(done),
        Command::Sql(args) => sql::run(&args).map(done),
    }
}
