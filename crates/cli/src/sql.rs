//! `plinth sql`: queries over files, with a packed model as the function `predict`.

use std::path::Path;

use anyhow::{Context as _, Result};
use batch::{Models, Predictor};
use engine::InstanceLimits;

use crate::batch::{runtime, stores};
use crate::{models, settings};

/// What `plinth sql` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The query, such as "SELECT key, predict('digits.wasm', pixels) FROM 'data/*.parquet'"
    query: String,
    /// How many rows are printed
    #[arg(long, default_value_t = 40)]
    limit: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    runtime(settings::processors())?.block_on(async {
        let frame = batch::query(&args.query, Models::new(load), &stores()).await?;
        frame
            .limit(0, Some(args.limit))
            .map_err(batch::Error::from)?
            .show()
            .await
            .map_err(batch::Error::from)?;
        Ok(())
    })
}

/// The model at that path, for a query that names it.
fn load(path: &str) -> batch::Result<Predictor> {
    let engine = settings::engine_for_tools().map_err(|error| unusable(path, &error))?;
    let opened = models::open(&engine, Path::new(path)).context("a model of the query");
    Predictor::new(opened.map_err(|error| unusable(path, &error))?.model, InstanceLimits::default())
}

fn unusable(path: &str, error: &anyhow::Error) -> batch::Error {
    batch::Error::UnknownModel { model: format!("{path}` ({error:#}) `") }
}
