//! Calls of `plinth:model/inference` on an instance.

use tensor::{Metadata, Tensor};
use wasmtime::AsContextMut;
use wasmtime::component::Instance;

use crate::bindings::Model;
use crate::bindings::exports::plinth::model::inference as wit;
use crate::{Error, Result};

tensor::caller_conversions!(wit);

/// The interface as an instance exports it.
pub struct Inference {
    exports: Model,
}

impl Inference {
    /// The interface of `instance`.
    ///
    /// # Errors
    /// [`Error::Instantiate`] if it does not export the interface.
    pub fn of(store: impl AsContextMut, instance: &Instance) -> Result<Self> {
        let exports = Model::new(store, instance);
        exports.map(Self::from).map_err(|error| Error::Instantiate(error.into_boxed_dyn_error()))
    }

    /// The model's signature.
    ///
    /// # Errors
    /// [`Error::Trap`].
    pub fn metadata(&self, store: impl AsContextMut) -> Result<Metadata> {
        let metadata = self.exports.plinth_model_inference().call_metadata(store);
        metadata.map(metadata_from_wit).map_err(trap_error)
    }

    /// Runs the model. `outputs` selects and orders what is returned; empty means all.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] or [`Error::Model`], after which the instance goes on; [`Error::Trap`], after which every
    /// call traps; [`Error::MalformedOutput`].
    pub fn infer(
        &self,
        store: impl AsContextMut,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<Vec<Tensor>> {
        let inputs: Vec<wit::Tensor> = inputs.into_iter().map(tensor_to_wit).collect();
        let answer = self.exports.plinth_model_inference().call_infer(store, &inputs, outputs);
        match answer.map_err(trap_error)? {
            Ok(outputs) => Ok(outputs.into_iter().map(tensor_from_wit).collect::<tensor::Result<_>>()?),
            Err(wit::Error::InvalidInput(message)) => Err(Error::InvalidInput(message)),
            Err(wit::Error::Failed(message)) => Err(Error::Model(message)),
        }
    }
}

impl From<Model> for Inference {
    fn from(exports: Model) -> Self {
        Self { exports }
    }
}

fn trap_error(error: wasmtime::Error) -> Error {
    Error::Trap(error.into_boxed_dyn_error())
}
