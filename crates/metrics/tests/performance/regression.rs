//! Sums of errors against scikit-learn, and intervals against the complex step and resampling.

use std::collections::BTreeMap;

use metrics::interval::Confidence;
use metrics::regression::{PinballSums, RegressionSums};
use serde::Deserialize;

use crate::golden::{
    Mean, SPECIAL, SUM, assert_close, assert_interval, assert_mean, assert_normal, assert_resampled, golden,
    values,
};

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: (f64, f64) = (0.0, f64::INFINITY);

#[derive(Deserialize)]
struct Case {
    truth: Vec<i64>,
    predicted: Vec<i64>,
    origin: f64,
    mean_error: Mean,
    mean_absolute_error: Mean,
    mean_squared_error: Mean,
    root_mean_squared_error: f64,
    percentage: Mean,
    max_error: f64,
    r_squared: f64,
    r_squared_error: Option<f64>,
    #[serde(default)]
    bootstrap: BTreeMap<String, [f64; 2]>,
}

fn cases() -> Vec<(RegressionSums, Case)> {
    let cases: Vec<Case> = golden("regression");
    assert_eq!(cases.len(), 8);
    cases.into_iter().map(|case| (sums(&case), case)).collect()
}

fn sums(case: &Case) -> RegressionSums {
    let mut sums = RegressionSums::new(case.origin).unwrap();
    for (&truth, &predicted) in values(&case.truth).iter().zip(&values(&case.predicted)) {
        sums.add(truth, predicted).unwrap();
    }
    sums
}

#[test]
fn errors_are_those_of_scikit_learn() {
    let confidence = Confidence::default();
    for (sums, case) in cases() {
        assert_mean(sums.mean_error(confidence), &case.mean_error, ANY);
        assert_mean(sums.mean_absolute_error(confidence), &case.mean_absolute_error, NOT_NEGATIVE);
        assert_mean(sums.mean_squared_error(confidence), &case.mean_squared_error, NOT_NEGATIVE);
        assert_mean(sums.mean_absolute_percentage_error(confidence), &case.percentage, NOT_NEGATIVE);
        let root = sums.root_mean_squared_error(confidence).unwrap();
        assert_close(root.value, case.root_mean_squared_error, SUM);
        assert_eq!(sums.max_error(), Some(case.max_error));
        assert_eq!(sums.n(), case.truth.len() as u64);
    }
}

#[test]
fn r_squared_is_that_of_scikit_learn_however_far_from_zero() {
    let mut n_intervals = 0;
    for (sums, case) in cases() {
        let found = sums.r_squared(Confidence::default()).unwrap();
        assert_close(found.value, case.r_squared, SUM);
        n_intervals += usize::from(found.interval.is_some());
        if found.interval.is_some() || case.origin > 0.0 {
            assert_normal(&found, case.r_squared_error, (f64::NEG_INFINITY, 1.0));
        }
    }
    // Not where the origin is far from the values, nor where they or the errors do not vary.
    assert_eq!(n_intervals, 4);
}

#[test]
fn r_squared_of_one_row_is_unknown() {
    let mut sums = RegressionSums::new(0.0).unwrap();
    sums.add(1.0, 2.0).unwrap();
    assert_eq!(sums.r_squared(Confidence::default()), None);
}

#[test]
fn intervals_are_near_those_of_resampling() {
    let (sums, case) = cases().remove(0);
    let confidence = Confidence::default();
    let interval = |name: &str| match name {
        "r_squared" => sums.r_squared(confidence)?.interval,
        "mean_absolute_error" => sums.mean_absolute_error(confidence)?.interval,
        _ => sums.root_mean_squared_error(confidence)?.interval,
    };
    assert_eq!(case.bootstrap.len(), 3);
    for (name, ends) in case.bootstrap {
        assert_resampled(interval(&name), ends);
    }
}

#[derive(Deserialize)]
struct Pinball {
    levels: Vec<f64>,
    truth: Vec<i64>,
    predicted: Vec<i64>,
    losses: Vec<Mean>,
    coverages: Vec<f64>,
    coverage_intervals: Vec<[f64; 2]>,
}

#[test]
fn predicted_quantiles_are_judged_as_by_scikit_learn() {
    let case: Pinball = golden("pinball");
    let mut sums = PinballSums::new(&case.levels).unwrap();
    for (&truth, predicted) in values(&case.truth).iter().zip(values(&case.predicted).chunks(3)) {
        sums.add(truth, predicted).unwrap();
    }
    let losses = sums.mean_losses(Confidence::default());
    assert_eq!(losses.len(), case.losses.len());
    for (found, expected) in losses.into_iter().zip(&case.losses) {
        assert_mean(found, expected, NOT_NEGATIVE);
    }
    let coverages = sums.coverages(Confidence::default());
    for (place, found) in coverages.into_iter().map(Option::unwrap).enumerate() {
        assert_close(found.value, case.coverages[place], SUM);
        assert_interval(found.interval, case.coverage_intervals[place], SPECIAL);
    }
}
