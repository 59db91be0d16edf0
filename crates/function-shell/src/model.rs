//! The model that the function imports.

use endpoints::{Model, ModelError};
use tensor::{Metadata, Tensor, TensorSpec};

use crate::bindings::plinth::model::inference as wit;

tensor::datatype_conversions!(wit::Datatype);

/// The model that is plugged into this function's component.
#[derive(Clone, Copy, Debug)]
pub struct ImportedModel;

impl Model for ImportedModel {
    fn metadata(&self) -> Metadata {
        let spec_from_wit = |spec: wit::TensorSpec| TensorSpec {
            name: spec.name,
            datatype: datatype_from_wit(spec.datatype),
            shape: spec.shape,
        };
        let metadata = wit::metadata();
        Metadata {
            name: metadata.name,
            version: metadata.version,
            platform: metadata.platform,
            inputs: metadata.inputs.into_iter().map(spec_from_wit).collect(),
            outputs: metadata.outputs.into_iter().map(spec_from_wit).collect(),
            properties: metadata.properties,
        }
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        let inputs: Vec<wit::Tensor> = inputs.into_iter().map(tensor_to_wit).collect();
        match wit::infer(&inputs, outputs) {
            Ok(outputs) => outputs.into_iter().map(tensor_from_wit).collect(),
            Err(wit::Error::InvalidInput(message)) => Err(ModelError::InvalidInput(message)),
            Err(wit::Error::Failed(message)) => Err(ModelError::Failed(message)),
        }
    }
}

fn tensor_to_wit(tensor: Tensor) -> wit::Tensor {
    let (name, datatype, shape, data) = tensor.into_parts();
    wit::Tensor { name, datatype: datatype_to_wit(datatype), shape, data }
}

fn tensor_from_wit(tensor: wit::Tensor) -> Result<Tensor, ModelError> {
    Tensor::new(tensor.name, datatype_from_wit(tensor.datatype), tensor.shape, tensor.data)
        .map_err(|error| ModelError::Failed(format!("the model answered with a malformed tensor: {error}")))
}
