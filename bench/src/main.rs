//! `bench`: Plinth, native tract and ONNX Runtime answer the same inputs in one run, and a report says how long each took.
//!
//! It trains nothing, speaks no HTTP (that is `bench/http/run.py`), and counts no answer that differs from ONNX Runtime's.
//! What is measured stands in `benches.toml`; where results go is an argument.

mod answer;
mod cell;
mod document;
mod inputs;
mod machine;
mod manifest;
mod models;
mod native;
mod onnx_runtime;
mod places;
mod plinth;
mod report;
mod results;
mod runner;
mod session;
mod stages;
mod stats;
mod sweep;
mod tables;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::manifest::Manifest;
use crate::places::Places;
use crate::results::Results;

/// Measures packed models in process, beside native tract and ONNX Runtime.
#[derive(Parser)]
struct Args {
    /// The profile of benches.toml
    #[arg(long, default_value = "full")]
    profile: String,
    /// The models to measure, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// The batch sizes, separated by commas [default: those of benches.toml]
    #[arg(long, value_delimiter = ',')]
    batches: Vec<u64>,
    /// The document whose part between the markers is replaced by the report
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// A file of results from an earlier run: report on it, measure nothing
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let places = Places::find()?;
    let results = match &args.from {
        Some(file) => Results::read(file)?,
        None => measured(&args, &places)?,
    };
    let report = report::markdown(&results);
    match &args.write {
        Some(document) => document::replace(document, "in-process", &report),
        None => {
            println!("{report}");
            Ok(())
        }
    }
}

/// Measures, and keeps the results whatever happens to the report.
fn measured(args: &Args, places: &Places) -> Result<Results> {
    let manifest = Manifest::read(&places.manifest())?.with_batches(&args.batches);
    let profile = manifest.profile(&args.profile)?;
    let models = manifest.models(&args.models)?;
    let results =
        session::run(places, &manifest, profile, &models).context("the benchmark was not completed")?;
    let file = results.write(&places.results())?;
    eprintln!("results: {}", file.display());
    Ok(results)
}
