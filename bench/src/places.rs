//! Where things lie in the repository and in its `target` folder. Nothing is read or written here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The repository.
pub(crate) struct Places {
    root: PathBuf,
}

impl Places {
    /// Finds the repository from the place of this crate.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("bench has no parent folder")?;
        Ok(Self { root: root.to_path_buf() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("bench/benches.toml")
    }

    /// Results of runs: not under version control.
    pub(crate) fn results(&self) -> PathBuf {
        self.root.join("bench/results")
    }

    /// The model runtime as `cargo xtask build` leaves it.
    pub(crate) fn model_runtime(&self) -> PathBuf {
        self.root.join("target/wasm/model-runtime.wasm")
    }

    /// A script of this folder.
    pub(crate) fn script(&self, path: &str) -> PathBuf {
        self.root.join("bench").join(path)
    }

    /// What the benchmark makes for itself: models and inputs.
    pub(crate) fn made(&self, folder: &str) -> PathBuf {
        self.root.join("target/bench").join(folder)
    }
}
