//! The model that the function imports.

use endpoints::{Model, ModelError};
use tensor::{Metadata, Tensor};

use crate::bindings::plinth::model::inference as wit;

tensor::caller_conversions!(wit);

/// The model that is plugged into this function's component.
#[derive(Clone, Copy, Debug)]
pub struct ImportedModel;

impl Model for ImportedModel {
    fn metadata(&self) -> Metadata {
        metadata_from_wit(wit::metadata())
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        let inputs: Vec<wit::Tensor> = inputs.into_iter().map(tensor_to_wit).collect();
        match wit::infer(&inputs, outputs) {
            Ok(outputs) => {
                outputs.into_iter().map(tensor_from_wit).collect::<Result<_, _>>().map_err(malformed)
            }
            Err(wit::Error::InvalidInput(message)) => Err(ModelError::InvalidInput(message)),
            Err(wit::Error::Failed(message)) => Err(ModelError::Failed(message)),
        }
    }
}

fn malformed(error: tensor::Error) -> ModelError {
    ModelError::Failed(format!("the model answered with a malformed tensor: {error}"))
}
