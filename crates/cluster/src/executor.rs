//! `plinth cluster executor`: the engine's executor, with a worker for chunks.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use cli::ExecutorArgs;

use crate::codec::Codec;
use crate::scheduler::say;
use crate::worker::Worker;

/// How long an executor waits for its scheduler.
const CONNECT_SECONDS: u16 = 60;

pub(crate) fn run(args: &ExecutorArgs) -> Result<()> {
    let config = config(args)?;
    say(&format!("executor: {}:{}, for {}", args.host, config.port, args.scheduler));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(start_executor_process(Arc::new(config)));
    runtime.shutdown_background();
    ended.context("the executor ended")
}

fn config(args: &ExecutorArgs) -> Result<ExecutorProcessConfig> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let vcores = args.concurrency.unwrap_or(processors).max(1);
    let codec = Codec::of_executor(Arc::new(Worker::new(vcores)));
    Ok(ExecutorProcessConfig {
        bind_host: args.host.clone(),
        external_host: Some(args.host.clone()),
        port: port(&args.host, args.port)?,
        grpc_port: port(&args.host, args.grpc_port)?,
        scheduler_host: args.scheduler.host.clone(),
        scheduler_port: args.scheduler.port,
        scheduler_connect_timeout_seconds: CONNECT_SECONDS,
        vcores,
        task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
        executor_heartbeat_interval_seconds: args.heartbeat,
        override_physical_codec: Some(Arc::new(codec)),
        ..ExecutorProcessConfig::default()
    })
}

/// The port, or one that is free now if it is 0: the engine tells others the port that it was told.
fn port(host: &str, port: u16) -> Result<u16> {
    if port != 0 {
        return Ok(port);
    }
    let free = TcpListener::bind((host, 0)).with_context(|| format!("cannot listen on {host}"))?;
    Ok(free.local_addr()?.port())
}
