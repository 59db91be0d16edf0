//! The model of a job: found, opened within limits, and told by its digest.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use batch::{ModelRef, Predictor};
use engine::{Engine, InstanceLimits, Ticker, epochs};

use super::arguments::LimitArgs;
use crate::{models, settings};

/// A model, ready to predict. Its time passes while this lives.
pub(crate) struct Model {
    pub(crate) reference: ModelRef,
    pub(crate) predictor: Predictor,
    pub(crate) ticker: Ticker,
}

/// The model at `path`, called by `concurrency` chunks at once.
pub(crate) fn open(path: &str, limits: LimitArgs, concurrency: usize) -> Result<Model> {
    let engine: Engine = settings::engine_for_serving(u32::try_from(concurrency)?.saturating_mul(2), true)?;
    let opened = models::open(&engine, Path::new(path))?;
    let metadata = opened.model.metadata();
    let reference = ModelRef {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        uri: path.to_owned(),
        sha256: engine::digest(&opened.wasm),
    };
    let limits = InstanceLimits {
        memory_bytes: limits.memory.saturating_mul(1 << 20),
        epochs: epochs(Duration::from_secs(limits.timeout)),
    };
    let ticker = Ticker::start(&engine)?;
    Ok(Model { reference, predictor: Predictor::new(opened.model, limits)?, ticker })
}
