//! `benches.toml`: which models, which batch sizes, how much patience. It is read, never written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) batches: Vec<u64>,
    pub(crate) fixed_batches: Vec<u64>,
    pub(crate) sweep: Vec<u64>,
    profile: BTreeMap<String, Profile>,
    model: Vec<ModelEntry>,
}

/// How often and how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) warm_up_calls: usize,
    pub(crate) rounds: usize,
    pub(crate) slice_ms: f64,
    pub(crate) max_calls_per_slice: usize,
    pub(crate) cell_budget_s: f64,
    pub(crate) pack_repetitions: usize,
    pub(crate) compile_repetitions: usize,
    pub(crate) start_repetitions: usize,
    pub(crate) instantiate_repetitions: usize,
}

/// A model to measure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelEntry {
    pub(crate) name: String,
    /// From the root of the repository; none: `bench/models/make.py` writes it.
    pub(crate) file: Option<PathBuf>,
    /// Inputs are drawn from it.
    #[serde(default = "unit_range")]
    pub(crate) range: [f32; 2],
}

const fn unit_range() -> [f32; 2] {
    [-1.0, 1.0]
}

impl Manifest {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot parse `{}`", path.display()))
    }

    /// The manifest with other batch sizes, if any are given.
    pub(crate) fn with_batches(mut self, batches: &[u64]) -> Self {
        if !batches.is_empty() {
            self.batches = batches.to_vec();
            self.fixed_batches.retain(|batch| batches.contains(batch));
        }
        self
    }

    pub(crate) fn profile(&self, name: &str) -> Result<&Profile> {
        self.profile.get(name).with_context(|| format!("there is no profile `{name}`"))
    }

    /// The models of these names, in the order of the file; all if none is named.
    pub(crate) fn models(&self, names: &[String]) -> Result<Vec<ModelEntry>> {
        if let Some(unknown) = names.iter().find(|name| !self.model.iter().any(|model| model.name == **name))
        {
            bail!("there is no model `{unknown}`");
        }
        let is_wanted = |model: &&ModelEntry| names.is_empty() || names.contains(&model.name);
        Ok(self.model.iter().filter(is_wanted).cloned().collect())
    }
}
