//! Tensors and metadata between the generated bindings and the `tensor` crate.

use tensor::{Metadata, Tensor, TensorSpec};

use crate::bindings::exports::plinth::model::inference as wit;

tensor::datatype_conversions!(wit::Datatype);

pub(crate) fn tensor_to_wit(tensor: Tensor) -> wit::Tensor {
    let (name, datatype, shape, data) = tensor.into_parts();
    wit::Tensor { name, datatype: datatype_to_wit(datatype), shape, data }
}

pub(crate) fn tensor_from_wit(tensor: wit::Tensor) -> tensor::Result<Tensor> {
    Tensor::new(tensor.name, datatype_from_wit(tensor.datatype), tensor.shape, tensor.data)
}

pub(crate) fn metadata_from_wit(metadata: wit::ModelMetadata) -> Metadata {
    let spec_from_wit = |spec: wit::TensorSpec| TensorSpec {
        name: spec.name,
        datatype: datatype_from_wit(spec.datatype),
        shape: spec.shape,
    };
    Metadata {
        name: metadata.name,
        version: metadata.version,
        platform: metadata.platform,
        inputs: metadata.inputs.into_iter().map(spec_from_wit).collect(),
        outputs: metadata.outputs.into_iter().map(spec_from_wit).collect(),
        properties: metadata.properties,
    }
}
