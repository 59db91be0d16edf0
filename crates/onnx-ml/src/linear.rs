//! Weighted sums of columns: what the linear operators share.

use std::iter;

use crate::dot::dot;
use crate::error::check_len;
use crate::{Error, Matrix, Result};

/// Coefficients and intercept of each sum.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// Sum by sum.
    coefficients: Vec<f32>,
    /// One for each sum.
    intercepts: Vec<f32>,
    n_features: usize,
}

impl Linear {
    /// `n_sums` sums; no intercepts are zeros.
    pub(crate) fn new(coefficients: &[f32], intercepts: &[f32], n_sums: usize) -> Result<Self> {
        let n_features = coefficients.len().checked_div(n_sums).unwrap_or(0);
        if n_features == 0 || n_features * n_sums != coefficients.len() {
            let expected = format!("as many for each of {n_sums} sums");
            return Err(Error::attribute("coefficients", expected, coefficients.len().to_string()));
        }
        let intercepts = if intercepts.is_empty() { vec![0.0; n_sums] } else { intercepts.to_vec() };
        check_len("intercepts", intercepts.len(), n_sums, "the sums")?;
        Ok(Self { coefficients: coefficients.to_vec(), intercepts, n_features })
    }

    pub(crate) fn n_sums(&self) -> usize {
        self.intercepts.len()
    }

    /// The sums of each row.
    pub(crate) fn eval(&self, x: Matrix<'_>) -> Result<Vec<f32>> {
        check_columns(x, self.n_features)?;
        let numbers = x.data.to_f32("X")?;
        let weights = || self.coefficients.chunks_exact(self.n_features).zip(&self.intercepts);
        let rows = numbers.chunks_exact(self.n_features);
        let sums = rows.flat_map(|row| iter::repeat(row).zip(weights()));
        Ok(sums.map(|(row, (coefficients, intercept))| dot(row, coefficients) + intercept).collect())
    }
}

/// Checks that the input has the columns that the coefficients or support vectors are for.
pub(crate) fn check_columns(x: Matrix<'_>, n_features: usize) -> Result<()> {
    if x.n_features == n_features {
        Ok(())
    } else {
        Err(Error::input("X", format!("{n_features} columns"), x.n_features.to_string()))
    }
}
