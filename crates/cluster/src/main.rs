//! `plinth-cluster`: the command of the library `cli`, with Ballista as the engine that hands out the chunks of batch jobs. A chunk is
//! predicted and committed where it runs, by the very code that runs it in one process; the engine decides only where that is.

mod client;
mod codec;
mod executor;
mod plan;
mod scheduler;
mod task;
mod worker;

use std::process::ExitCode;

use cli::Cluster;

fn main() -> ExitCode {
    cli::main(Some(Cluster { scheduler: scheduler::run, executor: executor::run, connect: client::connect }))
}
