//! `SVMRegressor`: a weighted sum of a row's likeness to support vectors.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_SVMRegressor.html>

use crate::linear::check_columns;
use crate::svm::{SupportVectors, at_least, decision, rho};
use crate::{Attributes, Data, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct SvmRegressor {
    vectors: SupportVectors,
    /// The weight of each support vector; 1 for the only one of a linear machine.
    weights: Vec<f32>,
    rho: f32,
    one_class: bool,
}

impl SvmRegressor {
    /// # Errors
    /// If an attribute has not the length that another one asks for.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        // ONNX Runtime knows the attribute and leaves scores as they are.
        PostTransform::from_attributes(attributes)?;
        let n_vectors = attributes.size("n_supports", 0)?;
        let coefficients = at_least(attributes, "coefficients", n_vectors.max(1))?;
        let (vectors, weights) = if n_vectors > 0 {
            (SupportVectors::from_attributes(attributes, n_vectors)?, coefficients)
        } else {
            (SupportVectors::linear(&coefficients, 1)?, vec![1.0])
        };
        let rho = rho(attributes, 1)?.first().copied().unwrap_or_default();
        Ok(Self { vectors, weights, rho, one_class: attributes.int("one_class")?.unwrap_or(0) != 0 })
    }

    /// The target of each row; with `one_class`, 1 for a row that belongs and -1 for one that does not.
    ///
    /// # Errors
    /// If the input has strings or another number of columns than the support vectors.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        check_columns(x, self.vectors.n_features)?;
        let numbers = x.data.to_f32("X")?;
        Ok(Data::F32(numbers.chunks_exact(x.n_features).map(|row| self.target(row)).collect()))
    }

    fn target(&self, row: &[f32]) -> f32 {
        let likeness: Vec<f32> = self.vectors.compare(row).collect();
        let target = decision(self.weights.iter().zip(&likeness), self.rho);
        match (self.one_class, target > 0.0) {
            (false, _) => target,
            (true, true) => 1.0,
            (true, false) => -1.0,
        }
    }
}
