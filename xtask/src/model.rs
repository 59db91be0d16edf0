//! A demo model of `models/`: what `model.toml` says about packing it, and whether that must be done again.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{process, workspace::Workspace};

/// The part of a `model.toml` that packing needs.
pub(crate) struct Model {
    name: String,
    version: String,
    onnx: PathBuf,
    /// Names of the classes, in order; empty if the model has none.
    labels: Vec<String>,
}

impl Model {
    /// Reads `models/<name>/model.toml`.
    ///
    /// # Errors
    /// If the file cannot be read or has no `version`.
    pub(crate) fn read(workspace: &Workspace, name: &str) -> Result<Self> {
        let folder = workspace.root().join("models").join(name);
        let path = folder.join("model.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let table: Table = text.parse().with_context(|| format!("cannot parse `{}`", path.display()))?;
        let version = table.get("version").and_then(Value::as_str);
        let version = version.with_context(|| format!("`{}` has no `version`", path.display()))?;
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            onnx: folder.join("model.onnx"),
            labels: strings(&table, "labels"),
        })
    }

    /// Packs the model to `target/models/<name>.wasm` unless the file there was made from the same bytes and options.
    ///
    /// # Errors
    /// If packing fails, or a file cannot be read or written.
    pub(crate) fn pack(&self, workspace: &Workspace) -> Result<()> {
        self.pack_as(workspace, &self.name, &[])
    }

    /// Packs the model for the edge to `target/models/<name>.edge.wasm` likewise.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub(crate) fn pack_edge(&self, workspace: &Workspace) -> Result<()> {
        self.pack_as(workspace, &format!("{}.edge", self.name), &["--edge"])
    }

    fn pack_as(&self, workspace: &Workspace, file: &str, options: &[&str]) -> Result<()> {
        let folder = workspace.target().join("models");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        let file = |ending: &str| folder.join(format!("{file}.{ending}"));
        let (packed, stamp_file, stamp) = (file("wasm"), file("stamp"), self.stamp(&workspace.plinth())?);
        if packed.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|present| present.trim() == stamp) {
            return Ok(());
        }
        let mut command = process::program(workspace, workspace.plinth());
        command.arg("pack").arg(&self.onnx).arg("-o").arg(&packed);
        command.args(["--name", &self.name, "--version", &self.version]).args(options);
        if !self.labels.is_empty() {
            write(&file("labels"), &self.labels.join("\n"))?;
            command.arg("--labels").arg(file("labels"));
        }
        process::run(&mut command)?;
        write(&stamp_file, &stamp)
    }

    /// A digest of all that the packed bytes depend on; the `plinth` command embeds the model runtime.
    fn stamp(&self, plinth: &Path) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        for text in [&self.name, &self.version].into_iter().chain(&self.labels) {
            hash(&mut hasher, text.as_bytes());
        }
        for file in [plinth, &self.onnx] {
            let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            hash(&mut hasher, &bytes);
        }
        Ok(format!("{:016x}", hasher.finish()))
    }
}

fn strings(table: &Table, key: &str) -> Vec<String> {
    let values = table.get(key).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, format!("{text}\n")).with_context(|| format!("cannot write `{}`", path.display()))
}

fn hash(hasher: &mut DefaultHasher, bytes: &[u8]) {
    hasher.write_usize(bytes.len());
    hasher.write(bytes);
}
