//! Kernels of support vector machines: how alike two rows are. What `SVMClassifier` and `SVMRegressor` share.

use crate::dot::{dot, squared_distance};
use crate::{Attributes, Error, Result};

/// A kernel with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kernel {
    Linear,
    Poly { gamma: f32, coef0: f32, degree: f32 },
    Rbf { gamma: f32 },
    Sigmoid { gamma: f32, coef0: f32 },
}

/// Support vectors and how a row compares with them.
#[derive(Clone, Debug)]
pub(crate) struct SupportVectors {
    kernel: Kernel,
    /// Vector by vector.
    vectors: Vec<f32>,
    pub(crate) n_features: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Linear,
    Poly,
    Rbf,
    Sigmoid,
}

impl Kernel {
    fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let kinds =
            [("LINEAR", Kind::Linear), ("POLY", Kind::Poly), ("RBF", Kind::Rbf), ("SIGMOID", Kind::Sigmoid)];
        let kind = attributes.choice("kernel_type", &kinds)?;
        let [gamma, coef0, degree] = match *attributes.floats("kernel_params")? {
            [] => [0.0; 3],
            [gamma, coef0, degree] => [gamma, coef0, degree],
            ref others => {
                let found = format!("{} numbers", others.len());
                return Err(Error::attribute("kernel_params", "gamma, coef0 and degree", found));
            }
        };
        Ok(match kind {
            Kind::Linear => Self::Linear,
            Kind::Poly => Self::Poly { gamma, coef0, degree },
            Kind::Rbf => Self::Rbf { gamma },
            Kind::Sigmoid => Self::Sigmoid { gamma, coef0 },
        })
    }

    fn compare(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Linear => dot(a, b),
            Self::Poly { gamma, coef0, degree } => power(gamma * dot(a, b) + coef0, degree),
            Self::Rbf { gamma } => libm::expf(-gamma * squared_distance(a, b)),
            Self::Sigmoid { gamma, coef0 } => libm::tanhf(gamma * dot(a, b) + coef0),
        }
    }
}

#[expect(clippy::float_cmp, reason = "whole exponents are exact")]
fn power(base: f32, exponent: f32) -> f32 {
    if exponent == 2.0 {
        base * base
    } else if exponent == 3.0 {
        base * base * base
    } else {
        libm::powf(base, exponent)
    }
}

impl SupportVectors {
    /// `n_vectors` vectors with the kernel that the attributes name.
    pub(crate) fn from_attributes(attributes: &Attributes<'_>, n_vectors: usize) -> Result<Self> {
        let vectors = attributes.floats("support_vectors")?;
        Self::new(Kernel::from_attributes(attributes)?, "support_vectors", vectors, n_vectors)
    }

    /// Coefficients in the place of vectors, as linear machines have them.
    pub(crate) fn linear(coefficients: &[f32], n_sums: usize) -> Result<Self> {
        Self::new(Kernel::Linear, "coefficients", coefficients, n_sums)
    }

    fn new(kernel: Kernel, attribute: &str, vectors: &[f32], n_vectors: usize) -> Result<Self> {
        let n_features = vectors.len().checked_div(n_vectors).unwrap_or(0);
        if n_features == 0 || n_features * n_vectors != vectors.len() {
            let expected = format!("as many numbers for each of {n_vectors} vectors");
            return Err(Error::attribute(attribute, expected, vectors.len().to_string()));
        }
        Ok(Self { kernel, vectors: vectors.to_vec(), n_features })
    }

    /// How alike the row is to each vector.
    pub(crate) fn compare(&self, row: &[f32]) -> impl Iterator<Item = f32> {
        self.vectors.chunks_exact(self.n_features).map(move |vector| self.kernel.compare(row, vector))
    }
}

/// The weighted sum of a row's likeness to vectors, moved by `rho`: terms of either sign that nearly cancel at the boundary, so summed in more
/// digits than they have.
#[expect(clippy::cast_possible_truncation, reason = "summed in more digits than are kept")]
pub(crate) fn decision<'a>(terms: impl Iterator<Item = (&'a f32, &'a f32)>, rho: f32) -> f32 {
    let sum: f64 = terms.map(|(weight, likeness)| f64::from(*weight) * f64::from(*likeness)).sum();
    (sum + f64::from(rho)) as f32
}

/// The attribute `rho`, of which there must be at least `n`.
pub(crate) fn rho(attributes: &Attributes<'_>, n: usize) -> Result<Vec<f32>> {
    at_least(attributes, "rho", n)
}

/// The numbers of an attribute that has at least `n`.
pub(crate) fn at_least(attributes: &Attributes<'_>, name: &str, n: usize) -> Result<Vec<f32>> {
    let numbers = attributes.floats(name)?;
    if numbers.len() < n {
        return Err(Error::attribute(name, format!("at least {n} numbers"), numbers.len().to_string()));
    }
    Ok(numbers.to_vec())
}
