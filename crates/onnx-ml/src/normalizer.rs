//! `Normalizer`: rows of unit norm.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html>

use crate::{Attributes, Data, Matrix, Result};

/// The norm that a row has afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalizer {
    /// Its greatest element (not the greatest absolute one) is 1.
    Max,
    /// Its absolute elements sum to 1.
    L1,
    /// Its squares sum to 1.
    L2,
}

impl Normalizer {
    /// # Errors
    /// If `norm` is none of the three.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        attributes.choice("norm", &[("MAX", Self::Max), ("L1", Self::L1), ("L2", Self::L2)])
    }

    /// The rows, each divided by its norm; one whose norm is 0 stays as it is.
    ///
    /// # Errors
    /// If the input has strings.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        let mut numbers = x.data.to_f32("X")?.into_owned();
        for row in numbers.chunks_exact_mut(x.n_features.max(1)) {
            let norm = self.norm(row);
            if norm != 0.0 {
                row.iter_mut().for_each(|number| *number /= norm);
            }
        }
        Ok(Data::F32(numbers))
    }

    fn norm(&self, row: &[f32]) -> f32 {
        match self {
            Self::Max => row.iter().copied().fold(f32::MIN, f32::max),
            Self::L1 => row.iter().map(|number| number.abs()).sum(),
            Self::L2 => libm::sqrtf(row.iter().map(|number| number * number).sum()),
        }
    }
}
