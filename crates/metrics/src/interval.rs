//! Confidence intervals: of proportions, of means from sums, and of anything whose standard error is known.
//!
//! They hold for independent observations, one interval at a time: nothing here corrects for looking often or at many metrics.

mod confidence;
mod moments;
mod proportion;

pub use confidence::{Confidence, ConfidenceError};
pub use moments::Moments;
pub use proportion::{clopper_pearson, wilson, wilson_estimate};

use crate::{Estimate, Interval};

/// The normal interval `value ± z · standard_error`; none if the standard error is zero or unknown, as it is where every observation
/// says the same: a width of nothing would claim certainty.
#[must_use]
pub fn normal(value: f64, standard_error: f64, confidence: Confidence) -> Option<Interval> {
    let half_width = confidence.z() * standard_error;
    let is_known = value.is_finite() && half_width.is_finite() && half_width > 0.0;
    is_known.then_some(Interval { lower: value - half_width, upper: value + half_width })
}

/// The part of an interval that lies between the least and the greatest value that the metric can have.
#[must_use]
pub const fn within(interval: Interval, least: f64, greatest: f64) -> Interval {
    Interval { lower: interval.lower.max(least), upper: interval.upper.min(greatest) }
}

/// A value with its normal interval, cut to the metric's range.
#[must_use]
pub fn estimate_within(
    value: f64,
    standard_error: f64,
    range: (f64, f64),
    confidence: Confidence,
) -> Estimate {
    let interval = normal(value, standard_error, confidence);
    Estimate { value, interval: interval.map(|interval| within(interval, range.0, range.1)) }
}

/// The standard error of a smooth function of cell probabilities that are estimated by shares of `n` observations: the delta method.
/// Each cell is `(probability, derivative of the function by that probability)`.
///
/// Source: √((Σ p g² − (Σ p g)²) / n), the multinomial covariance between two gradients.
#[must_use]
pub fn delta_method(cells: impl IntoIterator<Item = (f64, f64)>, n: u64) -> f64 {
    let (mut mean, mut mean_of_squares) = (0.0, 0.0);
    for (probability, derivative) in cells {
        mean += probability * derivative;
        mean_of_squares += probability * derivative * derivative;
    }
    ((mean_of_squares - mean * mean).max(0.0) / n as f64).sqrt()
}
