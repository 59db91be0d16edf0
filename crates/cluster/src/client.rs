//! The driver's side: a chunk goes to the scheduler as a plan, and what became of it comes back as a row.

use std::sync::Arc;

use anyhow::Result;
use ballista_core::config::BallistaConfig;
use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt as _;
use batch::{Attempts, ChunkFailure, Error, Worked};
use cli::JobOnCluster;
use datafusion::physical_plan::common::collect;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::PhysicalPlanNode;
use uuid::Uuid;

use crate::codec::Codec;
use crate::plan::{ChunkExec, outcome};
use crate::task::Task;

/// What runs the chunks of a job on a cluster.
pub(crate) fn connect(job: &JobOnCluster) -> Result<Attempts> {
    let scheduler = format!("http://{}:{}", job.scheduler.host, job.scheduler.port);
    let task = Task {
        output: job.output.clone(),
        job: job.id.clone(),
        chunk: 0,
        timeout: job.limits.timeout,
        memory: job.limits.memory,
    };
    // The scheduler remembers each session for as long as it lives: one for all chunks.
    let session = Uuid::new_v4().to_string();
    Ok(Arc::new(move |chunk, _attempt| {
        Box::pin(submit(scheduler.clone(), session.clone(), Task { chunk, ..task.clone() }))
    }))
}

/// Runs a chunk. What the engine itself says can always be another time: a scheduler that is gone may come back.
async fn submit(scheduler: String, session: String, task: Task) -> Result<Worked, ChunkFailure> {
    let chunk = task.chunk;
    let elsewhere = |error: datafusion::error::DataFusionError| {
        ChunkFailure::transient(Error::Elsewhere { chunk, reason: batch::chain(&error) })
    };
    let (config, codec) = (BallistaConfig::default(), Codec::default());
    let rows = execute_physical_plan::<PhysicalPlanNode>(
        scheduler,
        &config,
        Arc::new(ChunkExec::new(task, None)),
        &codec,
        session,
        SessionConfig::new_with_ballista(),
    );
    let rows = collect(rows.await.map_err(elsewhere)?).await.map_err(elsewhere)?;
    outcome(&rows).map_err(elsewhere)?.worked(chunk)
}
