//! One run of the benchmark: model by model, its stages, then its cells. It decides the order; others do the work.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use engine::PackedModel;

use crate::cell::{self, Cell, Entry};
use crate::inputs;
use crate::machine::{self, Machine};
use crate::manifest::{Manifest, ModelEntry, Profile};
use crate::models::{self, Model};
use crate::native::Native;
use crate::onnx_runtime::{Calls, Peer};
use crate::places::Places;
use crate::plinth::{First, Isolated, Warm};
use crate::results::{ModelResults, Results};
use crate::runner::{Question, Runner, Subject};
use crate::stages::{self, Workshop};
use crate::stats::Spread;

/// What all models of a run share.
struct Run<'a> {
    places: &'a Places,
    manifest: &'a Manifest,
    profile: &'a Profile,
    workshop: Workshop,
    peer: Peer,
}

/// A model ready to be asked.
struct Ready<'a> {
    model: &'a Model,
    packed: PackedModel,
    /// Packed from files with a fixed batch.
    fixed: BTreeMap<u64, PackedModel>,
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
    let floor = peer.floor()?;
    eprintln!("packing a first model with an empty cache");
    let workshop = Workshop::open(places, models.first().context("there is no model to measure")?)?;
    let first_pack = workshop.first_pack;
    let mut run = Run { places, manifest, profile, workshop, peer };
    let models = models.iter().map(|model| run.model(model)).collect::<Result<_>>()?;
    Ok(Results {
        load_at_end: machine::load(),
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
        self.workshop.forget_models()?;
        Ok(ModelResults { name: model.name.clone(), stages, cells })
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
        if let Some(reason) = smaller.and_then(|smaller| self.beyond_budget(smaller, batch)) {
            eprintln!("{}: batch {batch} left out: {reason}", ready.model.name);
            return Ok(Cell::left_out(batch, reason));
        }
        eprintln!("{}: batch {batch}", ready.model.name);
        let inputs = inputs::generate(&ready.packed.metadata().inputs, batch, ready.model.range)?;
        let folder = self.places.made("inputs").join(format!("{}-{batch}", ready.model.name));
        let reference = self.peer.feed(&inputs, &folder)?;
        let question = Question { inputs, reference };
        let entries = entries(ready, batch, &question, &mut self.peer);
        let cell = cell::measure(batch, entries, self.profile);
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
        for (subject, outcome) in &cell.outcomes {
            if let cell::Outcome::Failed(reason) = outcome {
                eprintln!("{}: batch {batch}: {subject}: {reason}", ready.model.name);
            }
        }
        Ok(cell)
    }

    /// Why a cell is not worth waiting for, judged by the cell before it.
    fn beyond_budget(&self, smaller: &Cell, batch: u64) -> Option<String> {
        let pass_seconds = smaller.pass_seconds() * batch as f64 / smaller.batch as f64;
        let is_beyond = smaller.left_out.is_some() || pass_seconds > self.profile.cell_budget_s;
        is_beyond.then(|| format!("one call of each would take about {pass_seconds:.0} s"))
    }
}

/// Everyone who answers at this batch size, in the order of their turns.
fn entries<'a>(
    ready: &'a Ready<'_>,
    batch: u64,
    question: &'a Question,
    peer: &'a mut Peer,
) -> Vec<Entry<'a>> {
    let (model, packed) = (ready.model, &ready.packed);
    let outputs = packed.metadata().outputs.as_slice();
    let mut entries = vec![
        entry(Subject::PlinthIsolated, Ok(Isolated { model: packed, question })),
        entry(Subject::PlinthFirst, Ok(First { model: packed, question })),
        entry(Subject::PlinthWarm, Warm::new(packed, question)),
        entry(Subject::Tract, Native::new(&model.onnx, outputs, question)),
        entry(Subject::OnnxRuntime, Ok(Calls { peer })),
    ];
    if let Some(fixed) = ready.fixed.get(&batch) {
        entries.push(entry(Subject::PlinthFixed, Warm::new(fixed, question)));
    }
    if let Some(onnx) = model.fixed.get(&batch) {
        entries.push(entry(Subject::TractFixed, Native::new(onnx, outputs, question)));
    }
    entries
}

fn entry<'a>(subject: Subject, runner: Result<impl Runner + 'a>) -> Entry<'a> {
    Entry { subject, runner: runner.map(|runner| Box::new(runner) as Box<dyn Runner + 'a>) }
}
