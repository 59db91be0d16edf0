//! `LinearRegressor`: weighted sums of columns.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_LinearRegressor.html>

use crate::linear::Linear;
use crate::{Attributes, Data, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct LinearRegressor {
    linear: Linear,
    post_transform: PostTransform,
}

impl LinearRegressor {
    /// # Errors
    /// If there are no coefficients, or their number does not fit that of targets and intercepts.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let coefficients = attributes.floats("coefficients")?;
        let intercepts = attributes.floats("intercepts")?;
        Ok(Self {
            linear: Linear::new(coefficients, intercepts, attributes.size("targets", 1)?)?,
            post_transform: PostTransform::from_attributes(attributes)?,
        })
    }

    /// How many numbers a row has.
    pub fn n_targets(&self) -> usize {
        self.linear.n_sums()
    }

    /// The targets of each row.
    ///
    /// # Errors
    /// If the input has strings or another number of columns than the coefficients.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        let mut sums = self.linear.eval(x)?;
        sums.chunks_exact_mut(self.n_targets()).for_each(|row| self.post_transform.apply_to_row(row));
        Ok(Data::F32(sums))
    }
}
