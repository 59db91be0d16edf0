//! A model with the signature of the demo model `digits`, but not its arithmetic.

use endpoints::{Model, ModelError};
use tensor::{Datatype, Metadata, Tensor, TensorSpec};

/// `X` `FP32` `[-1, 64]` gives `label` `INT64` `[-1]` and `probabilities` `FP32` `[-1, 10]`.
pub(crate) struct Digits;

impl Model for Digits {
    fn metadata(&self) -> Metadata {
        let spec = |name: &str, datatype, shape: &[i64]| TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: shape.to_vec(),
        };
        Metadata {
            name: "digits".to_owned(),
            version: "1".to_owned(),
            platform: "onnx_onnxv1".to_owned(),
            inputs: vec![spec("X", Datatype::Fp32, &[-1, 64])],
            outputs: vec![
                spec("label", Datatype::Int64, &[-1]),
                spec("probabilities", Datatype::Fp32, &[-1, 10]),
            ],
            properties: vec![],
        }
    }

    /// Every picture is a 3, with the first ten pixels as probabilities.
    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        let pixels = inputs[0].data();
        let n_rows = inputs[0].shape()[0];
        let output = |name: &String| match name.as_str() {
            "label" => {
                let labels = (0..n_rows).flat_map(|_| 3_i64.to_le_bytes()).collect();
                Tensor::new("label", Datatype::Int64, vec![n_rows], labels)
            }
            _ => {
                let probabilities = pixels.chunks(4 * 64).flat_map(|row| &row[..4 * 10]).copied().collect();
                Tensor::new("probabilities", Datatype::Fp32, vec![n_rows, 10], probabilities)
            }
        };
        Ok(outputs.iter().map(output).collect::<Result<_, _>>().unwrap())
    }
}
