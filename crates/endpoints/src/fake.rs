//! Models for tests: small enough to know every answer by heart.

use tensor::{Datatype, Metadata, Tensor, TensorSpec, encode_bytes_element};

use crate::{Model, ModelError};

/// A model that is one function.
pub(crate) struct Fake {
    pub(crate) metadata: Metadata,
    infer: fn(&[Tensor]) -> Result<Vec<Tensor>, ModelError>,
}

impl Model for Fake {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        let all = (self.infer)(&inputs)?;
        Ok(outputs
            .iter()
            .filter_map(|name| all.iter().find(|output| output.name() == name))
            .cloned()
            .collect())
    }
}

/// `y` = 2 `x`, both `FP32` `[-1, 2]`.
pub(crate) fn doubler() -> Fake {
    fake(&[("x", Datatype::Fp32, &[-1, 2])], &[("y", Datatype::Fp32, &[-1, 2])], |inputs| {
        Ok(vec![double(&inputs[0], inputs[0].shape()[0])])
    })
}

/// The doubler, without its last row.
pub(crate) fn shrinking() -> Fake {
    Fake { infer: |inputs| Ok(vec![double(&inputs[0], inputs[0].shape()[0] - 1)]), ..doubler() }
}

/// The doubler, which fails.
pub(crate) fn failing() -> Fake {
    Fake { infer: |_| Err(ModelError::Failed("out of luck".to_owned())), ..doubler() }
}

/// `greeting` = `name` repeated `times`, and its `length` in bytes; refuses an empty name.
pub(crate) fn greeter() -> Fake {
    fake(
        &[("name", Datatype::Bytes, &[-1]), ("times", Datatype::Uint8, &[-1])],
        &[("greeting", Datatype::Bytes, &[-1]), ("length", Datatype::Int64, &[-1, 1])],
        greet,
    )
}

fn double(x: &Tensor, n_rows: u64) -> Tensor {
    let (numbers, _) = x.data().as_chunks();
    let doubled = numbers.iter().flat_map(|&number| (2.0 * f32::from_le_bytes(number)).to_le_bytes());
    let n_bytes = usize::try_from(8 * n_rows).unwrap();
    Tensor::new("y", Datatype::Fp32, vec![n_rows, 2], doubled.take(n_bytes).collect()).unwrap()
}

fn greet(inputs: &[Tensor]) -> Result<Vec<Tensor>, ModelError> {
    let (mut greetings, mut lengths) = (Vec::new(), Vec::new());
    for (name, &times) in inputs[0].bytes_elements().zip(inputs[1].data()) {
        if name.is_empty() {
            return Err(ModelError::InvalidInput("nobody to greet".to_owned()));
        }
        let greeting = name.repeat(times.into());
        encode_bytes_element(&mut greetings, &greeting);
        lengths.extend((greeting.len() as u64).to_le_bytes());
    }
    let n_rows = inputs[0].shape()[0];
    Ok(vec![
        Tensor::new("greeting", Datatype::Bytes, vec![n_rows], greetings).unwrap(),
        Tensor::new("length", Datatype::Int64, vec![n_rows, 1], lengths).unwrap(),
    ])
}

fn fake(
    inputs: &[(&str, Datatype, &[i64])],
    outputs: &[(&str, Datatype, &[i64])],
    infer: fn(&[Tensor]) -> Result<Vec<Tensor>, ModelError>,
) -> Fake {
    let specs = |specs: &[(&str, Datatype, &[i64])]| {
        let spec = |&(name, datatype, shape): &(&str, Datatype, &[i64])| TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: shape.to_vec(),
        };
        specs.iter().map(spec).collect()
    };
    let metadata = Metadata {
        name: "m".to_owned(),
        version: "1".to_owned(),
        platform: "fake".to_owned(),
        inputs: specs(inputs),
        outputs: specs(outputs),
        properties: vec![("opset".to_owned(), "17".to_owned())],
    };
    Fake { metadata, infer }
}
