//! The metrics of a confusion matrix of expected counts, and how far their realised values scatter.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::ReferenceCounts;
use crate::{Estimate, Interval};

/// A metric of a binary confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountMetric {
    /// `(TP + TN) / n`.
    Accuracy,
    /// `TP / (TP + FP)`.
    Precision,
    /// `TP / (TP + FN)`.
    Recall,
    /// `TN / (TN + FP)`.
    Specificity,
    /// `TP / (TP + ½ (FP + FN))`.
    F1,
}

impl CountMetric {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Accuracy, Self::Precision, Self::Recall, Self::Specificity, Self::F1];
}

/// How a metric's sampling error is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SamplingError<'a> {
    /// NannyML's: three standard errors, the standard deviation being that of labelled reference rows.
    ///
    /// Source: NannyML 0.13.1, `sampling_error/binary_classification.py`.
    ReferenceSigma(&'a ReferenceCounts),
    /// From the probabilities alone: each label is a coin of its calibrated probability, so that counts follow Poisson's binomial law,
    /// of variance `Σ p (1 - p)`; normal, and by the delta method where the denominator is random too.
    PoissonBinomial {
        /// The share of intervals that hold the realised metric, above 0 and below 1.
        confidence: f64,
    },
}

/// A confusion matrix of expected counts, and the variance of the positives in each of its columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedConfusion {
    /// Expected true positives.
    pub true_positives: f64,
    /// Expected false positives.
    pub false_positives: f64,
    /// Expected false negatives.
    pub false_negatives: f64,
    /// Expected true negatives.
    pub true_negatives: f64,
    /// `Σ p (1 - p)` of the rows predicted positive: the variance of true, and of false, positives.
    pub variance_of_positives: f64,
    /// `Σ p (1 - p)` of the rows predicted negative: the variance of true, and of false, negatives.
    pub variance_of_negatives: f64,
}

impl ExpectedConfusion {
    /// The metric of the expected counts, 0 where its denominator is 0; none without rows.
    ///
    /// Source: NannyML 0.13.1, `estimate_accuracy`, `estimate_precision`, `estimate_recall`, `estimate_specificity`, `estimate_f1`.
    #[must_use]
    pub fn value(&self, metric: CountMetric) -> Option<f64> {
        let (numerator, denominator) = self.fraction(metric);
        let n = self.true_positives + self.false_positives + self.false_negatives + self.true_negatives;
        (n > 0.0).then_some(if denominator == 0.0 { 0.0 } else { numerator / denominator })
    }

    /// The variance of the metric that labels would realise, if each were drawn with its calibrated probability; none if the metric's
    /// denominator is 0.
    ///
    /// Source: with X the sum of independent coins, `Var X = Σ p (1 - p)`; for `g(X, Y)` of independent sums,
    /// `Var g ≈ (∂g/∂X)² Var X + (∂g/∂Y)² Var Y`.
    #[must_use]
    pub fn poisson_binomial_variance(&self, metric: CountMetric) -> Option<f64> {
        let (_, denominator) = self.fraction(metric);
        let (by_positives, by_negatives) = self.derivatives(metric);
        let variance = by_positives * by_positives * self.variance_of_positives
            + by_negatives * by_negatives * self.variance_of_negatives;
        (denominator > 0.0).then_some(variance)
    }

    /// Half the width of the interval at a confidence; none where there is none.
    pub(super) fn poisson_binomial_margin(&self, metric: CountMetric, confidence: f64) -> Option<f64> {
        Some(two_sided_quantile(confidence)? * self.poisson_binomial_variance(metric)?.sqrt())
    }

    fn fraction(&self, metric: CountMetric) -> (f64, f64) {
        let Self {
            true_positives: tp, false_positives: fp, false_negatives: fn_, true_negatives: tn, ..
        } = *self;
        match metric {
            CountMetric::Accuracy => (tp + tn, tp + fp + fn_ + tn),
            CountMetric::Precision => (tp, tp + fp),
            CountMetric::Recall => (tp, tp + fn_),
            CountMetric::Specificity => (tn, tn + fp),
            CountMetric::F1 => (tp, tp + 0.5 * (fp + fn_)),
        }
    }

    /// How the metric moves with the number of labels that are positive, among the rows predicted positive and among the others.
    fn derivatives(&self, metric: CountMetric) -> (f64, f64) {
        let (numerator, denominator) = self.fraction(metric);
        let squared = denominator * denominator;
        match metric {
            CountMetric::Accuracy => (1.0 / denominator, -1.0 / denominator),
            CountMetric::Precision => (1.0 / denominator, 0.0),
            CountMetric::Recall => (self.false_negatives / squared, -numerator / squared),
            CountMetric::Specificity => (numerator / squared, -self.false_positives / squared),
            CountMetric::F1 => ((denominator - 0.5 * numerator) / squared, -0.5 * numerator / squared),
        }
    }
}

/// How many standard deviations a normal interval of this confidence reaches to each side.
pub(super) fn two_sided_quantile(confidence: f64) -> Option<f64> {
    let is_share = confidence > 0.0 && confidence < 1.0;
    is_share.then(|| Normal::standard().inverse_cdf(0.5 + confidence / 2.0))
}

/// A share with an interval, which ends at 0 and 1.
pub(super) fn share_estimate(value: f64, margin: Option<f64>) -> Estimate {
    let interval = margin.filter(|margin| margin.is_finite());
    let interval = interval
        .map(|margin| Interval { lower: (value - margin).max(0.0), upper: (value + margin).min(1.0) });
    Estimate { value, interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_need_a_confidence_between_0_and_1() {
        for confidence in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(two_sided_quantile(confidence), None);
        }
        assert!((two_sided_quantile(0.95).unwrap() - 1.959_963_984_540_054).abs() < 1e-9);
    }

    #[test]
    fn derivatives_are_the_differences_of_neighbouring_counts() {
        let at = |more_tp: f64, more_fn: f64| ExpectedConfusion {
            true_positives: 30.0 + more_tp,
            false_positives: 10.0 - more_tp,
            false_negatives: 20.0 + more_fn,
            true_negatives: 60.0 - more_fn,
            variance_of_positives: 5.0,
            variance_of_negatives: 8.0,
        };
        for metric in CountMetric::ALL {
            let step = 1e-4;
            let value = |more_tp, more_fn| at(more_tp, more_fn).value(metric).unwrap();
            let (by_positives, by_negatives) = at(0.0, 0.0).derivatives(metric);
            let differences = (
                (value(step, 0.0) - value(-step, 0.0)) / (2.0 * step),
                (value(0.0, step) - value(0.0, -step)) / (2.0 * step),
            );
            assert!((by_positives - differences.0).abs() < 1e-8, "{metric:?}");
            assert!((by_negatives - differences.1).abs() < 1e-8, "{metric:?}");
        }
    }
}
