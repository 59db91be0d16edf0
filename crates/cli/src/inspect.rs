//! `plinth inspect`: what is in an ONNX file or a packed model.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use packer::{Options, Sizes};

use crate::models::{self, Opened};
use crate::{describe, files, settings};

/// What `plinth inspect` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An ONNX file or a packed model
    file: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let bytes = files::read(&args.file)?;
    if files::is_wasm(&bytes) { packed_model(args, bytes) } else { onnx_file(args, &bytes) }
}

fn onnx_file(args: &Args, onnx: &[u8]) -> Result<()> {
    let options = Options { name: files::stem(&args.file), version: "1".to_owned(), ..Options::default() };
    let engine = settings::engine_for_tools()?;
    let (metadata, loaded) = packer::examine(&engine, artifacts::MODEL_RUNTIME, onnx, &options)
        .with_context(|| format!("cannot load `{}`", args.file.display()))?;
    println!("`{}` is an ONNX model that can be packed", args.file.display());
    describe::signature(&metadata);
    describe::loaded(&loaded, Some(onnx.len() as u64));
    Ok(())
}

fn packed_model(args: &Args, wasm: Vec<u8>) -> Result<()> {
    let Opened { model, wasm } = models::open_packed(&settings::engine_for_tools()?, &args.file, wasm)?;
    println!("`{}` is a packed model; it imports nothing", args.file.display());
    describe::signature(model.metadata());
    describe::sizes(&Sizes::of(&wasm)?);
    describe::timings(&packer::time(&model)?);
    Ok(())
}
