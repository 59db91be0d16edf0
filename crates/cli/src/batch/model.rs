//! The model of a job: found, opened within limits, and told by its digest.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use batch::{Job, JobFolder, ModelRef, Predictor};
use engine::{Engine, InstanceLimits, Ticker, epochs};

use super::arguments::LimitArgs;
use crate::models::Opened;
use crate::{models, settings};

/// A model, ready to predict. Its time passes while this lives.
pub(crate) struct Model {
    pub(crate) reference: ModelRef,
    pub(crate) predictor: Predictor,
    pub(crate) ticker: Ticker,
    /// The packed model.
    pub(crate) wasm: Vec<u8>,
}

/// The model at `path`, called by `concurrency` chunks at once.
pub(crate) fn open(path: &str, limits: LimitArgs, concurrency: usize) -> Result<Model> {
    let engine = engine(concurrency)?;
    ready(&engine, path, models::open(&engine, Path::new(path))?, limits)
}

/// The model that is kept with a job, unless another path is `given`; if none was kept, the one where the job was planned.
pub(crate) async fn of_job(
    folder: &JobFolder,
    job: &Job,
    given: Option<&str>,
    limits: LimitArgs,
    concurrency: usize,
) -> Result<Model> {
    let kept = if given.is_none() { folder.model(job).await? } else { None };
    let Some(wasm) = kept else {
        return open(given.unwrap_or(&job.model.uri), limits, concurrency);
    };
    let engine = engine(concurrency)?;
    let opened = models::open_packed(&engine, Path::new(&job.model.uri), wasm.to_vec())?;
    ready(&engine, &job.model.uri, opened, limits)
}

fn engine(concurrency: usize) -> Result<Engine> {
    settings::engine_for_serving(u32::try_from(concurrency)?.saturating_mul(2), true)
}

fn ready(engine: &Engine, uri: &str, opened: Opened, limits: LimitArgs) -> Result<Model> {
    let metadata = opened.model.metadata();
    let reference = ModelRef {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        uri: uri.to_owned(),
        sha256: engine::digest(&opened.wasm),
    };
    let limits = InstanceLimits {
        memory_bytes: limits.memory.saturating_mul(1 << 20),
        epochs: epochs(Duration::from_secs(limits.timeout)),
    };
    let ticker = Ticker::start(engine)?;
    Ok(Model { reference, predictor: Predictor::new(opened.model, limits)?, ticker, wasm: opened.wasm })
}
