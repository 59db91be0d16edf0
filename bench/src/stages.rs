//! From an ONNX file to an instance: packing, compiling, starting, instantiating, each timed on its own; and what loading
//! the same file costs the peers. Inference is timed in `cell`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use engine::{Engine, PackedModel, Settings};
use packer::{Options, Packed, Sizes};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::manifest::Profile;
use crate::models::{self, Model};
use crate::native::Plan;
use crate::onnx_runtime::Peer;
use crate::places::Places;
use crate::plinth::{packing_engine, serving_engine};
use crate::stats::Spread;

/// Sessions that ONNX Runtime makes, and plans that tract makes.
const PEER_LOADS: usize = 5;

/// Sizes in bytes, times in seconds.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Stages {
    pub(crate) onnx_bytes: u64,
    pub(crate) packed_bytes: u64,
    pub(crate) data_bytes: u64,
    /// Packing where the runtime has been compiled before and this model has not.
    pub(crate) pack: Spread,
    /// Of that: parsing, optimising and warming up inside the runtime.
    pub(crate) load_in_wasm: f64,
    /// Compiling the packed model with no cache.
    pub(crate) compile: Spread,
    /// Compiling it where the runtime's functions have been compiled before.
    pub(crate) compile_known: Spread,
    /// Engine and model from the compiled file, up to a first instance that has told its signature.
    pub(crate) start: Spread,
    /// Of that: the compiled file alone.
    pub(crate) load_compiled: Spread,
    /// A fresh instance from the pool, making it only.
    pub(crate) instantiate: Spread,
    /// Making it, and giving it back unused.
    pub(crate) instance: Spread,
    /// tract as native code, from bytes to a plan.
    pub(crate) tract_load: Spread,
    /// ONNX Runtime, from bytes to a session.
    pub(crate) onnx_runtime_load: Spread,
}

/// Where models are packed and compiled: a cache of its own, which knows the model runtime and no model.
pub(crate) struct Workshop {
    cache: TempDir,
    runtime: Vec<u8>,
    /// Compiled components to keep between repetitions: the runtime that loads.
    kept: BTreeSet<PathBuf>,
    /// Packing a first model on a machine that has compiled nothing.
    pub(crate) first_pack: f64,
}

impl Workshop {
    pub(crate) fn open(places: &Places, first: &Model) -> Result<Self> {
        let folder = places.made("cache");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        let runtime = models::read(&places.model_runtime()).context("run `cargo xtask build` first")?;
        let cache = TempDir::new_in(folder)?;
        let mut workshop = Self { cache, runtime, kept: BTreeSet::new(), first_pack: 0.0 };
        let onnx = models::read(&first.onnx)?;
        let (seconds, _) = timed(|| workshop.pack(&first.name, &onnx))?;
        workshop.first_pack = seconds;
        workshop.forget_models()?;
        packer::examine(&workshop.packing_engine()?, &workshop.runtime, &onnx, &options(&first.name))?;
        workshop.kept = workshop.compiled()?;
        Ok(workshop)
    }

    /// An engine that knows what has been compiled here.
    pub(crate) fn serving_engine(&self) -> Result<Engine> {
        serving_engine(self.cache.path())
    }

    fn packing_engine(&self) -> Result<Engine> {
        packing_engine(self.cache.path())
    }

    /// The packed model, by an engine that finds the cache as a new process would.
    pub(crate) fn pack(&self, name: &str, onnx: &[u8]) -> Result<Packed> {
        Ok(packer::pack(&self.packing_engine()?, &self.runtime, onnx, &options(name))?)
    }

    /// Drops compiled components other than the runtime's; compiled functions stay.
    pub(crate) fn forget_models(&self) -> Result<()> {
        for file in self.compiled()?.difference(&self.kept) {
            fs::remove_file(file).with_context(|| format!("cannot remove `{}`", file.display()))?;
        }
        Ok(())
    }

    fn compiled(&self) -> Result<BTreeSet<PathBuf>> {
        let mut files = BTreeSet::new();
        for folder in fs::read_dir(self.cache.path())? {
            let folder = folder?.path();
            if folder.is_dir() {
                let entries = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
                files.extend(entries.into_iter().map(|entry| entry.path()));
            }
        }
        Ok(files)
    }
}

/// Takes the model through all stages; the last packed bytes are what is then asked for answers.
pub(crate) fn measure(
    workshop: &Workshop,
    model: &Model,
    peer: &mut Peer,
    profile: &Profile,
) -> Result<(Stages, Vec<u8>)> {
    let onnx = models::read(&model.onnx)?;
    let (pack, packed) = repeat(profile.pack_repetitions, || {
        workshop.forget_models()?;
        timed(|| workshop.pack(&model.name, &onnx))
    })?;
    let wasm = packed.wasm;
    let (compile, _) = repeat(profile.compile_repetitions, || {
        let engine = Engine::new(&Settings::default())?;
        timed(|| Ok(engine.load(&wasm)?))
    })?;
    let (compile_known, _) = repeat(profile.compile_repetitions, || {
        workshop.forget_models()?;
        let engine = workshop.serving_engine()?;
        timed(|| Ok(engine.load(&wasm)?))
    })?;
    let (start, open) = repeat(profile.start_repetitions, || {
        timed(|| Ok(PackedModel::open(&workshop.serving_engine()?, &wasm)?))
    })?;
    let (load_compiled, _) = repeat(profile.start_repetitions, || {
        let engine = workshop.serving_engine()?;
        timed(|| Ok(engine.load(&wasm)?))
    })?;
    let (instantiate, _) = repeat(profile.instantiate_repetitions, || timed(|| Ok(open.instantiate()?)))?;
    let (instance, ()) = repeat(profile.instantiate_repetitions, || timed(|| Ok(drop(open.instantiate()?))))?;
    let (tract_load, _) = repeat(PEER_LOADS, || timed(|| Plan::load(&onnx)))?;
    let (onnx_runtime_load, ()) = repeat(PEER_LOADS, || Ok((peer.open(&model.onnx)?, ())))?;
    let Sizes { packed: packed_bytes, data: data_bytes, .. } = packed.sizes;
    let stages = Stages {
        onnx_bytes: onnx.len() as u64,
        packed_bytes,
        data_bytes,
        pack,
        load_in_wasm: packed.loaded.load.as_secs_f64(),
        compile,
        compile_known,
        start,
        load_compiled,
        instantiate,
        instance,
        tract_load,
        onnx_runtime_load,
    };
    Ok((stages, wasm))
}

/// The model of a file, packed; not timed.
pub(crate) fn packed(workshop: &Workshop, name: &str, onnx: &Path) -> Result<Vec<u8>> {
    Ok(workshop.pack(name, &models::read(onnx)?)?.wasm)
}

fn options(name: &str) -> Options {
    Options { name: name.to_owned(), version: "1".to_owned(), ..Options::default() }
}

fn timed<T>(stage: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let start = Instant::now();
    let made = stage()?;
    Ok((start.elapsed().as_secs_f64(), made))
}

/// Repeats a timed stage; what all but the last made is dropped before the next begins.
fn repeat<T>(n: usize, mut stage: impl FnMut() -> Result<(f64, T)>) -> Result<(Spread, T)> {
    let (seconds, mut last) = stage()?;
    let mut times = vec![seconds];
    for _ in 1..n {
        drop(last);
        let (seconds, made) = stage()?;
        times.push(seconds);
        last = made;
    }
    let spread = Spread::of(&times).context("nothing was timed")?;
    Ok((spread, last))
}
