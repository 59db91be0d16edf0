//! What the repository holds: its root, its crates, its functions and its models.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The crate that is compiled to the core module into which models are packed.
pub(crate) const MODEL_RUNTIME: &str = "model-runtime";

/// The model that fails as tests want it to.
pub(crate) const POISON: &str = "poison";

/// What a policy decides, as a module for the browser package.
pub(crate) const DECISION: &str = "decision";

/// The rim of the functions, for Wasm only: built for this machine, its dependencies would change the features of everybody's.
pub(crate) const FUNCTION_SHELL: &str = "function-shell";

/// The peer that golden cases run on beside the embedded host.
pub(crate) const WASMTIME_SERVE: &str = "wasmtime-serve";

/// The repository that this program was compiled in.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the repository from the place of this crate.
    ///
    /// # Errors
    /// If that place has no parent.
    pub(crate) fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
        Ok(Self { root: root.to_path_buf() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything that is built goes.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The `plinth` command, once built.
    pub(crate) fn plinth(&self) -> PathBuf {
        self.target().join("release").join(format!("plinth{}", std::env::consts::EXE_SUFFIX))
    }

    /// Names of the functions: the folders of `functions/`, which are also their crates' names.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn functions(&self) -> Result<Vec<String>> {
        self.folders_with("functions", "Cargo.toml")
    }

    /// Names of the demo models: the folders of `models/` that have a `model.toml`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn models(&self) -> Result<Vec<String>> {
        self.folders_with("models", "model.toml")
    }

    /// Names of the workspace's crates that run on this machine: all but the model runtime, the functions and their rim, the
    /// tests' model, the decision and the peer.
    ///
    /// # Errors
    /// If `cargo metadata` fails.
    pub(crate) fn host_crates(&self) -> Result<Vec<String>> {
        let apart = self.crates_apart()?;
        let mut command = process::bare_cargo(self, "metadata");
        let metadata = process::output(command.args(["--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&metadata).context("cannot read `cargo metadata`")?;
        let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
        let names = packages.filter_map(|package| package.get("name")?.as_str());
        Ok(names
            .filter(|name| !apart.iter().any(|crate_apart| crate_apart == name))
            .map(str::to_owned)
            .collect())
    }

    /// Names of the crates that have a step of their own: those that run as Wasm only, and the peer.
    ///
    /// # Errors
    /// If `functions/` cannot be read.
    pub(crate) fn crates_apart(&self) -> Result<Vec<String>> {
        let mut apart = self.functions()?;
        apart.extend([MODEL_RUNTIME, FUNCTION_SHELL, POISON, DECISION, WASMTIME_SERVE].map(str::to_owned));
        Ok(apart)
    }

    fn folders_with(&self, parent: &str, file: &str) -> Result<Vec<String>> {
        let parent = self.root.join(parent);
        let entries = fs::read_dir(&parent).with_context(|| format!("cannot read `{}`", parent.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            let folder = entry?.path();
            if let (true, Some(name)) = (folder.join(file).is_file(), folder.file_name()) {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
