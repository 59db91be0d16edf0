//! The estimates for more than two classes: accuracy, and means over classes of one-vs-rest metrics.

use serde::{Deserialize, Serialize};

use super::metric::{share_estimate, two_sided_quantile};
use super::{CbpeSums, CountMetric, MergeError, REFERENCE_SIGMAS, ReferenceCounts, Row, Spread};
use crate::{Estimate, ExactSum, Interval};

/// Probabilities that sum to 1, from calibrated one-vs-rest probabilities; all the same if these are all 0.
///
/// Source: NannyML 0.13.1, `_calibrate_predicted_probabilities`.
#[must_use]
pub fn normalised(probabilities: &[f64]) -> Vec<f64> {
    let total: f64 = probabilities.iter().sum();
    let uniform = 1.0 / probabilities.len() as f64;
    probabilities.iter().map(|probability| if total == 0.0 { uniform } else { probability / total }).collect()
}

/// How the sampling error of a metric of several classes is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MulticlassSamplingError<'a> {
    /// NannyML's: three standard errors, from labelled reference rows.
    ///
    /// Source: NannyML 0.13.1, `sampling_error/multiclass_classification.py`.
    ReferenceSigma(&'a MulticlassReference),
    /// From the probabilities alone, of variance `Σ p (1 - p)`: accuracy only, since the classes of one row hang together.
    PoissonBinomial {
        /// The share of intervals that hold the realised metric, above 0 and below 1.
        confidence: f64,
    },
}

/// Counters of unlabelled predictions among several classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MulticlassCbpeSums {
    n: u64,
    n_left_out: u64,
    correct: ExactSum,
    variance: ExactSum,
    classes: Vec<CbpeSums>,
}

impl MulticlassCbpeSums {
    /// Nothing counted of so many classes, with so many bins of scores for each.
    #[must_use]
    pub fn new(n_classes: usize, n_score_bins: usize) -> Self {
        let classes = vec![CbpeSums::new(n_score_bins); n_classes];
        Self { n: 0, n_left_out: 0, correct: ExactSum::default(), variance: ExactSum::default(), classes }
    }

    /// Adds a prediction: the index of the class that the model answered, the calibrated probability of each class, and the model's own
    /// score of each. A row of another number of classes, or with a number that is none, is counted apart.
    pub fn add(&mut self, predicted: usize, probabilities: &[f64], scores: &[f64]) {
        let n_classes = self.classes.len();
        let is_whole = probabilities.len() == n_classes && scores.len() == n_classes;
        let is_sound = probabilities.iter().all(|probability| (0.0..=1.0).contains(probability));
        let probability = probabilities.get(predicted).filter(|_| is_whole && is_sound);
        let Some(&of_answer) = probability.filter(|_| scores.iter().all(|score| !score.is_nan())) else {
            self.n_left_out += 1;
            return;
        };
        self.n += 1;
        self.correct.add(of_answer);
        self.variance.add(of_answer * (1.0 - of_answer));
        let columns = probabilities.iter().zip(scores).enumerate();
        for (class, (idx, (&probability, &score))) in self.classes.iter_mut().zip(columns) {
            class.add(Row { score, probability, is_predicted_positive: idx == predicted });
        }
    }

    /// Adds everything that other sums were given.
    ///
    /// # Errors
    /// [`MergeError`], with nothing added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let (expected, found) = (self.classes.len(), other.classes.len());
        if expected != found {
            return Err(MergeError::Classes { expected, found });
        }
        let mut classes = self.classes.clone();
        classes.iter_mut().zip(&other.classes).try_for_each(|(class, other)| class.merge(other))?;
        self.classes = classes;
        self.n += other.n;
        self.n_left_out += other.n_left_out;
        self.correct.merge(&other.correct);
        self.variance.merge(&other.variance);
        Ok(())
    }

    /// The sums of each class against the rest, by class index.
    #[must_use]
    pub fn classes(&self) -> &[CbpeSums] {
        &self.classes
    }

    /// The number of predictions.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The number of rows that were no predictions of these classes.
    #[must_use]
    pub const fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// A metric's estimate: for accuracy the mean probability of the answers, otherwise the mean over the classes. None without
    /// predictions.
    #[must_use]
    pub fn estimate(&self, metric: CountMetric, error: MulticlassSamplingError<'_>) -> Option<Estimate> {
        let margin = match error {
            MulticlassSamplingError::ReferenceSigma(reference) => {
                reference.sampling_error(metric, self.n).map(|error| error * REFERENCE_SIGMAS)
            }
            MulticlassSamplingError::PoissonBinomial { confidence } => {
                self.accuracy_margin(metric, confidence)
            }
        };
        Some(share_estimate(self.value(metric)?, margin))
    }

    /// The mean over the classes of [`CbpeSums::roc_auc`]; none if a class has none.
    #[must_use]
    pub fn roc_auc(&self) -> Option<Estimate> {
        let classes = self.classes.iter().map(CbpeSums::roc_auc).collect::<Option<Vec<_>>>()?;
        let intervals = classes.iter().map(|class| class.interval).collect::<Option<Vec<_>>>()?;
        let lower = mean(intervals.iter().map(|interval| interval.lower))?;
        let upper = mean(intervals.iter().map(|interval| interval.upper))?;
        let value = mean(classes.iter().map(|class| class.value))?;
        Some(Estimate { value, interval: Some(Interval { lower, upper }) })
    }

    fn value(&self, metric: CountMetric) -> Option<f64> {
        if metric == CountMetric::Accuracy {
            return (self.n > 0).then(|| self.correct.value() / self.n as f64);
        }
        let classes = self.classes.iter().map(|class| class.confusion().value(metric));
        mean(classes.collect::<Option<Vec<_>>>()?.into_iter())
    }

    fn accuracy_margin(&self, metric: CountMetric, confidence: f64) -> Option<f64> {
        let quantile = two_sided_quantile(confidence).filter(|_| metric == CountMetric::Accuracy)?;
        Some(quantile * self.variance.value().sqrt() / self.n as f64)
    }
}

