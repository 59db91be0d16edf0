//! Calibration: whether what is said with probability p comes true as often.

use serde::{Deserialize, Serialize};

use super::{ProbabilityError, check_probability};
use crate::bins::{bin_of, upper_edge};
use crate::interval::{Confidence, wilson_estimate};
use crate::{Estimate, ExactSum};

/// The most bins that a reliability curve may have.
pub const MAX_BINS: usize = 1000;

/// Equal-width bins of a probability: the confidence in the predicted class, or the probability of the positive class of a binary
/// model. A bin holds its upper edge, the first also 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Bin>", into = "Vec<Bin>")]
pub struct ReliabilityBins {
    // Invariant: 1 to `MAX_BINS` bins, none of which came true more often than it has rows.
    bins: Vec<Bin>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    n: u64,
    n_true: u64,
    sum: ExactSum,
}

/// What is no set of reliability bins, or does not fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReliabilityError {
    /// A number of bins that no curve has.
    #[error("expected 1 to {MAX_BINS} bins, found {found}")]
    BinCount {
        /// The number.
        found: usize,
    },
    /// Bins of two curves that differ in number.
    #[error("expected {expected} bins, found {found}")]
    Size {
        /// The bins of the curve that is added to.
        expected: usize,
        /// The bins of the one that is added.
        found: usize,
    },
    /// A bin that came true more often than it has rows.
    #[error("expected at most {n} rows that came true, found {found}")]
    TrueCount {
        /// The rows of the bin.
        n: u64,
        /// How many came true.
        found: u64,
    },
}

/// A bin of the reliability curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityPoint {
    /// The bin's lower edge, which it does not hold unless it is 0.
    pub lower: f64,
    /// The bin's upper edge, which it holds.
    pub upper: f64,
    /// How many rows it has.
    pub n: u64,
    /// The mean of their probabilities; none without rows.
    pub mean_probability: Option<f64>,
    /// The share of rows that came true, with Wilson's interval; none without rows.
    pub share_true: Option<Estimate>,
}

impl ReliabilityBins {
    /// Bins without rows. Usual are 10 or 15.
    ///
    /// # Errors
    /// [`ReliabilityError::BinCount`] unless there are 1 to [`MAX_BINS`] of them.
    pub fn new(n_bins: usize) -> Result<Self, ReliabilityError> {
        if n_bins == 0 || n_bins > MAX_BINS {
            return Err(ReliabilityError::BinCount { found: n_bins });
        }
        Ok(Self { bins: vec![Bin::default(); n_bins] })
    }

    /// Adds a row: a probability, and whether what it is the probability of came true.
    ///
    /// # Errors
    /// [`ProbabilityError::Probability`]; nothing is added then.
    pub fn add(&mut self, probability: f64, is_true: bool) -> Result<(), ProbabilityError> {
        check_probability(probability)?;
        let bin_idx = bin_of(probability, self.bins.len());
        if let Some(bin) = self.bins.get_mut(bin_idx) {
            bin.n = bin.n.saturating_add(1);
            bin.n_true = bin.n_true.saturating_add(u64::from(is_true));
            bin.sum.add(probability);
        }
        Ok(())
    }

    /// Adds all rows of other bins.
    ///
    /// # Errors
    /// [`ReliabilityError::Size`]; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), ReliabilityError> {
        let (expected, found) = (self.bins.len(), other.bins.len());
        if expected != found {
            return Err(ReliabilityError::Size { expected, found });
        }
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.n = bin.n.saturating_add(more.n);
            bin.n_true = bin.n_true.saturating_add(more.n_true);
            bin.sum.merge(&more.sum);
        }
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.bins.iter().fold(0, |n, bin| n.saturating_add(bin.n))
    }

    /// The expected calibration error: the mean over rows of how far their bin's share of what came true lies from its mean probability;
    /// none without rows. It has no interval: it is never below 0, and lies above its true value by chance alone, the more so the more
    /// bins and the fewer rows there are.
    ///
    /// Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", 2017, equation 3.
    #[must_use]
    pub fn expected_calibration_error(&self) -> Option<f64> {
        let n = Some(self.n()).filter(|&n| n > 0)? as f64;
        Some(self.bins.iter().filter_map(|bin| Some(bin.n as f64 / n * bin.gap()?)).sum())
    }

    /// The maximum calibration error: the greatest such distance of a bin that has rows; none without rows.
    ///
    /// Source: as [`Self::expected_calibration_error`], equation 4.
    #[must_use]
    pub fn maximum_calibration_error(&self) -> Option<f64> {
        self.bins.iter().filter_map(Bin::gap).reduce(f64::max)
    }

    /// Each bin with its mean probability and the share of its rows that came true.
    #[must_use]
    pub fn curve(&self, confidence: Confidence) -> Vec<ReliabilityPoint> {
        let n_bins = self.bins.len();
        let points = self.bins.iter().enumerate().map(|(bin_idx, bin)| ReliabilityPoint {
            lower: bin_idx.checked_sub(1).map_or(0.0, |below| upper_edge(below, n_bins)),
            upper: upper_edge(bin_idx, n_bins),
            n: bin.n,
            mean_probability: bin.mean(),
            share_true: wilson_estimate(bin.n_true, bin.n, confidence),
        });
        points.collect()
    }
}

impl Bin {
    fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum.value() / self.n as f64)
    }

    fn gap(&self) -> Option<f64> {
        Some((self.n_true as f64 / self.n as f64 - self.mean()?).abs())
    }
}

impl TryFrom<Vec<Bin>> for ReliabilityBins {
    type Error = ReliabilityError;

    fn try_from(bins: Vec<Bin>) -> Result<Self, ReliabilityError> {
        Self::new(bins.len())?;
        match bins.iter().find(|bin| bin.n_true > bin.n) {
            Some(bin) => Err(ReliabilityError::TrueCount { n: bin.n, found: bin.n_true }),
            None => Ok(Self { bins }),
        }
    }
}

impl From<ReliabilityBins> for Vec<Bin> {
    fn from(reliability: ReliabilityBins) -> Self {
        reliability.bins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        for found in [0, MAX_BINS + 1, usize::MAX] {
            assert_eq!(ReliabilityBins::new(found), Err(ReliabilityError::BinCount { found }));
        }
        let mut bins = ReliabilityBins::new(2).unwrap();
        assert!(bins.add(f64::NAN, true).is_err());
        let other = ReliabilityBins::new(3).unwrap();
        assert_eq!(bins.merge(&other), Err(ReliabilityError::Size { expected: 2, found: 3 }));
        assert_eq!(bins, ReliabilityBins::new(2).unwrap());
        assert_eq!((bins.expected_calibration_error(), bins.maximum_calibration_error()), (None, None));
    }

    #[test]
    fn only_possible_bins_are_read() {
        let mut bins = ReliabilityBins::new(1).unwrap();
        bins.add(0.25, true).unwrap();
        let json = serde_json::to_string(&bins).unwrap();
        assert_eq!(serde_json::from_str::<ReliabilityBins>(&json).unwrap(), bins);
        let error =
            serde_json::from_str::<ReliabilityBins>(&json.replace(r#""n":1"#, r#""n":0"#)).unwrap_err();
        assert!(error.to_string().contains("expected at most 0 rows"), "{error}");
        assert!(serde_json::from_str::<ReliabilityBins>("[]").is_err());
    }
}
