//! `plinth serve`: models served without a manifest, by the function that this program carries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use engine::PackedModel;
use host::{Application, Limits};
use packer::Options;

use crate::failure::Misuse;
use crate::{files, settings, up};

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
    let models = args.models.iter().map(|path| model(path, function)).collect::<Result<_>>()?;
    up::serve(Application::of_models(models)?, &Limits::default(), args.listen)
}

fn model(path: &Path, function: &[u8]) -> Result<host::Model> {
    let (name, packed) = packed(path)?;
    let component = engine::plug(function, &packed)?;
    Ok(host::Model { name, component: component.into() })
}

/// The name and bytes of the packed model that `path` is, or becomes.
fn packed(path: &Path) -> Result<(String, Vec<u8>)> {
    let bytes = files::read(path)?;
    let engine = settings::engine_for_tools()?;
    if files::is_wasm(&bytes) {
        let misuse = |error| Misuse(format!("`{}` is not a packed model: {error:#}", path.display()));
        let model = PackedModel::open(&engine, &bytes).map_err(anyhow::Error::from).map_err(misuse)?;
        return Ok((model.metadata().name.clone(), bytes));
    }
    let options = Options { name: files::stem(path), version: "1".to_owned(), ..Options::default() };
    let packed = packer::pack(&engine, artifacts::MODEL_RUNTIME, &bytes, &options)
        .with_context(|| format!("cannot serve `{}`", path.display()))?;
    Ok((options.name, packed.wasm))
}
