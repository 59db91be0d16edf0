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
    let engine = settings::engine_for_tools()?;
    let models = args.models.iter().map(|path| model(&engine, path)).collect::<Result<_>>()?;
    let application = Application::of_models(models, function("grpc")?.into())?;
    up::serve(application, &Limits::default(), args.listen)
}

fn function(name: &str) -> Result<&'static [u8]> {
    artifacts::function(name).with_context(|| format!("this program carries no `{name}` function"))
}

fn model(engine: &Engine, path: &Path) -> Result<host::Model> {
    let opened = models::open(engine, path)?;
    let plugged = |name| Ok::<_, anyhow::Error>(engine::plug(function(name)?, &opened.wasm)?.into());
    Ok(host::Model {
        name: opened.model.metadata().name.clone(),
        component: plugged("predict")?,
        batch_chunk: plugged("batch-chunk")?,
    })
}
