//! A packed model called in process, without a function around it.

use tensor::{Metadata, Tensor};
use wasmtime::component::Linker;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

use crate::bindings::ModelPre;
use crate::inference::Inference;
use crate::{Engine, Error, NO_DEADLINE, Result};

/// A compiled packed model and its signature.
pub struct PackedModel {
    instances: ModelPre<StoreLimits>,
    metadata: Metadata,
}

/// What an instance may take before it traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceLimits {
    /// How large its memory may grow, in bytes.
    pub memory_bytes: usize,
    /// How long it may compute, in [`epochs`](crate::epochs) from its start. They pass only while a [`Ticker`](crate::Ticker) runs.
    pub epochs: u64,
}

impl Default for InstanceLimits {
    /// None: in process, the caller decides how long it waits.
    fn default() -> Self {
        Self { memory_bytes: usize::MAX, epochs: NO_DEADLINE }
    }
}

/// One instance of a packed model, for as many calls as it is kept.
pub struct Session {
    store: Store<StoreLimits>,
    inference: Inference,
}

impl PackedModel {
    /// Compiles (or takes from the cache) a component that exports `plinth:model/inference` and imports nothing.
    ///
    /// # Errors
    /// [`Error::Compile`] for other bytes, [`Error::Instantiate`] for another component, [`Error::Trap`].
    pub fn open(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let component = engine.load(wasm)?;
        let linker = Linker::new(engine.wasmtime());
        let instances =
            linker.instantiate_pre(&component).and_then(ModelPre::new).map_err(instantiate_error)?;
        let mut first = Session::start(&instances, InstanceLimits::default())?;
        let metadata = first.inference.metadata(&mut first.store)?;
        Ok(Self { instances, metadata })
    }

    /// The model's signature.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Runs the model in a fresh instance. `outputs` selects and orders what is returned; empty means all.
    ///
    /// # Errors
    /// As [`Session::infer`], and as [`PackedModel::instantiate`].
    pub fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>> {
        self.instantiate()?.infer(inputs, outputs)
    }

    /// A fresh instance to be called more than once.
    ///
    /// # Errors
    /// [`Error::Instantiate`] if there is no room for another instance.
    pub fn instantiate(&self) -> Result<Session> {
        self.instantiate_within(InstanceLimits::default())
    }

    /// The same, with limits.
    ///
    /// # Errors
    /// As [`PackedModel::instantiate`].
    pub fn instantiate_within(&self, limits: InstanceLimits) -> Result<Session> {
        Session::start(&self.instances, limits)
    }
}

impl Session {
    fn start(instances: &ModelPre<StoreLimits>, limits: InstanceLimits) -> Result<Self> {
        let memory = StoreLimitsBuilder::new().memory_size(limits.memory_bytes).trap_on_grow_failure(true);
        let mut store = Store::new(instances.engine(), memory.build());
        store.limiter(|limits| limits);
        store.set_epoch_deadline(limits.epochs);
        let exports = instances.instantiate(&mut store).map_err(instantiate_error)?;
        Ok(Self { store, inference: Inference::from(exports) })
    }

    /// Runs the model. `outputs` selects and orders what is returned; empty means all.
    ///
    /// # Errors
    /// As [`Inference::infer`].
    pub fn infer(&mut self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>> {
        self.inference.infer(&mut self.store, inputs, outputs)
    }
}

fn instantiate_error(error: wasmtime::Error) -> Error {
    Error::Instantiate(error.into_boxed_dyn_error())
}
