//! The golden file, and how its numbers are compared with ours.

use metrics::interval::Confidence;
use metrics::{Estimate, Interval};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Of sums.
pub(crate) const SUM: f64 = 1e-12;
/// Of special functions and standard errors.
pub(crate) const SPECIAL: f64 = 1e-9;
/// Of resampled ends, as a share of the interval's width.
const RESAMPLED: f64 = 0.12;

const SCORE_BITS: i32 = 20;
const VALUE_BITS: i32 = 10;

/// A part of the golden file.
pub(crate) fn golden<T: DeserializeOwned>(part: &str) -> T {
    let mut golden: Value = serde_json::from_str(include_str!("../../golden/performance.json")).unwrap();
    serde_json::from_value(golden[part].take()).unwrap_or_else(|error| panic!("`{part}`: {error}"))
}

/// A mean and its standard error.
#[derive(Deserialize)]
pub(crate) struct Mean {
    pub(crate) value: f64,
    pub(crate) standard_error: f64,
}

/// What whole multiples stand for: scores, or values.
pub(crate) fn scores(multiples: &[i64]) -> Vec<f64> {
    multiples.iter().map(|&multiple| multiple as f64 / 2_f64.powi(SCORE_BITS)).collect()
}

pub(crate) fn values(multiples: &[i64]) -> Vec<f64> {
    multiples.iter().map(|&multiple| multiple as f64 / 2_f64.powi(VALUE_BITS)).collect()
}

pub(crate) fn confidence(level: f64) -> Confidence {
    Confidence::new(level).unwrap()
}

#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs().max(1.0), "found {found}, expected {expected}");
}

#[track_caller]
pub(crate) fn assert_relative(found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs(), "found {found}, expected {expected}");
}

#[track_caller]
pub(crate) fn assert_interval(found: Option<Interval>, expected: [f64; 2], tolerance: f64) {
    let found = found.expect("an interval");
    assert_close(found.lower, expected[0], tolerance);
    assert_close(found.upper, expected[1], tolerance);
}

/// Whether the interval is the normal one of this standard error, cut to the metric's range; none if the error is zero or unknown.
#[track_caller]
pub(crate) fn assert_normal(found: &Estimate, standard_error: Option<f64>, range: (f64, f64)) {
    // The derivatives of the complex step round to some 1e-17 where they cancel to zero.
    let Some(error) = standard_error.filter(|&error| error > 1e-15) else {
        let width = found.interval.map_or(0.0, |interval| interval.upper - interval.lower);
        assert!(width < 1e-14, "{found:?}");
        return;
    };
    let half_width = Confidence::default().z() * error;
    let interval = found.interval.expect("an interval");
    assert_close(interval.lower, (found.value - half_width).max(range.0), SPECIAL);
    assert_close(interval.upper, (found.value + half_width).min(range.1), SPECIAL);
}

#[track_caller]
pub(crate) fn assert_mean(found: Option<Estimate>, expected: &Mean, range: (f64, f64)) {
    let found = found.expect("an estimate");
    assert_close(found.value, expected.value, SUM);
    assert_normal(&found, Some(expected.standard_error), range);
}

/// Whether the interval's ends are near those of resampling.
#[track_caller]
pub(crate) fn assert_resampled(found: Option<Interval>, expected: [f64; 2]) {
    let found = found.expect("an interval");
    let room = RESAMPLED * (expected[1] - expected[0]);
    let is_near = |found: f64, expected: f64| (found - expected).abs() <= room;
    assert!(is_near(found.lower, expected[0]) && is_near(found.upper, expected[1]), "{found:?} {expected:?}");
}
