//! `wasmtime serve` and nothing else of wasmtime's command line. A package of its own, built on its own: its features of
//! wasmtime are not ours.

use clap::Parser as _;
use wasmtime_cli::commands::ServeCommand;

fn main() -> anyhow::Result<()> {
    ServeCommand::parse().execute().map_err(anyhow::Error::from)
}
