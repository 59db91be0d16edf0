//! `plinth cluster`: a scheduler and executors for batch jobs. What they do is in the crate `cluster`, which is built into another program,
//! `plinth-cluster`: the same command, and the engine besides. `plinth` hands over to that program if it lies beside it.

use std::env;
use std::fmt;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use batch::Attempts;

use crate::batch::LimitArgs;
use crate::failure::Misuse;

/// The program with the engine.
const PROGRAM: &str = "plinth-cluster";

/// An engine that hands out chunks to other machines.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// Runs the scheduler until a signal ends it.
    pub scheduler: fn(&SchedulerArgs) -> Result<()>,
    /// Runs an executor until a signal ends it.
    pub executor: fn(&ExecutorArgs) -> Result<()>,
    /// What runs the chunks of a job on the cluster. To be called, and what it gives too, inside a Tokio runtime.
    pub connect: fn(&JobOnCluster) -> Result<Attempts>,
}

/// Where a scheduler is: `df://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerAddress {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl FromStr for SchedulerAddress {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let address = url.strip_prefix("df://");
        let address = address.and_then(|address| address.trim_end_matches('/').rsplit_once(':'));
        match address.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            Some((host, port)) if !host.is_empty() => Ok(Self { host: host.to_owned(), port }),
            _ => Err("expected df://host:port".to_owned()),
        }
    }
}

impl fmt::Display for SchedulerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "df://{}:{}", self.host, self.port)
    }
}

/// A job whose chunks a cluster runs.
#[derive(Clone, Debug)]
pub struct JobOnCluster {
    /// The scheduler.
    pub scheduler: SchedulerAddress,
    /// The job's output, as its executors find it.
    pub output: String,
    /// The job's id.
    pub id: String,
    /// What the model may take.
    pub limits: LimitArgs,
}

/// What `plinth cluster` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Subcommand,
}

#[derive(clap::Subcommand)]
enum Subcommand {
    /// Take chunks from drivers and hand them to executors
    Scheduler(SchedulerArgs),
    /// Run chunks that a scheduler hands out
    Executor(ExecutorArgs),
}

/// What `plinth cluster scheduler` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct SchedulerArgs {
    /// The address on which drivers and executors find it
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Its port
    #[arg(long, default_value_t = 50050)]
    pub port: u16,
    /// After how many seconds without a heartbeat an executor is gone
    #[arg(long, default_value_t = 60)]
    pub executor_timeout: u64,
}

/// What `plinth cluster executor` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct ExecutorArgs {
    /// The scheduler
    #[arg(long, default_value = "df://127.0.0.1:50050")]
    pub scheduler: SchedulerAddress,
    /// The address on which the scheduler and drivers find this executor
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The port for results
    #[arg(long, default_value_t = 50051)]
    pub port: u16,
    /// The port for the scheduler's calls
    #[arg(long, default_value_t = 50052)]
    pub grpc_port: u16,
    /// How many chunks run at once; as many as there are processors if not given
    #[arg(long)]
    pub concurrency: Option<usize>,
    /// How many seconds lie between two heartbeats
    #[arg(long, default_value_t = 10)]
    pub heartbeat: u64,
}

pub(crate) fn run(args: &Args, cluster: Option<&Cluster>) -> Result<()> {
    let cluster = required(cluster)?;
    match &args.command {
        Subcommand::Scheduler(args) => (cluster.scheduler)(args),
        Subcommand::Executor(args) => (cluster.executor)(args),
    }
}

/// The engine. A program without one becomes the program with one, with the same arguments.
pub(crate) fn required(cluster: Option<&Cluster>) -> Result<&Cluster> {
    match cluster {
        Some(cluster) => Ok(cluster),
        None => hand_over(),
    }
}

fn hand_over<T>() -> Result<T> {
    let here = env::current_exe().context("cannot find this program")?;
    let program = here.with_file_name(PROGRAM);
    if !program.is_file() {
        let message = format!(
            "a cluster needs the program `{PROGRAM}` beside `{}`; build it with `cargo build --release -p cluster`",
            here.display()
        );
        return Err(Misuse(message).into());
    }
    let error = Command::new(&program).args(env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("cannot start `{}`", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedulers_are_told_by_host_and_port() {
        let address: SchedulerAddress = "df://10.0.0.1:50050/".parse().unwrap();
        assert_eq!(address.to_string(), "df://10.0.0.1:50050");
        for wrong in ["10.0.0.1:50050", "df://host", "df://:1", "df://host:port", "http://host:1"] {
            assert!(wrong.parse::<SchedulerAddress>().is_err(), "{wrong}");
        }
    }
}
