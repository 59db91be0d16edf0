//! What a row costs, by the number of rows in a call: the bar is that more rows never make a row dearer. All sizes of a
//! model race in one race, since two cells measured minutes apart differ by more than that.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::cell::{self, Entry, Outcome};
use crate::inputs;
use crate::manifest::Profile;
use crate::native::Native;
use crate::onnx_runtime::Peer;
use crate::places::Places;
use crate::plinth::Warm;
use crate::runner::{Question, Subject};
use crate::session::Ready;

/// Calls of `batch` rows each.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Rows {
    pub(crate) subject: Subject,
    pub(crate) batch: u64,
    pub(crate) outcome: Outcome,
}

impl Rows {
    /// How many times what a row costs in `other`, a row costs here.
    pub(crate) fn row_ratio(&self, other: &Self) -> Option<f64> {
        Some(self.outcome.ratio(&other.outcome)? * other.batch as f64 / self.batch as f64)
    }
}

/// Later calls in packed models (and in one packed for one row), and native tract, at every batch size.
pub(crate) fn measure(
    ready: &Ready<'_>,
    batches: &[u64],
    peer: &mut Peer,
    places: &Places,
    profile: &Profile,
) -> Result<Vec<Rows>> {
    peer.open(&ready.model.onnx)?;
    let questions = batches.iter().map(|&batch| Ok((batch, question(ready, batch, peer, places)?)));
    let questions = questions.collect::<Result<Vec<_>>>()?;
    let outputs = ready.packed.metadata().outputs.as_slice();
    let mut entries = Vec::new();
    for (batch, question) in &questions {
        entries.push(Entry::new((Subject::PlinthWarm, *batch), Warm::new(&ready.packed, question)));
        entries.push(Entry::new((Subject::Tract, *batch), Native::new(&ready.model.onnx, outputs, question)));
        if let Some(fixed) = ready.fixed.get(batch).filter(|_| *batch == 1) {
            entries.push(Entry::new((Subject::PlinthFixed, *batch), Warm::new(fixed, question)));
        }
    }
    let outcomes = cell::race(entries, profile).outcomes.into_iter();
    Ok(outcomes.map(|((subject, batch), outcome)| Rows { subject, batch, outcome }).collect())
}

fn question(ready: &Ready<'_>, batch: u64, peer: &mut Peer, places: &Places) -> Result<Question> {
    let inputs = inputs::generate(&ready.packed.metadata().inputs, batch, ready.model.range)?;
    let folder = places.made("inputs").join(format!("{}-{batch}", ready.model.name));
    let reference = peer.feed(&inputs, &folder)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(Question { inputs, reference })
}
