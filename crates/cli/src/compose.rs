//! `plinth compose`: a function and its model as one component, for any host of `wasi:http`.

use std::path::PathBuf;

use anyhow::Result;

use crate::failure::Misuse;
use crate::files;

/// What `plinth compose` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The function: a component file, or the name of one of Plinth's own, such as `predict`
    function: PathBuf,
    /// The packed model
    model: PathBuf,
    /// Where the composed component goes
    #[arg(short, long)]
    output: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let model = files::read(&args.model)?;
    let own = args.function.to_str().and_then(artifacts::function);
    let function = own.map_or_else(|| files::read(&args.function), |function| Ok(function.to_vec()))?;
    let composed = engine::plug(&function, &model).map_err(|error| Misuse(error.to_string()))?;
    files::write(&args.output, &composed)?;
    println!("composed `{}` ({} bytes)", args.output.display(), composed.len());
    Ok(())
}
