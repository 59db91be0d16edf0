//! Areas under curves from counts of scores in bins, which merge.

use serde::{Deserialize, Serialize};

use super::RankingError;
use super::groups::{Auc, Group, auc, average_precision};
use crate::bins::bin_of;
use crate::interval::{Confidence, estimate_within};
use crate::{Estimate, Interval};

/// The most bins that a histogram may have between 0 and 1.
pub const MAX_SCORE_BINS: usize = 1 << 16;

/// How many positive and negative rows have scores in each of equal-width bins of [0, 1], below and above. A bin holds its upper edge, the
/// first also 0. Counts that reach `u64::MAX` stay there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct ScoreHistogram {
    // Invariant: as many of each: below, 1 to `MAX_SCORE_BINS` bins, above.
    positives: Vec<u64>,
    negatives: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    positives: Vec<u64>,
    negatives: Vec<u64>,
}

/// What is no histogram of scores, or does not fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// A number of bins that no histogram has.
    #[error("expected 1 to {MAX_SCORE_BINS} bins, found {found}")]
    BinCount {
        /// The number.
        found: usize,
    },
    /// Counts of positive and negative rows that do not fit each other, or too few.
    #[error("expected as many positive as negative counts, at least 3, found {positives} and {negatives}")]
    CountsLength {
        /// How many counts of positive rows there are.
        positives: usize,
        /// How many of negative rows.
        negatives: usize,
    },
    /// Two histograms, or sets of them, of different sizes.
    #[error("expected {expected}, found {found}")]
    Size {
        /// What the one that is added to has: bins or classes.
        expected: usize,
        /// What the one that is added has.
        found: usize,
    },
    /// Too few classes.
    #[error("expected at least two classes, found {found}")]
    ClassCount {
        /// How many there are.
        found: usize,
    },
}

/// A metric of scores that are known to their bin alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundedEstimate {
    /// The metric as if the scores in a bin were tied, with its interval.
    pub estimate: Estimate,
    /// Where the metric of the scores themselves lies, whatever their order in a bin.
    pub bounds: Interval,
}

impl ScoreHistogram {
    /// A histogram without rows. The bounds of its metrics are as wide as bins are full: 1000 is plenty for scores that spread.
    ///
    /// # Errors
    /// [`HistogramError::BinCount`] unless there are 1 to [`MAX_SCORE_BINS`] bins.
    pub fn new(n_bins: usize) -> Result<Self, HistogramError> {
        if n_bins == 0 || n_bins > MAX_SCORE_BINS {
            return Err(HistogramError::BinCount { found: n_bins });
        }
        Ok(Self { positives: vec![0; n_bins + 2], negatives: vec![0; n_bins + 2] })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`RankingError::NotANumber`]; nothing is added then.
    pub fn add(&mut self, score: f64, is_positive: bool) -> Result<(), RankingError> {
        if score.is_nan() {
            return Err(RankingError::NotANumber { index: 0 });
        }
        let n_bins = self.n_bins();
        let counts = if is_positive { &mut self.positives } else { &mut self.negatives };
        let place = if score < 0.0 {
            0
        } else if score > 1.0 {
            n_bins + 1
        } else {
            1 + bin_of(score, n_bins)
        };
        if let Some(count) = counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// Adds all rows of another histogram.
    ///
    /// # Errors
    /// [`HistogramError::Size`]; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        let (expected, found) = (self.n_bins(), other.n_bins());
        if expected != found {
            return Err(HistogramError::Size { expected, found });
        }
        let more = other.positives.iter().chain(&other.negatives);
        for (count, more) in self.positives.iter_mut().chain(&mut self.negatives).zip(more) {
            *count = count.saturating_add(*more);
        }
        Ok(())
    }

    /// How many bins there are between 0 and 1.
    #[must_use]
    pub fn n_bins(&self) -> usize {
        self.positives.len().saturating_sub(2)
    }

    /// How many positive rows there are.
    #[must_use]
    pub fn n_positive(&self) -> u64 {
        self.positives.iter().copied().fold(0, u64::saturating_add)
    }

