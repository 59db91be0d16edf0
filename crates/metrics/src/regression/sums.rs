//! The sums, and the metrics that are means of one column.

use serde::{Deserialize, Serialize};

use super::r_squared::{ErrorSums, TruthSums};
use super::{RegressionError, check_finite};
use crate::interval::{Confidence, Moments, within};
use crate::{Estimate, Interval};

/// What rows of true and predicted numbers add up to.
///
/// A sum that overflows makes the metrics unknown that need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionSums {
    error: Moments,
    absolute: Moments,
    squared: Moments,
    relative: Moments,
    truth: TruthSums,
    /// Of the absolute errors; at most the greatest number, that JSON may hold it.
    greatest: f64,
}

impl RegressionSums {
    /// Sums without rows. True values count from `origin`, a number near their mean that stays the same for all sums that are to merge,
    /// such as the mean of the training data. It is for the interval of R² alone; 0 does if it is within some standard deviations of them.
    ///
    /// # Errors
    /// [`RegressionError::NotFinite`].
    pub fn new(origin: f64) -> Result<Self, RegressionError> {
        check_finite(origin)?;
        Ok(Self {
            error: Moments::default(),
            absolute: Moments::default(),
            squared: Moments::default(),
            relative: Moments::default(),
            truth: TruthSums::new(origin),
            greatest: 0.0,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`RegressionError::NotFinite`]; nothing is added then.
    pub fn add(&mut self, truth: f64, predicted: f64) -> Result<(), RegressionError> {
        check_finite(truth)?;
        check_finite(predicted)?;
        let error = predicted - truth;
        let absolute = error.abs();
        self.error.add(error);
        self.absolute.add(absolute);
        self.squared.add(error * error);
        self.relative.add(absolute / truth.abs().max(f64::EPSILON));
        self.truth.add(truth, error);
        self.greatest = self.greatest.max(absolute).min(f64::MAX);
        Ok(())
    }

    /// Adds all rows of other sums.
    ///
    /// # Errors
    /// [`RegressionError::Origin`]; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), RegressionError> {
        self.truth.merge(&other.truth)?;
        self.error.merge(&other.error);
        self.absolute.merge(&other.absolute);
        self.squared.merge(&other.squared);
        self.relative.merge(&other.relative);
        self.greatest = self.greatest.max(other.greatest);
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.error.n()
    }

    /// The mean of predicted − true, with its normal interval; none without rows.
    #[must_use]
    pub fn mean_error(&self, confidence: Confidence) -> Option<Estimate> {
        self.error.mean_estimate(confidence)
    }

    /// The mean of |predicted − true|, with its normal interval; none without rows.
    #[must_use]
    pub fn mean_absolute_error(&self, confidence: Confidence) -> Option<Estimate> {
        self.absolute.mean_estimate(confidence).map(not_negative)
    }

    /// The mean of (predicted − true)², with its normal interval; none without rows.
    #[must_use]
    pub fn mean_squared_error(&self, confidence: Confidence) -> Option<Estimate> {
        self.squared.mean_estimate(confidence).map(not_negative)
    }

    /// The root of the mean squared error; its interval is the roots of that one's ends; none without rows.
    #[must_use]
    pub fn root_mean_squared_error(&self, confidence: Confidence) -> Option<Estimate> {
        let Estimate { value, interval } = self.mean_squared_error(confidence)?;
        let root =
            |interval: Interval| Interval { lower: interval.lower.sqrt(), upper: interval.upper.sqrt() };
        Some(Estimate { value: value.sqrt(), interval: interval.map(root) })
    }

    /// The mean of |predicted − true| / |true| as a share, not in percent, with its normal interval; none without rows.
    ///
    /// Source: scikit-learn's `mean_absolute_percentage_error`, which divides by at least 2⁻⁵²: a true value of 0 makes it huge.
    #[must_use]
    pub fn mean_absolute_percentage_error(&self, confidence: Confidence) -> Option<Estimate> {
        self.relative.mean_estimate(confidence).map(not_negative)
    }

    /// The greatest of |predicted − true|; none without rows. It has no interval: a sample says little of what is greatest.
    #[must_use]
    pub fn max_error(&self) -> Option<f64> {
        (self.n() > 0 && self.greatest < f64::MAX).then_some(self.greatest)
    }

    /// The coefficient of determination R², with the delta method's interval; none of fewer than two rows. As in scikit-learn, if all true
    /// values are equal it is 1 without errors and 0 with.
    ///
    /// The value does not suffer from cancellation, whatever the origin: the variance of the true values comes from exact sums. The
    /// interval needs fourth powers, and is absent if the origin is more than 100 standard deviations from their mean.
    ///
    /// Source: with r = 1 − R² = Σe² / Σ(y − ȳ)² and B = Σ(y − ȳ)²/n, the standard error is √(Σ(e² − r(y − ȳ)²)²) / (n B).
    #[must_use]
    pub fn r_squared(&self, confidence: Confidence) -> Option<Estimate> {
        let errors =
            ErrorSums { squares: self.error.sum_of_squares()?, fourth_powers: self.squared.sum_of_squares() };
        self.truth.r_squared(&errors, confidence)
    }
}

pub(super) fn not_negative(estimate: Estimate) -> Estimate {
    let interval = estimate.interval.map(|interval| within(interval, 0.0, f64::INFINITY));
    Estimate { interval, ..estimate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_refused_and_adds_nothing() {
        let mut sums = RegressionSums::new(0.0).unwrap();
        for found in [f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(sums.add(found, 1.0), Err(RegressionError::NotFinite { found }));
            assert_eq!(sums.add(1.0, found), Err(RegressionError::NotFinite { found }));
            assert_eq!(RegressionSums::new(found), Err(RegressionError::NotFinite { found }));
        }
        assert!(sums.add(f64::NAN, 1.0).is_err());
        let error = RegressionError::Origin { expected: 0.0, found: 1.0 };
        assert_eq!(sums.merge(&RegressionSums::new(1.0).unwrap()), Err(error));
        assert_eq!(sums, RegressionSums::new(0.0).unwrap());
        assert_eq!((sums.max_error(), sums.r_squared(Confidence::default())), (None, None));
    }

    #[test]
    fn what_overflows_is_unknown() {
        let mut sums = RegressionSums::new(0.0).unwrap();
        sums.add(-1e308, 1e308).unwrap();
        sums.add(1.0, 1e160).unwrap();
        let confidence = Confidence::default();
        assert_eq!(sums.mean_absolute_error(confidence), None);
        assert_eq!(sums.mean_squared_error(confidence), None);
        assert_eq!((sums.max_error(), sums.r_squared(confidence)), (None, None));
    }
}
