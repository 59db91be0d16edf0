//! The models as files: those of the repository, those of `bench/models/make.py`, and copies with a fixed batch.
//!
//! It writes below `target/bench/models` only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::manifest::{Manifest, ModelEntry};
use crate::places::Places;

/// A model's files.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) range: [f32; 2],
    /// With a symbol for the batch.
    pub(crate) onnx: PathBuf,
    /// With a number for the batch.
    pub(crate) fixed: BTreeMap<u64, PathBuf>,
}

/// The Python with the packages of `bench/requirements.txt`, which is installed first if need be.
pub(crate) fn python(places: &Places) -> Result<PathBuf> {
    let output = output(Command::new("python3").arg(places.script("python_environment.py")))?;
    Ok(PathBuf::from(output.trim()))
}

/// Writes the models that are not in the repository.
pub(crate) fn make(places: &Places, python: &Path) -> Result<()> {
    output(Command::new(python).arg(places.script("models/make.py")).arg(places.made("models"))).map(drop)
}

/// The model's files, with copies for every batch of the manifest.
pub(crate) fn prepare(
    places: &Places,
    python: &Path,
    manifest: &Manifest,
    entry: &ModelEntry,
) -> Result<Model> {
    let made = places.made("models");
    let onnx = match &entry.file {
        Some(file) => places.root().join(file),
        None => made.join(format!("{}.onnx", entry.name)),
    };
    let prefix = made.join(format!("{}-batch", entry.name));
    let batches: Vec<String> = manifest.batches.iter().map(u64::to_string).collect();
    let mut command = Command::new(python);
    output(command.arg(places.script("models/fix_batch.py")).arg(&onnx).arg(&prefix).args(batches))?;
    let fixed = |&batch: &u64| (batch, made.join(format!("{}-batch-{batch}.onnx", entry.name)));
    let fixed = manifest.batches.iter().map(fixed).collect();
    Ok(Model { name: entry.name.clone(), range: entry.range, onnx, fixed })
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// What the program prints.
///
/// # Errors
/// If it cannot be started or fails.
fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {}", program.display(), errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
