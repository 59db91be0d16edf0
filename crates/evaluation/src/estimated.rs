//! The accuracy that calibrated probabilities promise, of rows with or without labels, and how far labels depart from it.

use metrics::{
    Estimate,
    cbpe::{CbpeSums, CountMetric, GapSums, Row as Expectation, SamplingError},
    interval::Confidence,
    isotonic::{IsotonicRegression, Observation},
};
use serde::{Deserialize, Serialize};

use crate::row::{Outcome, Row};

/// From so many labelled rows on, confidences are calibrated.
const LEAST_TO_CALIBRATE: usize = 50;

/// Counters of what the probabilities promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    sums: CbpeSums,
    gap: GapSums,
}

/// Whether labels follow the calibrated probabilities. If they do not while the probabilities promise what they always did, the concept
/// has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromiseGap {
    /// How many labelled rows this is of.
    pub n: u64,
    /// The share that was right.
    pub realised: f64,
    /// The share that the probabilities of the same rows promised.
    pub promised: f64,
    /// How often chance alone makes a gap as wide, if labels follow the probabilities.
    pub p_value: f64,
}

impl Estimated {
    /// Counters of nothing.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { sums: CbpeSums::new(0), gap: GapSums::default() }
    }

    /// Counts a row whose model gave a probability of what it predicted.
    pub(crate) fn add_prediction(&mut self, row: &Row<'_>, calibrator: &IsotonicRegression) {
        let Some(confidence) = confidence(row) else { return };
        let probability = calibrator.predict(confidence);
        self.sums.add(Expectation { score: confidence, probability, is_predicted_positive: true });
    }

    /// Counts whether such a row was right, if that is known.
    pub(crate) fn add_truth(&mut self, row: &Row<'_>, calibrator: &IsotonicRegression) {
        if let Some((confidence, is_right)) = confidence(row).zip(is_right(row)) {
            self.gap.add(calibrator.predict(confidence), is_right);
        }
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        // Neither has bins that could differ.
        let _ = self.sums.merge(&other.sums);
        self.gap.merge(&other.gap);
    }

    /// The accuracy of all rows that the probabilities promise, with the spread of their labels.
    ///
    /// Source: NannyML's confidence-based performance estimation.
    #[must_use]
    pub fn accuracy(&self, confidence: Confidence) -> Option<Estimate> {
        self.sums.estimate(
            CountMetric::Accuracy,
            SamplingError::PoissonBinomial { confidence: confidence.level() },
        )
    }

    /// How far the labels of the labelled rows depart from what was promised of them.
    #[must_use]
    pub fn gap(&self) -> Option<PromiseGap> {
        let gap = self.gap.gap()?;
        Some(PromiseGap { n: gap.n, realised: gap.realised, promised: gap.estimated, p_value: gap.p_value })
    }
}

/// Calibrates the probability of what is predicted by rows of known truth; none if there are too few of them.
#[must_use]
pub(crate) fn calibrator(sample: &[Row<'_>]) -> Option<IsotonicRegression> {
    let observed: Vec<Observation> = sample
        .iter()
        .filter_map(|row| Some(Observation::new(confidence(row)?, f64::from(u8::from(is_right(row)?)))))
        .collect();
    if observed.len() < LEAST_TO_CALIBRATE {
        return None;
    }
    IsotonicRegression::fit(observed).ok()
}

/// The probability of the predicted class.
fn confidence(row: &Row<'_>) -> Option<f64> {
    let Outcome::Class(Some(class)) = row.predicted else { return None };
    row.probabilities.get(class).copied().filter(|it| !it.is_nan()).map(|it| it.clamp(0.0, 1.0))
}

fn is_right(row: &Row<'_>) -> Option<bool> {
    match (row.predicted, row.truth?) {
        (Outcome::Class(predicted), Outcome::Class(truth)) => Some(predicted == truth),
        _ => None,
    }
}
