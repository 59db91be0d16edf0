//! Platt's sigmoid scaling: a logistic curve from a model's score to a probability.

use serde::{Deserialize, Serialize};

/// Newton steps at most; some ten suffice.
const MAX_STEPS: usize = 100;

/// Halvings of a Newton step at most.
const MAX_HALVINGS: i32 = 40;

/// Added to the diagonal of the second derivatives, so that scores that are all the same have a solution.
///
/// Source: Lin, Lin and Weng, "A note on Platt's probabilistic outputs for support vector machines", 2007.
const RIDGE: f64 = 1e-12;

/// A fitted sigmoid: `1 / (1 + exp(slope · score + intercept))`. The slope is negative where higher scores are likelier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlattScaling {
    /// The factor of the score.
    pub slope: f64,
    /// What is added.
    pub intercept: f64,
}

/// Why there is no sigmoid.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PlattError {
    /// Nothing to fit.
    #[error("expected at least one row, found none")]
    NoRows,
    /// A score that is infinite or none.
    #[error("expected a finite score in row {row}, found {score}")]
    Score {
        /// The index of its row.
        row: usize,
        /// The score.
        score: f64,
    },
}

impl PlattScaling {
    /// The sigmoid that makes labels likeliest; a row is a score and a label. Labels are drawn in from 1 and 0 to `(P + 1) / (P + 2)`
    /// and `1 / (N + 2)`, P and N being their numbers.
    ///
    /// Source: Platt 1999 by Newton's method with halving steps (Lin, Lin and Weng 2007). scikit-learn's `_sigmoid_calibration`
    /// minimises the same loss and stops at a gradient of 1e-6.
    ///
    /// # Errors
    /// Any [`PlattError`].
    pub fn fit(rows: &[(f64, bool)]) -> Result<Self, PlattError> {
        if rows.is_empty() {
            return Err(PlattError::NoRows);
        }
        if let Some((row, &(score, _))) = rows.iter().enumerate().find(|(_, row)| !row.0.is_finite()) {
            return Err(PlattError::Score { row, score });
        }
        // In units of the largest score, which keeps the ridge small beside the second derivatives.
        let unit = rows.iter().map(|row| row.0.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let (targets, start) = targets(rows);
        let scaled: Vec<(f64, f64)> =
            rows.iter().zip(targets).map(|(row, target)| (row.0 / unit, target)).collect();
        let fitted = minimised(&scaled, start);
        Ok(Self { slope: fitted.slope / unit, intercept: fitted.intercept })
    }

    /// The probability of a positive label at a score.
    #[must_use]
    pub fn probability(self, score: f64) -> f64 {
        logistic(-self.exponent(score))
    }

    fn exponent(self, score: f64) -> f64 {
        self.slope * score + self.intercept
    }

    fn moved(self, step: (f64, f64), share: f64) -> Self {
        Self { slope: self.slope - share * step.0, intercept: self.intercept - share * step.1 }
    }
}

/// The targets of rows, and where to start.
fn targets(rows: &[(f64, bool)]) -> (impl Iterator<Item = f64>, PlattScaling) {
    let n_positive = rows.iter().filter(|row| row.1).count() as f64;
    let n_negative = rows.len() as f64 - n_positive;
    let positive = (n_positive + 1.0) / (n_positive + 2.0);
    let negative = 1.0 / (n_negative + 2.0);
    let intercept = libm::log((n_negative + 1.0) / (n_positive + 1.0));
    let targets = rows.iter().map(move |row| if row.1 { positive } else { negative });
    (targets, PlattScaling { slope: 0.0, intercept })
}

fn minimised(rows: &[(f64, f64)], start: PlattScaling) -> PlattScaling {
    let mut at = start;
    for _ in 0..MAX_STEPS {
        let step = newton_step(rows, at);
        let loss_here = loss(rows, at);
        let shares = (0..MAX_HALVINGS).map(|halvings| libm::ldexp(1.0, -halvings));
        let next = shares.map(|share| at.moved(step, share)).find(|&next| loss(rows, next) < loss_here);
        let Some(next) = next else { break };
        at = next;
    }
    // One last step where the loss no longer tells: it is flat to rounding well before the root of its slope is.
    let polished = at.moved(newton_step(rows, at), 1.0);
    if loss(rows, polished) <= loss(rows, at) * (1.0 + f64::EPSILON * 16.0) { polished } else { at }
}

/// `Σ log(1 + exp(z)) - (1 - t) z` with `z = slope · score + intercept`.
fn loss(rows: &[(f64, f64)], at: PlattScaling) -> f64 {
    let of_row = |&(score, target): &(f64, f64)| {
        let exponent = at.exponent(score);
        libm::log1p(libm::exp(-exponent.abs())) + exponent.max(0.0) - (1.0 - target) * exponent
    };
    rows.iter().map(of_row).sum()
}

/// The inverse of the loss's second derivatives times its first.
fn newton_step(rows: &[(f64, f64)], at: PlattScaling) -> (f64, f64) {
    let (mut by_slope, mut by_intercept) = (0.0, 0.0);
    let (mut slope_slope, mut slope_intercept, mut intercept_intercept) = (RIDGE, 0.0, RIDGE);
    for &(score, target) in rows {
        let exponent = at.exponent(score);
        let error = target - logistic(-exponent);
        let curvature = logistic(exponent) * logistic(-exponent);
        by_slope += score * error;
        by_intercept += error;
        slope_slope += score * score * curvature;
        slope_intercept += score * curvature;
        intercept_intercept += curvature;
    }
    let determinant = slope_slope * intercept_intercept - slope_intercept * slope_intercept;
    let slope = (intercept_intercept * by_slope - slope_intercept * by_intercept) / determinant;
    let intercept = (slope_slope * by_intercept - slope_intercept * by_slope) / determinant;
    (slope, intercept)
}

/// `1 / (1 + exp(-x))`, without overflow.
fn logistic(x: f64) -> f64 {
    let below = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + below) } else { below / (1.0 + below) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_checked() {
        assert_eq!(PlattScaling::fit(&[]), Err(PlattError::NoRows));
        assert!(matches!(PlattScaling::fit(&[(f64::NAN, true)]), Err(PlattError::Score { row: 0, .. })));
    }

    #[test]
    fn scores_that_are_all_the_same_get_the_share_of_positives() {
        let fitted = PlattScaling::fit(&[(2.0, true), (2.0, false), (2.0, false)]).unwrap();
        let expected = (2.0 / 3.0 + 2.0 / 4.0) / 3.0;
        assert!((fitted.probability(2.0) - expected).abs() < 1e-9);
        let zeros = PlattScaling::fit(&[(0.0, true), (0.0, false)]).unwrap();
        assert!((zeros.probability(0.0) - 0.5).abs() < 1e-12);
    }
}
