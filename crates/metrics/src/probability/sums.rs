//! Proper scores of probabilities, from sums.

use serde::{Deserialize, Serialize};

use super::{ProbabilityError, check_probability};
use crate::Estimate;
use crate::interval::{Confidence, Moments, within};

/// The sums of log losses and Brier scores of rows, and of their squares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbabilitySums {
    log_loss: Moments,
    brier: Moments,
}

impl ProbabilitySums {
    /// Adds a row of a binary model: the probability of the positive class, and whether the row is of it.
    ///
    /// # Errors
    /// [`ProbabilityError::Probability`]; nothing is added then.
    pub fn add_binary(&mut self, positive: f64, is_positive: bool) -> Result<(), ProbabilityError> {
        check_probability(positive)?;
        let of_truth = if is_positive { positive } else { 1.0 - positive };
        let difference = if is_positive { 1.0 - positive } else { positive };
        self.log_loss.add(log_loss(of_truth));
        self.brier.add(difference * difference);
        Ok(())
    }

    /// Adds a row of any model: the probability of each class, and the true one. Two classes are the binary case.
    ///
    /// # Errors
    /// [`ProbabilityError`]; nothing is added then.
    pub fn add_row(&mut self, probabilities: &[f64], truth: usize) -> Result<(), ProbabilityError> {
        let n_classes = probabilities.len();
        if n_classes < 2 {
            return Err(ProbabilityError::RowLength { found: n_classes });
        }
        probabilities.iter().copied().try_for_each(check_probability)?;
        let of_truth = probabilities.get(truth).copied();
        let of_truth = of_truth.ok_or(ProbabilityError::Class { n_classes, found: truth })?;
        let squares = probabilities.iter().enumerate().map(|(class, probability)| {
            let difference = if class == truth { 1.0 - probability } else { *probability };
            difference * difference
        });
        let scale = if n_classes == 2 { 0.5 } else { 1.0 };
        self.log_loss.add(log_loss(of_truth));
        self.brier.add(scale * squares.sum::<f64>());
        Ok(())
    }

    /// Adds everything that others have been given.
    pub fn merge(&mut self, other: &Self) {
        self.log_loss.merge(&other.log_loss);
        self.brier.merge(&other.brier);
    }

    /// How many rows there are.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.log_loss.n()
    }

    /// The mean of −ln p of the true class, in nats, with its normal interval; none without rows.
    ///
    /// Source: p is first clipped to ε to 1 − ε with ε = 2⁻⁵², as scikit-learn's `log_loss` clips double precision; a row costs at most
    /// 36.04 then.
    #[must_use]
    pub fn log_loss(&self, confidence: Confidence) -> Option<Estimate> {
        self.log_loss.mean_estimate(confidence).map(|estimate| cut(estimate, f64::INFINITY))
    }

    /// The Brier score with its normal interval; none without rows. Of two classes it is the mean of (p − y)², from 0 to 1; of more the
    /// mean over rows of the sum over classes, from 0 to 2: scikit-learn's `brier_score_loss` with `scale_by_half="auto"`.
    #[must_use]
    pub fn brier(&self, confidence: Confidence) -> Option<Estimate> {
        self.brier.mean_estimate(confidence).map(|estimate| cut(estimate, 2.0))
    }
}

fn cut(estimate: Estimate, greatest: f64) -> Estimate {
    Estimate { interval: estimate.interval.map(|interval| within(interval, 0.0, greatest)), ..estimate }
}

fn log_loss(of_truth: f64) -> f64 {
    -libm::log(of_truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_prediction_is_refused_and_adds_nothing() {
        let mut sums = ProbabilitySums::default();
        for found in [-0.1, 1.1, f64::INFINITY] {
            let error = ProbabilityError::Probability { found };
            assert_eq!(sums.add_binary(found, true), Err(error));
            assert_eq!(sums.add_row(&[0.5, found, 0.0], 0), Err(error));
        }
        assert!(sums.add_binary(f64::NAN, true).is_err());
        assert_eq!(sums.add_row(&[1.0], 0), Err(ProbabilityError::RowLength { found: 1 }));
        assert_eq!(sums.add_row(&[0.5, 0.5], 2), Err(ProbabilityError::Class { n_classes: 2, found: 2 }));
        assert_eq!(sums, ProbabilitySums::default());
        assert_eq!(sums.log_loss(Confidence::default()), None);
    }
}
