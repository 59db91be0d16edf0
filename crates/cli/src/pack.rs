//! `plinth pack`: an ONNX file becomes a packed model.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use packer::Options;

use crate::{describe, files, settings};

/// What `plinth pack` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The ONNX file
    model: PathBuf,
    /// Where the packed model goes
    #[arg(short, long)]
    output: PathBuf,
    /// The name under which it is served [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// The version under which it is served
    #[arg(long, default_value = "1")]
    version: String,
    /// Outputs to keep, separated by commas; what only others need is dropped [default: all]
    #[arg(long, value_delimiter = ',')]
    outputs: Vec<String>,
    /// A file with the names of the classes, one a line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Strip the model runtime of all that this model does not use: a quarter of the size and the same answers, for a page
    #[arg(long)]
    edge: bool,
    /// Pack it although it answers none of the generated inputs, as a model may that asks for more than its signature says
    #[arg(long)]
    untried: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let onnx = files::read(&args.model)?;
    let options = Options {
        name: args.name.unwrap_or_else(|| files::stem(&args.model)),
        version: args.version,
        outputs: args.outputs,
        labels: args.labels.as_deref().map(files::lines).transpose()?.unwrap_or_default(),
        edge: args.edge,
        untried: args.untried,
    };
    let engine = settings::engine_for_tools()?;
    let packed = packer::pack(&engine, artifacts::MODEL_RUNTIME, &onnx, &options)
        .with_context(|| format!("cannot pack `{}`", args.model.display()))?;
    files::write(&args.output, &packed.wasm)?;
    println!("packed `{}` as `{}`", args.model.display(), args.output.display());
    describe::signature(&packed.metadata);
    describe::loaded(&packed.loaded, Some(onnx.len() as u64));
    describe::sizes(&packed.sizes);
    describe::timings(&packed.timings);
    Ok(())
}
