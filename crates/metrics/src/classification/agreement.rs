//! Metrics of the whole confusion matrix: how far predictions and truth agree.

use super::class_metric::{ClassMetric, Weights};
use super::influence::{Influence, Part};
use super::matrix::ConfusionMatrix;
use crate::Estimate;
use crate::interval::{Confidence, estimate_within, wilson_estimate};

const CORRELATIONS: (f64, f64) = (-1.0, 1.0);

impl ConfusionMatrix {
    /// The share of observations that were predicted as what they are, with Wilson's interval; none without observations.
    #[must_use]
    pub fn accuracy(&self, confidence: Confidence) -> Option<Estimate> {
        wilson_estimate(self.n_right(), self.n(), confidence)
    }

    /// The mean recall over the classes that occur, with the delta method's interval; none without observations. Classes that are never
    /// true are left out, as in scikit-learn.
    #[must_use]
    pub fn balanced_accuracy(&self, confidence: Confidence) -> Option<Estimate> {
        let classes = self.classes();
        let n_occurring = classes.iter().filter(|class| class.n_true > 0).count();
        let weight = 1.0 / n_occurring as f64;
        let weights = classes.iter().map(|class| if class.n_true > 0 { weight } else { 0.0 }).collect();
        self.mean_over_classes(ClassMetric::Recall, &Weights::Given(weights), confidence)
    }

    /// Cohen's κ, without weights, with the delta method's interval; none without observations or if all are of one class and predicted
    /// as it.
    ///
    /// Source: J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960: (pₒ − pₑ) / (1 − pₑ).
    #[must_use]
    pub fn cohen_kappa(&self, confidence: Confidence) -> Option<Estimate> {
        let margins = self.margins()?;
        let by_chance: f64 = margins.iter().map(|&(truth, predicted)| truth * predicted).sum();
        if margins.iter().any(|&(truth, predicted)| truth * predicted >= 1.0) {
            return None;
        }
        let observed = self.n_right() as f64 / self.n() as f64;
        let beyond_chance = 1.0 - by_chance;
        let by_observed = 1.0 / beyond_chance;
        let of_chance = -(1.0 - observed) / (beyond_chance * beyond_chance);
        let influence = Influence::new(margins.iter().map(|&(truth, predicted)| Part {
            everywhere: 0.0,
            diagonal: by_observed,
            row: of_chance * predicted,
            column: of_chance * truth,
        }));
        let value = (observed - by_chance) / beyond_chance;
        Some(estimate_within(value, influence.standard_error(self), CORRELATIONS, confidence))
    }

    /// Matthews' correlation coefficient of any number of classes, with the delta method's interval; none without observations. As in
    /// scikit-learn it is 0, here without an interval, if all observations are of one class or predicted as one.
    ///
    /// Source: J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004: with tₖ and qₖ how often
    /// class k is true and predicted of n, and c how often both, (cn − Σ tₖqₖ) / √((n² − Σ tₖ²)(n² − Σ qₖ²)).
    #[must_use]
    pub fn matthews_correlation(&self, confidence: Confidence) -> Option<Estimate> {
        let margins = self.margins()?;
        if margins.iter().any(|&(truth, predicted)| truth >= 1.0 || predicted >= 1.0) {
            return Some(Estimate { value: 0.0, interval: None });
        }
        let observed = self.n_right() as f64 / self.n() as f64;
        let by_chance: f64 = margins.iter().map(|&(truth, predicted)| truth * predicted).sum();
        let spread = |share: &dyn Fn(&(f64, f64)) -> f64| -> f64 {
            margins.iter().map(|margin| share(margin) * (1.0 - share(margin))).sum()
        };
        let (of_truth, of_predicted) = (spread(&|margin| margin.0), spread(&|margin| margin.1));
        let scale = (of_truth * of_predicted).sqrt();
        let value = (observed - by_chance) / scale;
        let influence = Influence::new(margins.iter().map(|&(truth, predicted)| Part {
            everywhere: 0.0,
            diagonal: 1.0 / scale,
            row: value * truth / of_truth - predicted / scale,
            column: value * predicted / of_predicted - truth / scale,
        }));
        Some(estimate_within(value, influence.standard_error(self), CORRELATIONS, confidence))
    }

    /// For each class the shares of observations of which it is true and predicted; none without observations.
    fn margins(&self) -> Option<Vec<(f64, f64)>> {
        let n = Some(self.n()).filter(|&n| n > 0)? as f64;
        let classes = self.classes().into_iter();
        Some(classes.map(|class| (class.n_true as f64 / n, class.n_predicted as f64 / n)).collect())
    }
}
