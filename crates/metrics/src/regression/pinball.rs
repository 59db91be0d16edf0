//! Predicted quantiles: their loss, and how often the truth is below them.

use serde::{Deserialize, Serialize};

use super::sums::not_negative;
use super::{RegressionError, check_finite};
use crate::Estimate;
use crate::interval::{Confidence, Moments, wilson_estimate};

/// The sums of the pinball losses of predicted quantiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinballSums {
    quantiles: Vec<Quantile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Quantile {
    level: f64,
    loss: Moments,
    n_covered: u64,
}

impl PinballSums {
    /// Sums without rows of the quantiles of these levels, such as 0.1, 0.5 and 0.9.
    ///
    /// # Errors
    /// [`RegressionError::Level`] unless every level is above 0 and below 1.
    pub fn new(levels: &[f64]) -> Result<Self, RegressionError> {
        if let Some(&found) = levels.iter().find(|&&level| !(level > 0.0 && level < 1.0)) {
            return Err(RegressionError::Level { found });
        }
        let quantile = |&level: &f64| Quantile { level, loss: Moments::default(), n_covered: 0 };
        Ok(Self { quantiles: levels.iter().map(quantile).collect() })
    }

    /// Adds a row: the true value and the predicted quantiles, in the order of the levels.
    ///
    /// # Errors
    /// [`RegressionError::NotFinite`], [`RegressionError::QuantileCount`]; nothing is added then.
    pub fn add(&mut self, truth: f64, predicted: &[f64]) -> Result<(), RegressionError> {
        let (expected, found) = (self.quantiles.len(), predicted.len());
        if expected != found {
            return Err(RegressionError::QuantileCount { expected, found });
        }
        check_finite(truth)?;
        predicted.iter().copied().try_for_each(check_finite)?;
        for (quantile, predicted) in self.quantiles.iter_mut().zip(predicted) {
            quantile.add(truth, *predicted);
        }
        Ok(())
    }

    /// Adds all rows of other sums.
    ///
    /// # Errors
    /// [`RegressionError::Quantiles`] unless they are of the same levels; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), RegressionError> {
        let bits = |sums: &Self| sums.quantiles.iter().map(|of| of.level.to_bits()).collect::<Vec<_>>();
        if bits(self) != bits(other) {
            return Err(RegressionError::Quantiles);
        }
        for (quantile, more) in self.quantiles.iter_mut().zip(&other.quantiles) {
            quantile.loss.merge(&more.loss);
            quantile.n_covered = quantile.n_covered.saturating_add(more.n_covered);
        }
        Ok(())
    }

    /// For each level the mean pinball loss, with its normal interval; none without rows.
    ///
    /// Source: R. Koenker, G. Bassett, "Regression Quantiles", 1978: with d = true − predicted, αd if d ≥ 0 and (α − 1)d otherwise.
    #[must_use]
    pub fn mean_losses(&self, confidence: Confidence) -> Vec<Option<Estimate>> {
        let losses = self.quantiles.iter().map(|quantile| quantile.loss.mean_estimate(confidence));
        losses.map(|estimate| estimate.map(not_negative)).collect()
    }

    /// For each level the share of true values that are at most the predicted quantile, with Wilson's interval; none without rows. It is
    /// the level itself if the quantiles are right.
    #[must_use]
    pub fn coverages(&self, confidence: Confidence) -> Vec<Option<Estimate>> {
        let quantiles = self.quantiles.iter();
        quantiles.map(|of| wilson_estimate(of.n_covered, of.loss.n(), confidence)).collect()
    }
}

impl Quantile {
    fn add(&mut self, truth: f64, predicted: f64) {
        let difference = truth - predicted;
        let slope = if difference >= 0.0 { self.level } else { self.level - 1.0 };
        self.loss.add(slope * difference);
        self.n_covered = self.n_covered.saturating_add(u64::from(truth <= predicted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_adds_nothing() {
        for found in [0.0, 1.0, -0.5, f64::INFINITY] {
            assert_eq!(PinballSums::new(&[0.5, found]), Err(RegressionError::Level { found }));
        }
        let empty = PinballSums::new(&[0.1, 0.9]).unwrap();
        let mut sums = empty.clone();
        let error = RegressionError::QuantileCount { expected: 2, found: 1 };
        assert_eq!(sums.add(0.0, &[1.0]), Err(error));
        let error = RegressionError::NotFinite { found: f64::INFINITY };
        assert_eq!(sums.add(0.0, &[1.0, f64::INFINITY]), Err(error));
        assert_eq!(sums.merge(&PinballSums::new(&[0.1, 0.8]).unwrap()), Err(RegressionError::Quantiles));
        assert_eq!(sums, empty);
        assert_eq!(sums.mean_losses(Confidence::default()), [None, None]);
        assert_eq!(sums.coverages(Confidence::default()), [None, None]);
    }
}
