//! `plinth serve`: models served without a manifest, by the function that this program carries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use engine::Engine;
use host::{Application, Limits};

use crate::{models, settings, up};

/// What `plinth serve` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// ONNX files and packed models; an ONNX file is packed in memory and named for its file
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value = up::LISTEN)]
    listen: SocketAddr,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let function = artifacts::function("predict").context("this program carries no `predict` function")?;
    let engine = settings::engine_for_tools()?;
    let model = |path| model(&engine, path, function);
    let models = args.models.iter().map(|path| model(path)).collect::<Result<_>>()?;
    up::serve(Application::of_models(models)?, &Limits::default(), args.listen)
}

fn model(engine: &Engine, path: &Path, function: &[u8]) -> Result<host::Model> {
    let opened = models::open(engine, path)?;
    let component = engine::plug(function, &opened.wasm)?;
    Ok(host::Model { name: opened.model.metadata().name.clone(), component: component.into() })
}
