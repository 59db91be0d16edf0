//! A packed model called in process, without a function around it.

use tensor::{Metadata, Tensor};
use wasmtime::Store;
use wasmtime::component::Linker;

use crate::bindings::exports::plinth::model::inference as wit;
use crate::bindings::{Model, ModelPre};
use crate::convert::{metadata_from_wit, tensor_from_wit, tensor_to_wit};
use crate::{Engine, Error, Result};

/// A compiled packed model and its signature.
pub struct PackedModel {
    instances: ModelPre<()>,
    metadata: Metadata,
}

/// One instance of a packed model, for as many calls as it is kept.
pub struct Session<'a> {
    store: Store<()>,
    instance: Model,
    model: &'a PackedModel,
}

impl PackedModel {
    /// Compiles (or takes from the cache) a component that exports `plinth:model/inference` and imports nothing.
    ///
    /// # Errors
    /// [`Error::Compile`] for other bytes, [`Error::Instantiate`] for another component, [`Error::Trap`].
    pub fn open(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let component = engine.load(wasm)?;
        let linker = Linker::new(engine.wasmtime());
        let pre = linker.instantiate_pre(&component).and_then(ModelPre::new).map_err(instantiate_error)?;
        let mut model = Self { instances: pre, metadata: Metadata::default() };
        model.metadata = model.instantiate()?.read_metadata()?;
        Ok(model)
    }

    /// The model's signature.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Runs the model in a fresh instance. `outputs` selects and orders what is returned; empty means all.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Model`], or what keeps an instance from being made or finishing.
    pub fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>> {
        self.instantiate()?.infer(inputs, outputs)
    }

    /// A fresh instance to be called more than once.
    ///
    /// # Errors
    /// [`Error::Instantiate`] if there is no room for another instance.
    pub fn instantiate(&self) -> Result<Session<'_>> {
        let mut store = Store::new(self.instances.engine(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.instances.instantiate(&mut store).map_err(instantiate_error)?;
        Ok(Session { store, instance, model: self })
    }
}

impl Session<'_> {
    /// Runs the model. `outputs` selects and orders what is returned; empty means all.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] or [`Error::Model`], after which the session goes on; [`Error::Trap`], after which every
    /// call traps.
    pub fn infer(&mut self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>> {
        let inputs: Vec<wit::Tensor> = inputs.into_iter().map(tensor_to_wit).collect();
        let inference = self.instance.plinth_model_inference();
        let answer = inference.call_infer(&mut self.store, &inputs, outputs).map_err(trap_error)?;
        match answer {
            Ok(outputs) => Ok(outputs.into_iter().map(tensor_from_wit).collect::<tensor::Result<_>>()?),
            Err(wit::Error::InvalidInput(message)) => Err(Error::InvalidInput(message)),
            Err(wit::Error::Failed(message)) => {
                Err(Error::Model { metadata: Box::new(self.model.metadata.clone()), message })
            }
        }
    }

    fn read_metadata(&mut self) -> Result<Metadata> {
        let inference = self.instance.plinth_model_inference();
        inference.call_metadata(&mut self.store).map(metadata_from_wit).map_err(trap_error)
    }
}

fn instantiate_error(error: wasmtime::Error) -> Error {
    Error::Instantiate(error.into_boxed_dyn_error())
}

fn trap_error(error: wasmtime::Error) -> Error {
    Error::Trap(error.into_boxed_dyn_error())
}
