//! Sampling errors from labelled reference rows, as NannyML has them.

use serde::{Deserialize, Serialize};

use super::CountMetric;

/// How many standard errors NannyML's band reaches to each side.
///
/// Source: NannyML 0.13.1, `SAMPLING_ERROR_RANGE`.
pub const REFERENCE_SIGMAS: f64 = 3.0;

/// By what NannyML widens the sampling error of a macro-averaged area under the ROC curve.
///
/// Source: NannyML 0.13.1, `sampling_error/multiclass_classification.py`.
pub const MACRO_ROC_AUC_WIDENING: f64 = 1.2;

/// How a metric scatters over rows: the standard deviation of what one row contributes, and the share of rows that contribute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The standard deviation of one contributing row.
    pub std: f64,
    /// The share of rows that contribute. A standard deviation found on resamples of `m` rows, as NannyML's of the average precision,
    /// has the "share" `1/m`.
    pub fraction: f64,
}

impl Spread {
    /// The standard error of the metric over so many rows; none if none contribute.
    ///
    /// Source: `std / √(n · fraction)`.
    #[must_use]
    pub fn sampling_error(self, n: u64) -> Option<f64> {
        let contributing = n as f64 * self.fraction;
        (contributing > 0.0 && self.std.is_finite()).then(|| self.std / contributing.sqrt())
    }

    /// The standard error of the mean of one metric per class over so many rows.
    ///
    /// Source: NannyML 0.13.1: `√(Σ std² / (n · fraction)) / K` over K classes. It is wider by [`MACRO_ROC_AUC_WIDENING`] for the area
    /// under the ROC curve.
    #[must_use]
    pub fn macro_sampling_error(classes: &[Self], n: u64) -> Option<f64> {
        let errors = classes.iter().map(|class| class.sampling_error(n));
        let variance = errors.map(|error| error.map(|error| error * error)).sum::<Option<f64>>()?;
        (!classes.is_empty()).then(|| variance.sqrt() / classes.len() as f64)
    }
}

/// Counters of labelled reference rows: their confusion matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceCounts {
    /// Positive and predicted so.
    pub true_positives: u64,
    /// Negative, predicted positive.
    pub false_positives: u64,
    /// Positive, predicted negative.
    pub false_negatives: u64,
    /// Negative and predicted so.
    pub true_negatives: u64,
}

impl ReferenceCounts {
    /// Adds a row.
    pub const fn add(&mut self, is_predicted_positive: bool, label: bool) {
        let count = match (is_predicted_positive, label) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, true) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        };
        *count += 1;
    }

    /// Adds everything that others counted.
    pub const fn merge(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
        self.true_negatives += other.true_negatives;
    }

    /// The number of rows.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// How a metric of two classes scatters; none if no row contributes.
    ///
    /// Source: NannyML 0.13.1: rows contribute 1 or 0 to accuracy, precision, recall and specificity; to F1 they contribute
    /// `m / (TP + ½ (FP + FN))` or 0, of m true positives, false positives and false negatives.
    #[must_use]
    pub fn spread(&self, metric: CountMetric) -> Option<Spread> {
        let spread = self.unscaled_spread(metric)?;
        let mistakes = (self.false_positives + self.false_negatives) as f64;
        let true_positives = self.true_positives as f64;
        let scale = match metric {
            CountMetric::F1 => (true_positives + mistakes) / (true_positives + 0.5 * mistakes),
            _ => 1.0,
        };
        Some(Spread { std: spread.std * scale, ..spread })
    }

    /// How a metric of one class among several scatters; none if no row contributes.
    ///
    /// Source: NannyML 0.13.1, which leaves out the factor of F1 here.
    #[must_use]
    pub fn one_vs_rest_spread(&self, metric: CountMetric) -> Option<Spread> {
        self.unscaled_spread(metric)
    }

    fn unscaled_spread(&self, metric: CountMetric) -> Option<Spread> {
        let (ones, zeros) = match metric {
            CountMetric::Accuracy => {
                (self.true_positives + self.true_negatives, self.false_positives + self.false_negatives)
            }
            CountMetric::Precision => (self.true_positives, self.false_positives),
            CountMetric::Recall => (self.true_positives, self.false_negatives),
            CountMetric::Specificity => (self.true_negatives, self.false_positives),
            CountMetric::F1 => (self.true_positives, self.false_positives + self.false_negatives),
        };
        let relevant = ones + zeros;
        let share = ones as f64 / relevant as f64;
        let fraction = relevant as f64 / self.n() as f64;
        (relevant > 0).then(|| Spread { std: (share * (1.0 - share)).sqrt(), fraction })
    }
}
