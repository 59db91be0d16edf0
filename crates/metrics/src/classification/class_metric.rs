//! Metrics of one class against the rest, and their averages over classes.

use super::influence::{Influence, Part};
use super::matrix::ConfusionMatrix;
use super::ratio::{Ratio, Shares};
use crate::interval::{Confidence, estimate_within, wilson_estimate};
use crate::{Estimate, Interval};

const SHARES: (f64, f64) = (0.0, 1.0);

/// A metric of one class against the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClassMetric {
    /// Of what was predicted as the class, the share that is of it: TP / (TP + FP).
    Precision,
    /// Of what is of the class, the share that was predicted as it: TP / (TP + FN).
    Recall,
    /// Of what is not of the class, the share that was not predicted as it: TN / (TN + FP).
    Specificity,
    /// Precision and recall in one, the recall weighing β times as much: (1 + β²) TP / ((1 + β²) TP + β² FN + FP).
    FBeta(f64),
}

/// How a metric of each class becomes one of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The mean over the classes.
    Macro,
    /// The mean over the classes, weighted by how often each is true.
    Weighted,
    /// The metric of all classes' counts added up.
    Micro,
}

/// What the metric of each class counts in a mean.
pub(super) enum Weights {
    /// These, which do not depend on the data.
    Given(Vec<f64>),
    /// How often the class is true.
    Observed,
}

impl ConfusionMatrix {
    /// A metric of one class; none beyond the last class, without observations, or at a β that is negative or no number. The interval is
    /// Wilson's, for `FBeta` the delta method's.
    ///
    /// As in scikit-learn with `zero_division=0`, a metric that divides zero by zero is 0; it has no interval then.
    #[must_use]
    pub fn of_class(&self, metric: ClassMetric, class: usize, confidence: Confidence) -> Option<Estimate> {
        let n = self.n();
        let counts = *self.classes().get(class).filter(|_| n > 0)?;
        let proportion = |n_right: u64, n: u64| {
            Some(wilson_estimate(n_right, n, confidence).unwrap_or(Estimate { value: 0.0, interval: None }))
        };
        match metric {
            ClassMetric::Precision => proportion(counts.n_both, counts.n_predicted),
            ClassMetric::Recall => proportion(counts.n_both, counts.n_true),
            ClassMetric::Specificity => proportion(counts.n_neither(n), n.saturating_sub(counts.n_true)),
            ClassMetric::FBeta(beta) => {
                let ratio = Ratio::of(metric, Shares::of(counts, n)).filter(|_| is_beta(beta))?;
                let standard_error = ratio.standard_error(Shares::of(counts, n), n);
                Some(estimate_within(ratio.value(), standard_error, SHARES, confidence))
            }
        }
    }

    /// The average of a metric over the classes; none without observations or at a β that is negative or no number. The interval is the
    /// delta method's, for `Micro` Wilson's; it allows for the weights being estimated too.
    ///
    /// As in scikit-learn with `labels` naming every class and `zero_division=0`, a class whose metric divides zero by zero counts as 0;
    /// the average has no interval then, for the data do not say how well that class is told apart.
    #[must_use]
    pub fn average(&self, metric: ClassMetric, average: Average, confidence: Confidence) -> Option<Estimate> {
        let n = self.n();
        let is_valid = if let ClassMetric::FBeta(beta) = metric { is_beta(beta) } else { true };
        if n == 0 || !is_valid {
            return None;
        }
        match average {
            Average::Macro => {
                let weights = vec![1.0 / self.n_classes() as f64; self.n_classes()];
                self.mean_over_classes(metric, &Weights::Given(weights), confidence)
            }
            Average::Weighted => self.mean_over_classes(metric, &Weights::Observed, confidence),
            Average::Micro => self.micro(metric, confidence),
        }
    }

    /// The weighted mean of a metric over the classes, without an interval if a class that has weight has no metric.
    pub(super) fn mean_over_classes(
        &self,
        metric: ClassMetric,
        weights: &Weights,
        confidence: Confidence,
    ) -> Option<Estimate> {
        let n = Some(self.n()).filter(|&n| n > 0)?;
        let classes: Vec<Shares> = self.classes().into_iter().map(|counts| Shares::of(counts, n)).collect();
        let ratios = classes.iter().map(|&shares| Ratio::of(metric, shares));
        let ratios = ratios.collect::<Option<Vec<_>>>()?;
        let (weights, by_weight) = match weights {
            Weights::Given(weights) => (weights.clone(), 0.0),
            Weights::Observed => (classes.iter().map(|shares| shares.truth).collect(), 1.0),
        };
        let weighted = || ratios.iter().zip(&weights);
        let value = weighted().map(|(ratio, weight)| weight * ratio.value()).sum();
        if weighted().any(|(ratio, &weight)| weight > 0.0 && !ratio.is_defined()) {
            return Some(Estimate { value, interval: None });
        }
        let influence = Influence::new(weighted().map(|(ratio, &weight)| {
            let part = ratio.derivative().scaled(weight);
            Part { row: part.row + by_weight * ratio.value(), ..part }
        }));
        Some(estimate_within(value, influence.standard_error(self), SHARES, confidence))
    }

    /// Of all classes' counts added up: precision, recall and F are the accuracy; the specificity of K classes is K − 2 + accuracy over
    /// K − 1.
    fn micro(&self, metric: ClassMetric, confidence: Confidence) -> Option<Estimate> {
        let accuracy = self.accuracy(confidence)?;
        if metric != ClassMetric::Specificity {
            return Some(accuracy);
        }
        let n_others = (self.n_classes() - 1) as f64;
        if n_others <= 0.0 {
            return Some(Estimate { value: 0.0, interval: None });
        }
        let specificity = |accuracy: f64| (n_others - 1.0 + accuracy) / n_others;
        let interval = accuracy.interval.map(|interval| Interval {
            lower: specificity(interval.lower),
            upper: specificity(interval.upper),
        });
        Some(Estimate { value: specificity(accuracy.value), interval })
    }
}

fn is_beta(beta: f64) -> bool {
    beta.is_finite() && beta >= 0.0
}
