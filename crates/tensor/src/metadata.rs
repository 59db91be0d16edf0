//! The signature of a model.

use crate::TensorSpec;

/// What a model says of itself: name, version, inputs, outputs, and facts such as digest, opset and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The name under which it is served.
    pub name: String,
    /// The version under which it is served.
    pub version: String,
    /// The protocol's name for the kind of model, such as `onnx_onnxv1`.
    pub platform: String,
    /// The inputs, in the model's order.
    pub inputs: Vec<TensorSpec>,
    /// The outputs, in the model's order.
    pub outputs: Vec<TensorSpec>,
    /// Facts by name, in a stable order.
    pub properties: Vec<(String, String)>,
}

impl Metadata {
    /// The input of that name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&TensorSpec> {
        self.inputs.iter().find(|spec| spec.name == name)
    }

    /// The output of that name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&TensorSpec> {
        self.outputs.iter().find(|spec| spec.name == name)
    }

    /// The value of that property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
