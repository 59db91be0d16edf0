//! Temperature scaling: one number that softens or sharpens all confidences and moves no prediction.

use serde::{Deserialize, Serialize};

use super::newton::bracketed_root;

/// The range of inverse temperatures that are considered.
///
/// Source: scikit-learn 1.9.1, which seeks the logarithm between -10 and 10.
const LOG_INVERSE_TEMPERATURE: f64 = 10.0;

/// Added to a probability before its logarithm is taken.
///
/// Source: scikit-learn 1.9.1, `_convert_to_logits`.
const PROBABILITY_FLOOR: f64 = 1e-12;

/// A fitted temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemperatureScaling {
    inverse_temperature: f64,
}

/// Why there is no temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemperatureError {
    /// Nothing to fit.
    #[error("expected at least one row, found none")]
    NoRows,
    /// A row that has no logit for its label.
    #[error("expected a label below {n_classes} in row {row}, found {label}")]
    Label {
        /// The index of the row.
        row: usize,
        /// How many logits it has.
        n_classes: usize,
        /// Its label.
        label: usize,
    },
    /// A logit that is infinite or none.
    #[error("expected finite logits in row {row}")]
    Logit {
        /// The index of the row.
        row: usize,
    },
}

impl TemperatureScaling {
    /// The temperature that makes labels likeliest: the least mean of `-log softmax(logits / T)[label]`. A row is its logits, or the
    /// logarithms of its probabilities, and the index of its label. Labels that no logit argues for end at the largest temperature,
    /// e¹⁰, and logits that separate the labels at the smallest, e⁻¹⁰.
    ///
    /// Source: Guo et al. 2017, section 4.2, by Newton's method on 1/T, in which the loss is convex.
    ///
    /// # Errors
    /// Any [`TemperatureError`].
    pub fn fit(rows: &[(&[f64], usize)]) -> Result<Self, TemperatureError> {
        if rows.is_empty() {
            return Err(TemperatureError::NoRows);
        }
        rows.iter().enumerate().try_for_each(|(row, &(logits, label))| checked(row, logits, label))?;
        let bounds = (libm::exp(-LOG_INVERSE_TEMPERATURE), libm::exp(LOG_INVERSE_TEMPERATURE));
        let inverse_temperature = bracketed_root(|inverse| slope_and_curvature(rows, inverse), 1.0, bounds);
        Ok(Self { inverse_temperature })
    }

    /// The temperature: above 1 it softens confidences, below 1 it sharpens them.
    #[must_use]
    pub fn temperature(self) -> f64 {
        1.0 / self.inverse_temperature
    }

    /// The calibrated probabilities of a row's logits, or of its logarithms of probabilities.
    ///
    /// Source: `softmax(logits / T)`.
    #[must_use]
    pub fn probabilities(self, logits: &[f64]) -> Vec<f64> {
        softmax(logits, self.inverse_temperature)
    }
}

/// The logarithm of a probability, for models that give no logits; finite at 0.
///
/// Source: `log(p + 1e-12)` as in scikit-learn 1.9.1.
#[must_use]
pub fn log_probability(probability: f64) -> f64 {
    libm::log(probability + PROBABILITY_FLOOR)
}

fn checked(row: usize, logits: &[f64], label: usize) -> Result<(), TemperatureError> {
    if label >= logits.len() {
        return Err(TemperatureError::Label { row, n_classes: logits.len(), label });
    }
    let is_finite = logits.iter().all(|logit| logit.is_finite());
    if is_finite { Ok(()) } else { Err(TemperatureError::Logit { row }) }
}

fn softmax(logits: &[f64], inverse_temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> =
        logits.iter().map(|logit| libm::exp((logit - largest) * inverse_temperature)).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The loss's first and second derivative by the inverse temperature: over the rows, the expected logit less the label's, and the
/// variance of the logit.
fn slope_and_curvature(rows: &[(&[f64], usize)], inverse_temperature: f64) -> (f64, f64) {
    let of_rows = rows.iter().map(|&(logits, label)| {
        let probabilities = softmax(logits, inverse_temperature);
        let expected = |value: &dyn Fn(f64) -> f64| {
            logits
                .iter()
                .zip(&probabilities)
                .map(|(&logit, probability)| probability * value(logit))
                .sum::<f64>()
        };
        let label_logit = logits.get(label).copied().unwrap_or_default();
        let slope = expected(&|logit| logit - label_logit);
        (slope, expected(&|logit| (logit - label_logit - slope) * (logit - label_logit - slope)))
    });
    of_rows.fold((0.0, 0.0), |sums, row| (sums.0 + row.0, sums.1 + row.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_checked() {
        assert_eq!(TemperatureScaling::fit(&[]), Err(TemperatureError::NoRows));
        let label = TemperatureError::Label { row: 0, n_classes: 2, label: 2 };
        assert_eq!(TemperatureScaling::fit(&[(&[0.0, 1.0], 2)]), Err(label));
        let logit = Err(TemperatureError::Logit { row: 1 });
        assert_eq!(TemperatureScaling::fit(&[(&[0.0, 1.0], 1), (&[f64::NEG_INFINITY, 0.0], 1)]), logit);
    }

    #[test]
    fn the_range_of_temperatures_ends_somewhere() {
        let always_right = TemperatureScaling::fit(&[(&[0.0, 1.0], 1)]).unwrap();
        assert!((always_right.temperature() * libm::exp(10.0) - 1.0).abs() < 1e-12);
        let always_wrong = TemperatureScaling::fit(&[(&[0.0, 1.0], 0)]).unwrap();
        assert!((always_wrong.temperature() * libm::exp(-10.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn of_a_probability_of_zero_the_logarithm_is_finite() {
        assert!((log_probability(0.0) / -12.0 - libm::log(10.0)).abs() < 1e-12);
    }
}
