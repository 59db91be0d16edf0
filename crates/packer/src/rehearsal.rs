//! Models that are loaded and called, but not packed: what packing would refuse is refused, and the answers are those of the packed model,
//! which is only made if it answers alike. It saves compiling the packed model, which takes a hundred times as long.

use engine::{Component, Engine};
use tensor::{Metadata, Tensor};

use crate::loading::LoadingInstance;
use crate::module::loadable_component;
use crate::pack::check_names_are_free;
use crate::{Options, Result};

/// The model runtime, compiled once for any number of models.
pub struct Rehearsal {
    engine: Engine,
    runtime: Component,
}

/// A model that was loaded.
pub struct Rehearsed(LoadingInstance);

impl Rehearsal {
    /// Compiles `runtime`, the model runtime as a core module.
    ///
    /// # Errors
    /// [`Error::Runtime`](crate::Error::Runtime) or [`Error::Engine`](crate::Error::Engine) if it cannot be.
    pub fn new(engine: &Engine, runtime: &[u8]) -> Result<Self> {
        let runtime = engine.load(&loadable_component(runtime)?)?;
        Ok(Self { engine: engine.clone(), runtime })
    }

    /// Loads `onnx` into a fresh instance.
    ///
    /// # Errors
    /// As [`pack`](crate::pack).
    pub fn load(&self, onnx: &[u8], options: &Options) -> Result<Rehearsed> {
        let mut instance = LoadingInstance::start(&self.engine, &self.runtime)?;
        instance.load(onnx, options, Vec::new())?;
        check_names_are_free(&instance.metadata()?)?;
        Ok(Rehearsed(instance))
    }
}

impl Rehearsed {
    /// The model's signature, without the digests that packing adds.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) if the runtime traps.
    pub fn metadata(&mut self) -> Result<Metadata> {
        self.0.metadata()
    }

    /// The model's answer; all outputs.
    ///
    /// # Errors
    /// As [`engine::Session::infer`].
    pub fn infer(&mut self, inputs: Vec<Tensor>) -> engine::Result<Vec<Tensor>> {
        self.0.infer(inputs, &[])
    }
}
