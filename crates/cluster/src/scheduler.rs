//! `plinth cluster scheduler`: the engine's scheduler, which knows of chunks only that they are plans.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ballista_core::config::TaskSchedulingPolicy;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use cli::SchedulerArgs;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::codec::Codec;

pub(crate) fn run(args: &SchedulerArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(args));
    runtime.shutdown_background();
    ended
}

async fn serve(args: &SchedulerArgs) -> Result<()> {
    let listener = TcpListener::bind((args.host.as_str(), args.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", args.host, args.port))?;
    let port = listener.local_addr()?.port();
    let config = Arc::new(config(args, port));
    let cluster = BallistaCluster::new_from_config(&config).await?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, config).await?;
    say(&format!("scheduler: df://{}:{port}", args.host));
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = start_grpc_service_with_listener(listener, scheduler) => ended.context("the scheduler ended"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminated.recv() => Ok(()),
    }
}

fn config(args: &SchedulerArgs, port: u16) -> SchedulerConfig {
    SchedulerConfig {
        external_host: args.host.clone(),
        bind_host: args.host.clone(),
        bind_port: port,
        scheduling_policy: TaskSchedulingPolicy::PushStaged,
        executor_timeout_seconds: args.executor_timeout,
        expire_dead_executor_interval_seconds: (args.executor_timeout / 4).max(1),
        no_executors_grace_period_seconds: args.executor_timeout,
        override_physical_codec: Some(Arc::new(Codec::default())),
        ..SchedulerConfig::default()
    }
}

#[expect(clippy::print_stdout, reason = "whoever starts a server reads where it is")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
