//! The mean and variance of numbers from sums that merge.

use serde::{Deserialize, Serialize};

use super::{Confidence, normal};
use crate::{Estimate, ExactSum};

/// How many numbers there are, their sum and the sum of their squares. Both sums are exact, squares included, so that the variance
/// does not cancel where the mean is large beside it: it keeps about nine digits even if it is 1e-20 of the squared mean.
///
/// A number that is not finite, or whose square is not, makes what it takes part in unknown rather than wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    n: u64,
    sum: ExactSum,
    sum_of_squares: ExactSum,
}

impl Moments {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        self.n = self.n.saturating_add(1);
        self.sum.add(number);
        add_product(&mut self.sum_of_squares, number, number);
    }

    /// Adds everything that others have been given.
    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.sum.merge(&other.sum);
        self.sum_of_squares.merge(&other.sum_of_squares);
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The sum of the numbers; none if one of them is not finite.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        known(&self.sum)
    }

    /// The sum of the squares; none if one of them is not finite.
    #[must_use]
    pub fn sum_of_squares(&self) -> Option<f64> {
        known(&self.sum_of_squares)
    }

    /// The mean; none of no numbers.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let sum = self.sum().filter(|_| self.n > 0)?;
        Some(sum / self.n as f64)
    }

    /// The sum of the squared differences from the mean; none of no numbers.
    ///
    /// Source: Σ(x − c)² − (Σx − nc)²/n with c the rounded mean, and Σ(x − c)² = Σx² − 2cΣx + nc² added up exactly.
    #[must_use]
    pub fn centred_sum_of_squares(&self) -> Option<f64> {
        self.sum_of_squares()?;
        let (centre, n) = (self.mean()?, self.n as f64);
        let sum = self.sum.value();
        let mut below = self.sum.clone();
        below.add(-sum);
        let rest = below.value();

        let mut about_centre = self.sum_of_squares.clone();
        add_product(&mut about_centre, -2.0 * centre, sum);
        add_product(&mut about_centre, -2.0 * centre, rest);
        let (square, square_rest) = product(centre, centre);
        add_product(&mut about_centre, n, square);
        add_product(&mut about_centre, n, square_rest);

        let mut offset = self.sum.clone();
        add_product(&mut offset, -centre, n);
        let offset = offset.value();
        Some((about_centre.value() - offset * offset / n).max(0.0)).filter(|sum| sum.is_finite())
    }

    /// The variance with n − 1 below; none of fewer than two numbers.
    #[must_use]
    pub fn sample_variance(&self) -> Option<f64> {
        let below = self.n.checked_sub(1).filter(|&below| below > 0)?;
        Some(self.centred_sum_of_squares()? / below as f64)
    }

    /// The mean with its normal interval, whose standard error is √(variance / n) with n − 1 below; none of no numbers.
    #[must_use]
    pub fn mean_estimate(&self, confidence: Confidence) -> Option<Estimate> {
        let value = self.mean()?;
        let variance = self.sample_variance();
        let interval = variance.and_then(|variance| {
            let standard_error = (variance / self.n as f64).sqrt();
            normal(value, standard_error, confidence)
        });
        Some(Estimate { value, interval })
    }
}

fn known(sum: &ExactSum) -> Option<f64> {
    (sum.n_not_finite() == 0).then(|| sum.value())
}

/// Adds a product without rounding it.
fn add_product(sum: &mut ExactSum, left: f64, right: f64) {
    let (rounded, rest) = product(left, right);
    sum.add(rounded);
    sum.add(rest);
}

/// The rounded product of two numbers, and what rounding took from it.
fn product(left: f64, right: f64) -> (f64, f64) {
    let rounded = left * right;
    (rounded, left.mul_add(right, -rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(numbers: &[f64]) -> Moments {
        let mut moments = Moments::default();
        numbers.iter().for_each(|&number| moments.add(number));
        moments
    }

    #[test]
    fn variance_does_not_cancel() {
        let far = moments(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(far.sample_variance(), Some(30.0));
        let farther = moments(&[1e15, 1e15 + 1.0, 1e15 + 2.0]);
        assert_eq!(farther.sample_variance(), Some(1.0));
        assert_eq!(moments(&[0.1, 0.1, 0.1]).sample_variance(), Some(0.0));
    }

    #[test]
    fn too_few_numbers_say_nothing() {
        let confidence = Confidence::default();
        assert_eq!(moments(&[]).mean_estimate(confidence), None);
        let one = moments(&[2.0]).mean_estimate(confidence);
        assert_eq!(one, Some(Estimate { value: 2.0, interval: None }));
        assert_eq!(moments(&[2.0, 2.0]).mean_estimate(confidence), one);
    }

    #[test]
    fn what_is_not_finite_makes_the_result_unknown() {
        let confidence = Confidence::default();
        assert_eq!(moments(&[1.0, f64::NAN]).mean_estimate(confidence), None);
        let overflowing = moments(&[1e200, -1e200]).mean_estimate(confidence);
        assert_eq!(overflowing, Some(Estimate { value: 0.0, interval: None }));
    }
}
