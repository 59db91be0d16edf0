//! What an endpoint needs of a model.

use protocol::Error;
use tensor::{Metadata, Tensor};

/// A model that answers on tensors: the component that a function imports, or a packed model in process.
pub trait Model {
    /// The model's signature.
    fn metadata(&self) -> Metadata;

    /// Runs the model. `outputs` selects and orders what is returned; empty means all, in the model's order.
    ///
    /// # Errors
    /// [`ModelError`] says whose fault it is.
    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError>;
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The tensors do not fit the model's signature: the caller's fault.
    #[error("{0}")]
    InvalidInput(String),
    /// The model failed on tensors that fit its signature: ours.
    #[error("{0}")]
    Failed(String),
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::InvalidInput(reason) => Self::InvalidInput { reason },
            ModelError::Failed(reason) => Self::ModelFailed { reason },
        }
    }
}

/// Runs the model, and checks that it returns the outputs of these names.
///
/// # Errors
/// [`Error::InvalidInput`] or [`Error::ModelFailed`].
pub(crate) fn run(
    model: &impl Model,
    inputs: Vec<Tensor>,
    outputs: &[String],
) -> protocol::Result<Vec<Tensor>> {
    let found = model.infer(inputs, outputs)?;
    if found.iter().map(Tensor::name).eq(outputs) {
        return Ok(found);
    }
    let names: Vec<&str> = found.iter().map(Tensor::name).collect();
    Err(Error::ModelFailed { reason: format!("expected outputs `{outputs:?}`, found `{names:?}`") })
}
