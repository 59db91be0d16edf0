//! Areas under curves against scikit-learn, DeLong's standard error by its definition, and resampling.

use metrics::Interval;
use metrics::interval::Confidence;
use metrics::ranking::{
    BoundedEstimate, ClassHistograms, ClassScores, OneVsRest, ScoreHistogram, average_precision, roc_auc,
};
use serde::Deserialize;

use crate::golden::{
    SPECIAL, SUM, assert_close, assert_interval, assert_normal, assert_resampled, golden, scores,
};

const SHARES: (f64, f64) = (0.0, 1.0);

#[derive(Deserialize)]
struct Ranking {
    scores: Vec<i64>,
    labels: Vec<u8>,
    roc_auc: f64,
    standard_error: Option<f64>,
    average_precision: f64,
    average_precision_interval: Option<[f64; 2]>,
}

fn booleans(labels: &[u8]) -> Vec<bool> {
    labels.iter().map(|&label| label == 1).collect()
}

#[test]
fn areas_are_those_of_scikit_learn() {
    let cases: Vec<Ranking> = golden("rankings");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (scores, labels) = (scores(&case.scores), booleans(&case.labels));
        let area = roc_auc(&scores, &labels, Confidence::default()).unwrap().unwrap();
        assert_close(area.value, case.roc_auc, SUM);
        assert_normal(&area, case.standard_error, SHARES);
        let precision = average_precision(&scores, &labels, Confidence::default()).unwrap().unwrap();
        assert_close(precision.value, case.average_precision, SUM);
        match case.average_precision_interval {
            Some(expected) => assert_interval(precision.interval, expected, SPECIAL),
            None => assert_eq!(precision.interval, None),
        }
    }
}

#[derive(Deserialize)]
struct Bounded {
    roc_auc: f64,
    standard_error: Option<f64>,
    roc_auc_bounds: [f64; 2],
    average_precision: f64,
    average_precision_bounds: [f64; 2],
}

#[track_caller]
fn assert_bounded(histogram: &ScoreHistogram, expected: &Bounded) {
    let area = histogram.roc_auc(Confidence::default()).unwrap();
    assert_close(area.estimate.value, expected.roc_auc, SUM);
    assert_normal(&area.estimate, expected.standard_error, SHARES);
    assert_interval(Some(area.bounds), expected.roc_auc_bounds, SUM);
    let precision = histogram.average_precision(Confidence::default()).unwrap();
    assert_close(precision.estimate.value, expected.average_precision, SUM);
    assert_close(precision.bounds.lower, expected.average_precision_bounds[0], SPECIAL);
    assert_close(precision.bounds.upper, expected.average_precision_bounds[1], SUM);
}

#[derive(Deserialize)]
struct Histogram {
    n_bins: usize,
    scores: Vec<i64>,
    labels: Vec<u8>,
    positives: Vec<u64>,
    negatives: Vec<u64>,
    exact_roc_auc: f64,
    exact_average_precision: f64,
    #[serde(flatten)]
    expected: Bounded,
}

#[test]
fn histograms_are_judged_as_their_bins_by_scikit_learn() {
    let cases: Vec<Histogram> = golden("histograms");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let mut histogram = ScoreHistogram::new(case.n_bins).unwrap();
        for (&score, label) in scores(&case.scores).iter().zip(booleans(&case.labels)) {
            histogram.add(score, label).unwrap();
        }
        assert_eq!(histogram, counted(&case.positives, &case.negatives));
        assert_bounded(&histogram, &case.expected);
        let area = histogram.roc_auc(Confidence::default()).unwrap();
        assert!(holds(&area, case.exact_roc_auc));
        let precision = histogram.average_precision(Confidence::default()).unwrap();
        assert!(holds(&precision, case.exact_average_precision));
    }
}

fn holds(found: &BoundedEstimate, exact: f64) -> bool {
    let Interval { lower, upper } = found.bounds;
    let is_inside = |value: f64| lower - SUM <= value && value <= upper + SUM;
    is_inside(exact) && is_inside(found.estimate.value)
}

fn counted(positives: &[u64], negatives: &[u64]) -> ScoreHistogram {
    let parts = serde_json::json!({ "positives": positives, "negatives": negatives });
    serde_json::from_value(parts).unwrap()
}

#[derive(Deserialize)]
struct Counts {
    positives: Vec<u64>,
    negatives: Vec<u64>,
    #[serde(flatten)]
    expected: Bounded,
}

#[test]
fn full_bins_have_the_bounds_of_their_rows_in_order() {
    let cases: Vec<Counts> = golden("counts");
    assert_eq!(cases.len(), 2);
    for case in cases {
        assert_bounded(&counted(&case.positives, &case.negatives), &case.expected);
    }
}

#[derive(Deserialize)]
struct Classes {
    n_classes: usize,
    rows: Vec<i64>,
    truth: Vec<usize>,
    r#macro: Averaged,
    weighted: Averaged,
}

#[derive(Deserialize)]
struct Averaged {
    roc_auc: f64,
    standard_error: f64,
    bootstrap: [f64; 2],
    average_precision: f64,
}

#[test]
fn averages_over_classes_are_those_of_scikit_learn() {
    let case: Classes = golden("one_vs_rest");
    let rows = scores(&case.rows);
    let scores = ClassScores::new(case.n_classes, &rows, &case.truth).unwrap();
    for (average, expected) in [(OneVsRest::Macro, &case.r#macro), (OneVsRest::Weighted, &case.weighted)] {
        let area = scores.roc_auc(average, Confidence::default()).unwrap();
        assert_close(area.value, expected.roc_auc, SUM);
        assert_normal(&area, Some(expected.standard_error), SHARES);
        assert_resampled(area.interval, expected.bootstrap);
        let precision = scores.average_precision(average).unwrap();
        assert_close(precision.value, expected.average_precision, SUM);
    }
}

#[test]
fn histograms_of_classes_bound_the_averages() {
    let case: Classes = golden("one_vs_rest");
    let mut histograms = ClassHistograms::new(case.n_classes, 200).unwrap();
    for (row, &truth) in scores(&case.rows).chunks(case.n_classes).zip(&case.truth) {
        histograms.add(row, truth).unwrap();
    }
    for (average, expected) in [(OneVsRest::Macro, &case.r#macro), (OneVsRest::Weighted, &case.weighted)] {
        let area = histograms.roc_auc(average, Confidence::default()).unwrap();
        assert!(holds(&area, expected.roc_auc));
        assert!(area.bounds.upper - area.bounds.lower < 0.02, "{area:?}");
        let interval = area.estimate.interval.unwrap();
        let z = Confidence::default().z();
        assert!(interval.upper - interval.lower >= 2.0 * z * expected.standard_error, "{interval:?}");
        let precision = histograms.average_precision(average).unwrap();
        assert!(holds(&precision, expected.average_precision));
    }
}