    /// How many negative rows there are.
    #[must_use]
    pub fn n_negative(&self) -> u64 {
        self.negatives.iter().copied().fold(0, u64::saturating_add)
    }

    /// The area under the ROC curve with DeLong's interval and its bounds; none unless there are positive and negative rows.
    #[must_use]
    pub fn roc_auc(&self, confidence: Confidence) -> Option<BoundedEstimate> {
        let Auc { value, standard_error, bounds } = self.auc()?;
        let estimate = estimate_within(value, standard_error, (0.0, 1.0), confidence);
        Some(BoundedEstimate { estimate, bounds })
    }

    /// The average precision with the interval of its logit and its bounds; none without positive rows.
    #[must_use]
    pub fn average_precision(&self, confidence: Confidence) -> Option<BoundedEstimate> {
        let precision = average_precision(&self.groups())?;
        let estimate = Estimate { value: precision.value, interval: precision.interval(confidence) };
        Some(BoundedEstimate { estimate, bounds: precision.bounds })
    }

    pub(super) fn auc(&self) -> Option<Auc> {
        auc(&self.groups())
    }

    fn groups(&self) -> Vec<Group> {
        let counts = self.positives.iter().zip(&self.negatives);
        counts.map(|(&n_positive, &n_negative)| Group { n_positive, n_negative }).collect()
    }
}

impl TryFrom<Parts> for ScoreHistogram {
    type Error = HistogramError;

    fn try_from(Parts { positives, negatives }: Parts) -> Result<Self, HistogramError> {
        if positives.len() != negatives.len() || positives.len() < 3 {
            let (positives, negatives) = (positives.len(), negatives.len());
            return Err(HistogramError::CountsLength { positives, negatives });
        }
        Self::new(positives.len() - 2)?;
        Ok(Self { positives, negatives })
    }
}

impl From<ScoreHistogram> for Parts {
    fn from(histogram: ScoreHistogram) -> Self {
        Self { positives: histogram.positives, negatives: histogram.negatives }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_outside_have_counts_of_their_own() {
        let mut histogram = ScoreHistogram::new(2).unwrap();
        for score in [f64::NEG_INFINITY, -1e-300, 0.0, 0.5, 0.500_001, 1.0, 1.000_001] {
            histogram.add(score, true).unwrap();
        }
        assert!(histogram.add(f64::NAN, false).is_err());
        let json = serde_json::to_string(&histogram).unwrap();
        assert_eq!(json, r#"{"positives":[2,2,2,1],"negatives":[0,0,0,0]}"#);
        assert_eq!(serde_json::from_str::<ScoreHistogram>(&json).unwrap(), histogram);
        assert_eq!(histogram.roc_auc(Confidence::default()), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for found in [0, MAX_SCORE_BINS + 1, usize::MAX] {
            assert_eq!(ScoreHistogram::new(found), Err(HistogramError::BinCount { found }));
        }
        let mut histogram = ScoreHistogram::new(2).unwrap();
        let other = ScoreHistogram::new(3).unwrap();
        assert_eq!(histogram.merge(&other), Err(HistogramError::Size { expected: 2, found: 3 }));
        for json in [r#"{"positives":[1,1],"negatives":[1,1]}"#, r#"{"positives":[1,1,1],"negatives":[1]}"#] {
            let error = serde_json::from_str::<ScoreHistogram>(json).unwrap_err();
            assert!(error.to_string().contains("expected as many"), "{error}");
        }
    }

    #[test]
    fn the_greatest_counts_do_not_overflow() {
        let json =
            format!(r#"{{"positives":[{max},{max},{max}],"negatives":[{max},{max},{max}]}}"#, max = u64::MAX);
        let histogram: ScoreHistogram = serde_json::from_str(&json).unwrap();
        assert!(histogram.roc_auc(Confidence::default()).is_some());
        assert!(histogram.average_precision(Confidence::default()).is_some());
    }
}
