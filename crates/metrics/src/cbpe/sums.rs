//! Mergeable sums of calibrated probabilities, from which the metrics of two classes are estimated.

use serde::{Deserialize, Serialize};

use super::metric::share_estimate;
use super::{CountMetric, ExpectedConfusion, REFERENCE_SIGMAS, SamplingError};
use crate::{Estimate, ExactSum, Interval};

/// A prediction between two classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The model's score before calibration, from 0 to 1: what ranks rows.
    pub score: f64,
    /// The calibrated probability of a positive label.
    pub probability: f64,
    /// What the model answered.
    pub is_predicted_positive: bool,
}

/// Expected positives and negatives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Expected {
    positives: ExactSum,
    negatives: ExactSum,
    variance: ExactSum,
}

impl Expected {
    fn add(&mut self, probability: f64) {
        self.positives.add(probability);
        self.negatives.add(1.0 - probability);
        self.variance.add(probability * (1.0 - probability));
    }

    fn merge(&mut self, other: &Self) {
        self.positives.merge(&other.positives);
        self.negatives.merge(&other.negatives);
        self.variance.merge(&other.variance);
    }
}

/// Counters of unlabelled predictions between two classes: the expected confusion matrix, and a histogram of scores with the expected
/// labels in each bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CbpeSums {
    n: u64,
    n_left_out: u64,
    predicted_positive: Expected,
    predicted_negative: Expected,
    score_bins: Vec<Expected>,
}

/// Why sums do not merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Their histograms of scores differ.
    #[error("expected {expected} bins of scores, found {found}")]
    ScoreBins {
        /// The number of bins that was to be added to.
        expected: usize,
        /// The other's number of bins.
        found: usize,
    },
    /// They are of different classes.
    #[error("expected {expected} classes, found {found}")]
    Classes {
        /// The number of classes that was to be added to.
        expected: usize,
        /// The other's number of classes.
        found: usize,
    },
}

impl CbpeSums {
    /// Nothing counted, with so many bins of equal width for scores from 0 to 1; without bins there is no area under the ROC curve.
    #[must_use]
    pub fn new(n_score_bins: usize) -> Self {
        let empty = Expected::default();
        let score_bins = vec![empty.clone(); n_score_bins];
        Self { n: 0, n_left_out: 0, predicted_positive: empty.clone(), predicted_negative: empty, score_bins }
    }

    /// Adds a prediction. Where the calibrated probability is none, or score bins are kept and the score is NaN, it is counted apart;
    /// scores beyond 0 and 1 lie in the first and the last bin.
    pub fn add(&mut self, row: Row) {
        let is_probability = (0.0..=1.0).contains(&row.probability);
        if !is_probability || (!self.score_bins.is_empty() && row.score.is_nan()) {
            self.n_left_out += 1;
            return;
        }
        self.n += 1;
        let answer = if row.is_predicted_positive {
            &mut self.predicted_positive
        } else {
            &mut self.predicted_negative
        };
        answer.add(row.probability);
        let bin = score_bin(row.score, self.score_bins.len());
        if let Some(bin) = self.score_bins.get_mut(bin) {
            bin.add(row.probability);
        }
    }

