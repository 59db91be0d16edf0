//! What R² takes beside the errors: the true values, and how errors go with them.

use serde::{Deserialize, Serialize};

use super::RegressionError;
use crate::interval::{Confidence, Moments, estimate_within};
use crate::{Estimate, ExactSum};

/// The greatest ratio of the squared distance of mean and origin to the variance at which fourth powers about the mean can be had from
/// those about the origin: 1e4² · 2⁻⁵² is 2e-8 of them.
const MAX_SQUARED_DISTANCE: f64 = 1e4;

/// Sums of z = true − origin, and of e = predicted − true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TruthSums {
    origin: f64,
    /// Of z.
    moments: Moments,
    /// Σz³.
    cubes: ExactSum,
    /// Σz⁴.
    fourth_powers: ExactSum,
    /// Σe²z.
    squared_error_by_truth: ExactSum,
    /// Σe²z².
    squared_error_by_square: ExactSum,
}

/// Sums of powers of e.
pub(super) struct ErrorSums {
    pub(super) squares: f64,
    /// None if they are too large.
    pub(super) fourth_powers: Option<f64>,
}

impl TruthSums {
    pub(super) fn new(origin: f64) -> Self {
        Self {
            origin,
            moments: Moments::default(),
            cubes: ExactSum::default(),
            fourth_powers: ExactSum::default(),
            squared_error_by_truth: ExactSum::default(),
            squared_error_by_square: ExactSum::default(),
        }
    }

    pub(super) fn add(&mut self, truth: f64, error: f64) {
        let shifted = truth - self.origin;
        let (square, squared_error) = (shifted * shifted, error * error);
        self.moments.add(shifted);
        self.cubes.add(square * shifted);
        self.fourth_powers.add(square * square);
        self.squared_error_by_truth.add(squared_error * shifted);
        self.squared_error_by_square.add(squared_error * square);
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), RegressionError> {
        if self.origin.to_bits() != other.origin.to_bits() {
            return Err(RegressionError::Origin { expected: self.origin, found: other.origin });
        }
        self.moments.merge(&other.moments);
        self.cubes.merge(&other.cubes);
        self.fourth_powers.merge(&other.fourth_powers);
        self.squared_error_by_truth.merge(&other.squared_error_by_truth);
        self.squared_error_by_square.merge(&other.squared_error_by_square);
        Ok(())
    }

    /// R²; without an interval if that cannot be had from these sums.
    pub(super) fn r_squared(&self, errors: &ErrorSums, confidence: Confidence) -> Option<Estimate> {
        let total = self.moments.centred_sum_of_squares().filter(|_| self.moments.n() > 1)?;
        if total <= 0.0 {
            let value = if errors.squares > 0.0 { 0.0 } else { 1.0 };
            return Some(Estimate { value, interval: None });
        }
        let unexplained = errors.squares / total;
        let spread = self.spread(unexplained, errors);
        let standard_error = spread.map_or(f64::NAN, |spread| spread.sqrt() / total);
        Some(estimate_within(1.0 - unexplained, standard_error, (f64::NEG_INFINITY, 1.0), confidence))
    }

    /// Σ(e² − r(z − z̄)²)².
    fn spread(&self, r: f64, errors: &ErrorSums) -> Option<f64> {
        let (n, mean) = (self.moments.n() as f64, self.moments.mean()?);
        let squares = self.moments.sum_of_squares()?;
        let centred = self.moments.centred_sum_of_squares()?;
        let sums =
            [&self.cubes, &self.fourth_powers, &self.squared_error_by_truth, &self.squared_error_by_square];
        let is_known = sums.iter().all(|sum| sum.n_not_finite() == 0);
        if !is_known || mean * mean * n > MAX_SQUARED_DISTANCE * centred {
            return None;
        }
        let [cubes, fourth_powers, by_truth, by_square] = sums.map(ExactSum::value);
        let square = mean * mean;
        let fourth = fourth_powers - 4.0 * mean * cubes + 6.0 * square * squares - 3.0 * n * square * square;
        let shared = by_square - 2.0 * mean * by_truth + square * errors.squares;
        Some(errors.fourth_powers? - 2.0 * r * shared + r * r * fourth)
    }
}
