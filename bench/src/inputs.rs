//! Inputs for the models: the same for the same model and batch, in this process and as files for the peer outside.
//!
//! They are FP32 and drawn uniformly from a range. They mean nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tensor::{Datatype, Tensor, TensorSpec};

/// An input as a file of raw little-endian numbers.
#[derive(Serialize)]
pub(crate) struct InputFile {
    name: String,
    shape: Vec<u64>,
    file: PathBuf,
}

/// One tensor for each input, with `batch` for every open dimension.
pub(crate) fn generate(specs: &[TensorSpec], batch: u64, range: [f32; 2]) -> Result<Vec<Tensor>> {
    let mut generator = Generator(0x9E37_79B9_7F4A_7C15 ^ batch);
    specs.iter().map(|spec| tensor(spec, batch, range, &mut generator)).collect()
}

/// Writes the inputs into `folder`.
pub(crate) fn write(inputs: &[Tensor], folder: &Path) -> Result<Vec<InputFile>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let write = |(input_idx, input): (usize, &Tensor)| {
        let file = folder.join(format!("input-{input_idx}.raw"));
        fs::write(&file, input.data()).with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(InputFile { name: input.name().to_owned(), shape: input.shape().to_vec(), file })
    };
    inputs.iter().enumerate().map(write).collect()
}

fn tensor(spec: &TensorSpec, batch: u64, [low, high]: [f32; 2], generator: &mut Generator) -> Result<Tensor> {
    ensure!(spec.datatype == Datatype::Fp32, "input `{}` is {}, not FP32", spec.name, spec.datatype);
    let shape: Vec<u64> = spec.shape.iter().map(|&dim| u64::try_from(dim).unwrap_or(batch)).collect();
    let n_elements: u64 = shape.iter().product();
    let element = |_| (low + (high - low) * generator.unit()).to_le_bytes();
    Ok(Tensor::new(spec.name.clone(), spec.datatype, shape, (0..n_elements).flat_map(element).collect())?)
}

/// SplitMix64.
///
/// Source: Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1), a multiple of 2⁻²⁴.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_in_range_and_the_same_again() {
        let spec = TensorSpec { name: "x".to_owned(), datatype: Datatype::Fp32, shape: vec![-1, 3] };
        let first = generate(std::slice::from_ref(&spec), 5, [0.0, 16.0]).unwrap();
        assert_eq!(first, generate(&[spec], 5, [0.0, 16.0]).unwrap());
        let (numbers, _) = first[0].data().as_chunks::<4>();
        assert_eq!(numbers.len(), 15);
        assert!(numbers.iter().all(|&bytes| (0.0..16.0).contains(&f32::from_le_bytes(bytes))));
    }
}