    /// Adds everything that other sums were given.
    ///
    /// # Errors
    /// [`MergeError::ScoreBins`], with nothing added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let (expected, found) = (self.score_bins.len(), other.score_bins.len());
        if expected != found {
            return Err(MergeError::ScoreBins { expected, found });
        }
        self.n += other.n;
        self.n_left_out += other.n_left_out;
        self.predicted_positive.merge(&other.predicted_positive);
        self.predicted_negative.merge(&other.predicted_negative);
        self.score_bins.iter_mut().zip(&other.score_bins).for_each(|(bin, other)| bin.merge(other));
        Ok(())
    }

    /// The number of predictions.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The number of rows whose calibrated probability, or score, was none.
    #[must_use]
    pub const fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// The confusion matrix that labels would realise on average.
    #[must_use]
    pub fn confusion(&self) -> ExpectedConfusion {
        ExpectedConfusion {
            true_positives: self.predicted_positive.positives.value(),
            false_positives: self.predicted_positive.negatives.value(),
            false_negatives: self.predicted_negative.positives.value(),
            true_negatives: self.predicted_negative.negatives.value(),
            variance_of_positives: self.predicted_positive.variance.value(),
            variance_of_negatives: self.predicted_negative.variance.value(),
        }
    }

    /// A metric's estimate, 0 where its denominator is 0, with the interval in which the realised metric is to be expected; none
    /// without predictions.
    #[must_use]
    pub fn estimate(&self, metric: CountMetric, error: SamplingError<'_>) -> Option<Estimate> {
        let confusion = self.confusion();
        let margin = match error {
            SamplingError::ReferenceSigma(reference) => {
                let error = reference.spread(metric).and_then(|spread| spread.sampling_error(self.n));
                error.map(|error| error * REFERENCE_SIGMAS)
            }
            SamplingError::PoissonBinomial { confidence } => {
                confusion.poisson_binomial_margin(metric, confidence)
            }
        };
        Some(share_estimate(confusion.value(metric)?, margin))
    }

    /// The expected area under the ROC curve, pairs within one bin of scores counting half; its interval is where it lies whatever the
    /// order within the bins, and holds no sampling error. None without expected positives or negatives, or without bins.
    ///
    /// Source: `Σ P_i (N_{<i} + ½ N_i) / (P N)`, P and N being the expected positives and negatives of the bins.
    #[must_use]
    pub fn roc_auc(&self) -> Option<Estimate> {
        let (mut positives, mut negatives, mut won, mut tied) = (0.0, 0.0, 0.0, 0.0);
        for bin in &self.score_bins {
            let (bin_positives, bin_negatives) = (bin.positives.value(), bin.negatives.value());
            won += bin_positives * negatives;
            tied += bin_positives * bin_negatives;
            positives += bin_positives;
            negatives += bin_negatives;
        }
        let pairs: f64 = positives * negatives;
        let share = |pairs_won: f64| pairs_won / pairs;
        let interval = Interval { lower: share(won), upper: share(won + tied) };
        (pairs > 0.0).then(|| Estimate { value: share(won + 0.5 * tied), interval: Some(interval) })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and is bounded by the bins"
)]
fn score_bin(score: f64, n_bins: usize) -> usize {
    ((score * n_bins as f64) as usize).min(n_bins.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(rows: &[Row]) -> CbpeSums {
        let mut sums = CbpeSums::new(8);
        rows.iter().for_each(|&row| sums.add(row));
        sums
    }

    fn row() -> impl Strategy<Value = Row> {
        let probability = prop_oneof![9 => 0.0..=1.0_f64, 1 => Just(f64::NAN)];
        (0.0..=1.0_f64, probability, any::<bool>()).prop_map(|(score, probability, is_predicted_positive)| {
            Row { score, probability, is_predicted_positive }
        })
    }

    #[test]
    fn without_rows_there_is_no_estimate() {
        let error = SamplingError::PoissonBinomial { confidence: 0.95 };
        assert_eq!(CbpeSums::new(8).estimate(CountMetric::Accuracy, error), None);
        assert_eq!(CbpeSums::new(8).roc_auc(), None);
    }

    #[test]
    fn a_metric_without_denominator_is_zero_without_interval() {
        let sums = sums(&[Row { score: 0.2, probability: 0.3, is_predicted_positive: false }]);
        let error = SamplingError::PoissonBinomial { confidence: 0.95 };
        assert_eq!(
            sums.estimate(CountMetric::Precision, error),
            Some(Estimate { value: 0.0, interval: None })
        );
        let no_reference = SamplingError::ReferenceSigma(&super::super::ReferenceCounts::default());
        assert_eq!(
            sums.estimate(CountMetric::Recall, no_reference),
            Some(Estimate { value: 0.0, interval: None })
        );
    }

    #[test]
    fn written_and_read_they_are_the_same() {
        // Short decimals: unlike others, every reader of JSON gives them back to the bit.
        let eighths = (0_u8..=8).map(|eighth| f64::from(eighth) / 8.0);
        let rows =
            eighths.map(|share| Row { score: share, probability: share, is_predicted_positive: share > 0.5 });
        let sums = sums(&rows.collect::<Vec<_>>());
        let text = serde_json::to_string(&sums).unwrap();
        assert_eq!(serde_json::from_str::<CbpeSums>(&text).unwrap(), sums);
    }

    #[test]
    fn histograms_of_other_sizes_do_not_merge() {
        assert_eq!(
            CbpeSums::new(8).merge(&CbpeSums::new(9)),
            Err(MergeError::ScoreBins { expected: 8, found: 9 })
        );
    }

    #[test]
    fn scores_beyond_the_ends_lie_in_the_outer_bins() {
        assert_eq!([-1.0, 0.0, 0.125, 0.99, 1.0, 7.0].map(|score| score_bin(score, 8)), [0, 0, 1, 7, 7, 7]);
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(rows in prop::collection::vec(row(), 0..60), cuts in (0_usize..60, 0_usize..60)) {
            let (a, b) = (cuts.0.min(cuts.1).min(rows.len()), cuts.0.max(cuts.1).min(rows.len()));
            let mut left = sums(&rows[..a]);
            left.merge(&sums(&rows[a..b])).unwrap();
            left.merge(&sums(&rows[b..])).unwrap();
            let mut tail = sums(&rows[a..b]);
            tail.merge(&sums(&rows[b..])).unwrap();
            tail.merge(&sums(&rows[..a])).unwrap();
            prop_assert_eq!(&sums(&rows), &left);
            prop_assert_eq!(left, tail);
        }
    }
}
