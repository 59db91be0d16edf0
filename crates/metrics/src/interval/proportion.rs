//! Intervals of a proportion, from a count of successes among trials.

use statrs::function::beta::checked_beta_reg;

use super::Confidence;
use crate::{Estimate, Interval};

/// Halvings that take an interval of [0, 1] to neighbouring floating-point numbers down to 1e-280.
const MAX_HALVINGS: usize = 1000;

/// Wilson's score interval of `n_successes / n`; none without trials or with more successes than trials.
///
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927: with q = k/n and z the normal
/// quantile, (q + z²/2n ± z √(q(1−q)/n + z²/4n²)) / (1 + z²/n).
#[must_use]
pub fn wilson(n_successes: u64, n: u64, confidence: Confidence) -> Option<Interval> {
    if n == 0 || n_successes > n {
        return None;
    }
    let n_trials = n as f64;
    let share = n_successes as f64 / n_trials;
    let z_squared = confidence.z() * confidence.z();
    let scale = 1.0 + z_squared / n_trials;
    let centre = (share + z_squared / (2.0 * n_trials)) / scale;
    let variance = share * (1.0 - share) / n_trials + z_squared / (4.0 * n_trials * n_trials);
    let half_width = confidence.z() * variance.sqrt() / scale;
    let lower = if n_successes == 0 { 0.0 } else { (centre - half_width).max(0.0) };
    let upper = if n_successes == n { 1.0 } else { (centre + half_width).min(1.0) };
    Some(Interval { lower, upper })
}

/// The proportion `n_successes / n` with Wilson's interval; none where [`wilson`] has none.
#[must_use]
pub fn wilson_estimate(n_successes: u64, n: u64, confidence: Confidence) -> Option<Estimate> {
    let interval = wilson(n_successes, n, confidence)?;
    Some(Estimate { value: n_successes as f64 / n as f64, interval: Some(interval) })
}

/// The Clopper-Pearson interval of `n_successes / n`, which holds the true proportion at least as often as asked at any `n`; none
/// without trials or with more successes than trials. Its ends are within 1e-9 of themselves up to a million trials and 1e-5 up to a
/// thousand million.
///
/// Source: C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial", 1934: with
/// α = 1 − level, the quantiles α/2 of Beta(k, n−k+1) and 1 − α/2 of Beta(k+1, n−k).
#[must_use]
pub fn clopper_pearson(n_successes: u64, n: u64, confidence: Confidence) -> Option<Interval> {
    let n_failures = n.checked_sub(n_successes).filter(|_| n > 0)?;
    let tail = (1.0 - confidence.level()) / 2.0;
    let (successes, failures) = (n_successes as f64, n_failures as f64);
    let lower = if n_successes == 0 { 0.0 } else { beta_quantile(successes, failures + 1.0, tail)? };
    let upper = if n_failures == 0 { 1.0 } else { beta_quantile(successes + 1.0, failures, 1.0 - tail)? };
    Some(Interval { lower, upper })
}

/// Where the distribution function of Beta(a, b) reaches a probability, by halving: unlike Newton's method it always ends.
fn beta_quantile(a: f64, b: f64, probability: f64) -> Option<f64> {
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..MAX_HALVINGS {
        let middle = f64::midpoint(below, above);
        if middle <= below || middle >= above {
            break;
        }
        if checked_beta_reg(a, b, middle).ok()? < probability {
            below = middle;
        } else {
            above = middle;
        }
    }
    Some(above)
}
