//! The results of a run as a file of JSON. Reports are made from it, now or later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::machine::Machine;
use crate::manifest::Profile;
use crate::stages::Stages;
use crate::stats::Spread;
use crate::sweep::Rows;

/// One run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// Parts of all cores, on average over the run and after it.
    pub(crate) used_by_others_meanwhile: f64,
    pub(crate) used_by_others_at_end: f64,
    pub(crate) profile: Profile,
    /// Packing a first model with an empty cache, in seconds.
    pub(crate) first_pack: f64,
    /// Its version.
    pub(crate) onnx_runtime: String,
    /// A call of an empty model from Python, in seconds.
    pub(crate) onnx_runtime_floor: Spread,
    pub(crate) models: Vec<ModelResults>,
}

/// One model.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ModelResults {
    pub(crate) name: String,
    pub(crate) stages: Stages,
    pub(crate) cells: Vec<Cell>,
    pub(crate) sweep: Vec<Rows>,
}

impl Results {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is no result of a run", file.display()))
    }

    /// Writes a file named for the time of the run.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join(format!("in-process-{}.json", self.machine.time.replace([':', ' '], "-")));
        fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(file)
    }
}
