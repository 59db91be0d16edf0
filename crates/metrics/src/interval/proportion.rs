//! Intervals of a proportion, from a count of successes among trials.

use statrs::function::{beta::checked_beta_reg, gamma::checked_gamma_lr};

use super::Confidence;
use crate::{Estimate, Interval};

/// Halvings that take an interval of [0, 1] to neighbouring floating-point numbers down to 1e-280.
const MAX_HALVINGS: usize = 1000;
/// Beyond this many of both successes and failures the beta distribution is normal but for corrections.
const FEW: f64 = 1e5;
/// Beyond this many of one and few of the other it is all but a gamma distribution.
const MANY: f64 = 1e8;

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
/// without trials or with more successes than trials. Its ends are within 1e-9 of themselves up to a million trials, and within 1e-6
/// beyond.
///
/// Source: C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial", 1934: with
/// α = 1 − level, the quantiles α/2 of Beta(k, n−k+1) and 1 − α/2 of Beta(k+1, n−k).
#[must_use]
pub fn clopper_pearson(n_successes: u64, n: u64, confidence: Confidence) -> Option<Interval> {
    let n_failures = n.checked_sub(n_successes).filter(|_| n > 0)?;
    let tail = (1.0 - confidence.level()) / 2.0;
    let (k, rest) = (n_successes as f64, n_failures as f64);
    let lower = match n_successes {
        0 => 0.0,
        _ => beta_quantile(k, rest + 1.0, (tail, -confidence.z()))?,
    };
    let upper = match n_failures {
        0 => 1.0,
        _ => beta_quantile(k + 1.0, rest, (1.0 - tail, confidence.z()))?,
    };
    Some(Interval { lower, upper })
}

/// Where the distribution function of Beta(a, b) reaches a probability, which comes with its normal quantile.
fn beta_quantile(a: f64, b: f64, (probability, z): (f64, f64)) -> Option<f64> {
    if a.min(b) > FEW { Some(expanded_quantile(a, b, z)) } else { searched_quantile(a, b, probability) }
}

/// By the normal quantile and the first four cumulants: off by some (a⁻¹ + b⁻¹)^1.5 standard deviations.
///
/// Source: E. A. Cornish, R. A. Fisher, "Moments and Cumulants in the Specification of Distributions", 1938.
fn expanded_quantile(a: f64, b: f64, z: f64) -> f64 {
    let sum = a + b;
    let standard_deviation = (a / sum * (b / sum) / (sum + 1.0)).sqrt();
    let skewness = 2.0 * (b - a) * (sum + 1.0).sqrt() / ((sum + 2.0) * (a * b).sqrt());
    let excess =
        6.0 * ((a - b) * (a - b) * (sum + 1.0) / (a * b) - (sum + 2.0)) / ((sum + 2.0) * (sum + 3.0));
    let by_skewness = (z * z - 1.0) * skewness / 6.0 - (2.0 * z * z - 5.0) * z * skewness * skewness / 36.0;
    let standard = z + by_skewness + (z * z - 3.0) * z * excess / 24.0;
    (a / sum + standard_deviation * standard).clamp(0.0, 1.0)
}

/// By halving: unlike Newton's method it always ends.
fn searched_quantile(a: f64, b: f64, probability: f64) -> Option<f64> {
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..MAX_HALVINGS {
        let middle = f64::midpoint(below, above);
        if middle <= below || middle >= above {
            break;
        }
        if beta_distribution(a, b, middle)? < probability {
            below = middle;
        } else {
            above = middle;
        }
    }
    Some(above)
}

/// The distribution function of Beta(a, b) at `x`, of which one shape is small: by the gamma distribution where the other is so large that
/// logarithms of its gamma function cancel.
///
/// Source: I_x(a, b) ≈ P(a, −(b + (a − 1)/2) ln(1 − x)), off by some (a/b)²/24 of itself.
fn beta_distribution(a: f64, b: f64, x: f64) -> Option<f64> {
    let few_of_many = |few: f64, many: f64, logarithm: f64| {
        checked_gamma_lr(few, -logarithm * (many + (few - 1.0) / 2.0)).ok()
    };
    match (a > MANY, b > MANY) {
        (false, true) => few_of_many(a, b, libm::log1p(-x)),
        (true, false) => few_of_many(b, a, libm::log(x)).map(|probability| 1.0 - probability),
        _ => checked_beta_reg(a, b, x).ok(),
    }
}
