//! Intervals against statsmodels and SciPy, and moments against exact fractions.

use metrics::interval::{Confidence, Moments, clopper_pearson, normal, wilson};
use serde::Deserialize;

use crate::golden::{SPECIAL, SUM, assert_interval, assert_relative, confidence, golden, values};

#[derive(Deserialize)]
struct Proportion {
    n_successes: u64,
    n: u64,
    level: f64,
    wilson: [f64; 2],
    clopper_pearson: [f64; 2],
}

#[test]
fn proportions_have_the_intervals_of_statsmodels() {
    let cases: Vec<Proportion> = golden("proportions");
    assert_eq!(cases.len(), 69);
    for case in cases {
        let confidence = confidence(case.level);
        assert_interval(wilson(case.n_successes, case.n, confidence), case.wilson, SUM);
        let found = clopper_pearson(case.n_successes, case.n, confidence).unwrap();
        let tolerance = if case.n > 1_000_000 { 1e-6 } else { SPECIAL };
        assert_relative(found.lower, case.clopper_pearson[0], tolerance);
        assert_relative(found.upper, case.clopper_pearson[1], tolerance);
    }
}

#[test]
fn impossible_proportions_have_no_interval() {
    for (n_successes, n) in [(0, 0), (2, 1), (u64::MAX, 0)] {
        assert_eq!(wilson(n_successes, n, Confidence::default()), None);
        assert_eq!(clopper_pearson(n_successes, n, Confidence::default()), None);
    }
}

#[test]
fn the_greatest_counts_have_an_interval() {
    for n_successes in [0, 1, u64::MAX / 2, u64::MAX] {
        for find in [wilson, clopper_pearson] {
            let found = find(n_successes, u64::MAX, Confidence::default()).unwrap();
            assert!(0.0 <= found.lower && found.lower <= found.upper && found.upper <= 1.0, "{found:?}");
        }
    }
}

#[derive(Deserialize)]
struct Quantile {
    level: f64,
    z: f64,
}

#[test]
fn levels_have_the_normal_quantiles_of_scipy() {
    for case in golden::<Vec<Quantile>>("quantiles") {
        assert_relative(confidence(case.level).z(), case.z, SPECIAL);
    }
}

#[derive(Deserialize)]
struct Mean {
    values: Vec<i64>,
    mean: f64,
    variance: f64,
    standard_error: f64,
    interval: Option<[f64; 2]>,
}

#[test]
fn means_and_variances_are_exact_however_far_from_zero() {
    for case in golden::<Vec<Mean>>("means") {
        let mut moments = Moments::default();
        values(&case.values).into_iter().for_each(|value| moments.add(value));
        let found = moments.mean_estimate(Confidence::default()).unwrap();
        assert_relative(found.value, case.mean, SUM);
        assert_relative(moments.sample_variance().unwrap(), case.variance, SUM);
        assert_eq!(
            found.interval.is_some(),
            normal(case.mean, case.standard_error, Confidence::default()).is_some()
        );
        if let Some(expected) = case.interval {
            assert_interval(found.interval, expected, SUM);
        }
    }
}
