//! `plinth check`: whether a model's answer to a row depends on the rows beside it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use packer::RowsChecked;

use crate::{models, settings};

/// What `plinth check` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An ONNX file or a packed model
    model: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = args.model.display();
    let opened = models::open(&settings::engine_for_tools()?, &args.model)?;
    let checked =
        packer::check_rows(&opened.model).with_context(|| format!("`{file}` cannot be served row by row"))?;
    match checked {
        RowsChecked::Independent { n_rows, n_runs } => println!(
            "`{file}` answers {n_rows} generated rows alike, alone and in {n_runs} other orders and batch sizes"
        ),
        RowsChecked::FixedBatch => {
            println!("`{file}` takes a fixed number of rows: there is nothing to check")
        }
    }
    Ok(())
}