/// Counters of labelled reference rows among several classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MulticlassReference {
    n: u64,
    n_correct: u64,
    classes: Vec<ReferenceCounts>,
}

impl MulticlassReference {
    /// Nothing counted of so many classes.
    #[must_use]
    pub fn new(n_classes: usize) -> Self {
        Self { n: 0, n_correct: 0, classes: vec![ReferenceCounts::default(); n_classes] }
    }

    /// Adds a row: the index of the class that the model answered, and of the true one.
    pub fn add(&mut self, predicted: usize, label: usize) {
        self.n += 1;
        self.n_correct += u64::from(predicted == label);
        self.classes
            .iter_mut()
            .enumerate()
            .for_each(|(idx, class)| class.add(idx == predicted, idx == label));
    }

    /// Adds everything that others counted.
    ///
    /// # Errors
    /// [`MergeError::Classes`], with nothing added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let (expected, found) = (self.classes.len(), other.classes.len());
        if expected != found {
            return Err(MergeError::Classes { expected, found });
        }
        self.n += other.n;
        self.n_correct += other.n_correct;
        self.classes.iter_mut().zip(&other.classes).for_each(|(class, other)| class.merge(other));
        Ok(())
    }

    /// The standard error of a metric over so many rows; none if the reference cannot say.
    #[must_use]
    pub fn sampling_error(&self, metric: CountMetric, n: u64) -> Option<f64> {
        if metric == CountMetric::Accuracy {
            let share = self.n_correct as f64 / self.n as f64;
            return Spread { std: (share * (1.0 - share)).sqrt(), fraction: 1.0 }.sampling_error(n);
        }
        let classes = self.classes.iter().map(|class| class.one_vs_rest_spread(metric));
        Spread::macro_sampling_error(&classes.collect::<Option<Vec<_>>>()?, n)
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| values.sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(rows: &[(usize, Vec<f64>)]) -> MulticlassCbpeSums {
        let mut sums = MulticlassCbpeSums::new(3, 4);
        rows.iter().for_each(|(predicted, row)| sums.add(*predicted, &normalised(row), row));
        sums
    }

    #[test]
    fn rows_of_other_classes_are_counted_apart() {
        let mut sums = MulticlassCbpeSums::new(2, 4);
        sums.add(0, &[0.5, 0.5, 0.0], &[0.5, 0.5, 0.0]);
        sums.add(2, &[0.5, 0.5], &[0.5, 0.5]);
        sums.add(0, &[0.5, f64::NAN], &[0.5, 0.5]);
        sums.add(0, &[0.5, 0.5], &[0.5, f64::NAN]);
        assert_eq!((sums.n(), sums.n_left_out(), sums.roc_auc()), (0, 4, None));
        let error = MulticlassSamplingError::PoissonBinomial { confidence: 0.95 };
        assert!(CountMetric::ALL.iter().all(|&metric| sums.estimate(metric, error).is_none()));
    }

    #[test]
    fn only_accuracy_has_an_interval_from_probabilities_alone() {
        let sums = sums(&[(0, vec![0.5, 0.3, 0.2]), (1, vec![0.1, 0.8, 0.1])]);
        let error = MulticlassSamplingError::PoissonBinomial { confidence: 0.95 };
        let interval = |metric| sums.estimate(metric, error).unwrap().interval;
        assert!(interval(CountMetric::Accuracy).is_some() && interval(CountMetric::F1).is_none());
    }

    #[test]
    fn sums_of_other_shapes_do_not_merge() {
        let classes = Err(MergeError::Classes { expected: 2, found: 3 });
        assert_eq!(MulticlassCbpeSums::new(2, 4).merge(&MulticlassCbpeSums::new(3, 4)), classes);
        assert_eq!(MulticlassReference::new(2).merge(&MulticlassReference::new(3)), classes);
        let bins = Err(MergeError::ScoreBins { expected: 4, found: 5 });
        assert_eq!(MulticlassCbpeSums::new(2, 4).merge(&MulticlassCbpeSums::new(2, 5)), bins);
    }

    #[test]
    fn probabilities_that_are_all_zero_become_uniform() {
        assert_eq!(normalised(&[0.0, 0.0]), [0.5, 0.5]);
        assert!(normalised(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(
            rows in prop::collection::vec((0_usize..4, prop::collection::vec(0.0..1.0_f64, 2..4)), 0..40),
            cuts in (0_usize..40, 0_usize..40),
        ) {
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

        #[test]
        fn references_merge_to_the_whole(rows in prop::collection::vec((0_usize..3, 0_usize..3), 0..40), cut in 0_usize..40) {
            let reference = |rows: &[(usize, usize)]| {
                let mut reference = MulticlassReference::new(3);
                rows.iter().for_each(|&(predicted, label)| reference.add(predicted, label));
                reference
            };
            let cut = cut.min(rows.len());
            let mut merged = reference(&rows[cut..]);
            merged.merge(&reference(&rows[..cut])).unwrap();
            prop_assert_eq!(merged, reference(&rows));
        }
    }
}
