//! `wasmtime serve` and nothing else of wasmtime's command line. It shares every
//! dependency's build with `plinth` (`build-once`).

use clap::Parser as _;
use wasmtime_cli::commands::ServeCommand;

fn main() -> anyhow::Result<()> {
    ServeCommand::parse().execute().map_err(anyhow::Error::from)
}
