//! One run of the benchmark: model by model, its stages, then its cells. It decides the order; others do the work.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use engine::PackedModel;

use crate::cell::{self, Cell, Entry, Race};
use crate::inputs;
use crate::machine::{self, Machine, Watch};
use crate::manifest::{Manifest, ModelEntry, Profile};
use crate::models::{self, Model};
use crate::native::Native;
use crate::onnx_runtime::{Calls, Peer};
use crate::places::Places;
use crate::plinth::{First, Isolated, Warm};
use crate::results::{ModelResults, Results};
use crate::runner::{Question, Subject};
use crate::stages::{self, Workshop};
use crate::stats::Spread;
use crate::sweep;

/// What all models of a run share.
struct Run<'a> {
    places: &'a Places,
    manifest: &'a Manifest,
    profile: &'a Profile,
    workshop: Workshop,
    peer: Peer,
}

/// A model ready to be asked.
pub(crate) struct Ready<'a> {
    pub(crate) model: &'a Model,
    pub(crate) packed: PackedModel,
    /// Packed from files with a fixed batch.
    pub(crate) fixed: BTreeMap<u64, PackedModel>,
}

/// Measures the models of `entries`.
pub(crate) fn run(
    places: &Places,
    manifest: &Manifest,
    profile: &Profile,
    entries: &[ModelEntry],
) -> Result<Results> {
    let machine = Machine::here(places.root());
    let python = models::python(places)?;
    models::make(places, &python)?;
    let prepare = |entry| models::prepare(places, &python, manifest, entry);
    let models = entries.iter().map(prepare).collect::<Result<Vec<Model>>>()?;
    let mut peer = Peer::start(&python, &places.script("peers/onnxruntime_bench.py"))?;
    let watch = Watch::begin(peer.process_id());
    let floor = peer.floor()?;
    eprintln!("packing a first model with an empty cache");
    let workshop = Workshop::open(places, models.first().context("there is no model to measure")?)?;
    let first_pack = workshop.first_pack;
    let mut run = Run { places, manifest, profile, workshop, peer };
    let models = models.iter().map(|model| run.model(model)).collect::<Result<_>>()?;
    Ok(Results {
        used_by_others_meanwhile: watch.used_by_others(),
        used_by_others_at_end: machine::used_by_others(),
        machine,
        profile: profile.clone(),
        first_pack,
        onnx_runtime: floor.version,
        onnx_runtime_floor: Spread::of(&floor.times).context("ONNX Runtime's process has timed nothing")?,
        models,
    })
}

impl Run<'_> {
    fn model(&mut self, model: &Model) -> Result<ModelResults> {
        eprintln!("{}: stages", model.name);
        let (stages, wasm) = stages::measure(&self.workshop, model, &mut self.peer, self.profile)?;
        let ready = self.ready(model, &wasm)?;
        let mut cells: Vec<Cell> = Vec::new();
        for &batch in &self.manifest.batches {
            let cell = self.cell(&ready, batch, cells.last())?;
            cells.push(cell);
        }
        eprintln!("{}: row by row", model.name);
        let (peer, sweep) = (&mut self.peer, &self.manifest.sweep);
        let sweep = sweep::measure(&ready, sweep, peer, self.places, self.profile)?;
        self.workshop.forget_models()?;
        Ok(ModelResults { name: model.name.clone(), stages, cells, sweep })
    }

    fn ready<'a>(&self, model: &'a Model, wasm: &[u8]) -> Result<Ready<'a>> {
        let engine = self.workshop.serving_engine()?;
        let open_fixed = |batch: &u64| {
            let onnx = model.fixed.get(batch).context("`fixed_batches` are among `batches`")?;
            let wasm = stages::packed(&self.workshop, &model.name, onnx)?;
            Ok((*batch, PackedModel::open(&engine, &wasm)?))
        };
        let fixed = self.manifest.fixed_batches.iter().map(open_fixed).collect::<Result<_>>()?;
        Ok(Ready { model, packed: PackedModel::open(&engine, wasm)?, fixed })
    }

    fn cell(&mut self, ready: &Ready<'_>, batch: u64, smaller: Option<&Cell>) -> Result<Cell> {
        let name = &ready.model.name;
        let subjects = match self.affordable(smaller, batch) {
            Ok(subjects) => subjects,
            Err(reason) => {
                eprintln!("{name}: batch {batch} left out: {reason}");
                return Ok(Cell::left_out(batch, reason));
            }
        };
        eprintln!("{name}: batch {batch}");
        let inputs = inputs::generate(&ready.packed.metadata().inputs, batch, ready.model.range)?;
        let folder = self.places.made("inputs").join(format!("{name}-{batch}"));
        let reference = self.peer.feed(&inputs, &folder)?;
        let question = Question { inputs, reference };
        let mut entries = entries(ready, batch, &question, &mut self.peer);
        entries.retain(|entry| subjects.contains(&entry.key));
        let Race { rounds, outcomes } = cell::race(entries, self.profile);
        let cell = Cell { batch, rounds, left_out: None, outcomes };
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
        for (subject, reason) in cell.failures() {
            eprintln!("{name}: batch {batch}: {subject}: {reason}");
        }
        Ok(cell)
    }

    /// Whose calls are worth waiting for, judged by the cell before: all, or those that the bars are about, or why none.
    fn affordable(&self, smaller: Option<&Cell>, batch: u64) -> Result<&'static [Subject], String> {
        let Some(smaller) = smaller else { return Ok(&Subject::ALL) };
        if smaller.left_out.is_some() {
            return Err(format!("as batch {} was", smaller.batch));
        }
        let rows = batch as f64 / smaller.batch as f64;
        let seconds = |subjects: &[Subject]| rows * smaller.pass_seconds(subjects);
        let is_affordable = |subjects: &&[Subject]| seconds(subjects) <= self.profile.cell_budget_s;
        let choices: [&'static [Subject]; 2] = [&Subject::ALL, &Subject::ESSENTIAL];
        choices
            .into_iter()
            .find(is_affordable)
            .ok_or_else(|| format!("one call of each would take about {:.0} s", seconds(&Subject::ESSENTIAL)))
    }
}

/// Everyone who answers at this batch size, in the order of their turns.
fn entries<'a>(
    ready: &'a Ready<'_>,
    batch: u64,
    question: &'a Question,
    peer: &'a mut Peer,
) -> Vec<Entry<'a, Subject>> {
    let (model, packed) = (ready.model, &ready.packed);
    let outputs = packed.metadata().outputs.as_slice();
    let mut entries = vec![
        Entry::new(Subject::PlinthIsolated, Ok(Isolated { model: packed, question })),
        Entry::new(Subject::PlinthFirst, Ok(First { model: packed, question })),
        Entry::new(Subject::PlinthWarm, Warm::new(packed, question)),
        Entry::new(Subject::Tract, Native::new(&model.onnx, outputs, question)),
        Entry::new(Subject::OnnxRuntime, Ok(Calls { peer })),
    ];
    if let Some(fixed) = ready.fixed.get(&batch) {
        entries.push(Entry::new(Subject::PlinthFixed, Warm::new(fixed, question)));
    }
    if let Some(onnx) = model.fixed.get(&batch) {
        entries.push(Entry::new(Subject::TractFixed, Native::new(onnx, outputs, question)));
    }
    entries
}
