//! Scores of probabilities and reliability curves against scikit-learn.

use metrics::interval::Confidence;
use metrics::probability::{ProbabilitySums, ReliabilityBins, ReliabilityPoint};
use serde::Deserialize;

use crate::golden::{Mean, SUM, assert_close, assert_interval, assert_mean, golden, scores};

#[derive(Deserialize)]
struct Binary {
    probabilities: Vec<i64>,
    truth: Vec<u8>,
    log_loss: Mean,
    brier: Mean,
}

#[test]
fn binary_probabilities_are_judged_as_by_scikit_learn() {
    let case: Binary = golden("binary");
    let probabilities = scores(&case.probabilities);
    let (mut sums, mut by_rows) = (ProbabilitySums::default(), ProbabilitySums::default());
    for (&probability, &truth) in probabilities.iter().zip(&case.truth) {
        sums.add_binary(probability, truth == 1).unwrap();
        by_rows.add_row(&[1.0 - probability, probability], usize::from(truth)).unwrap();
    }
    assert_eq!(sums.n(), 300);
    for sums in [sums, by_rows] {
        assert_mean(sums.log_loss(Confidence::default()), &case.log_loss, (0.0, f64::INFINITY));
        assert_mean(sums.brier(Confidence::default()), &case.brier, (0.0, 2.0));
    }
}

#[derive(Deserialize)]
struct Multiclass {
    n_classes: usize,
    rows: Vec<i64>,
    truth: Vec<usize>,
    log_loss: Mean,
    brier: Mean,
}

#[test]
fn probabilities_of_several_classes_are_judged_as_by_scikit_learn() {
    let cases: Vec<Multiclass> = golden("multiclass");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let mut sums = ProbabilitySums::default();
        for (row, &truth) in scores(&case.rows).chunks(case.n_classes).zip(&case.truth) {
            sums.add_row(row, truth).unwrap();
        }
        assert_mean(sums.log_loss(Confidence::default()), &case.log_loss, (0.0, f64::INFINITY));
        assert_mean(sums.brier(Confidence::default()), &case.brier, (0.0, 2.0));
    }
}

#[derive(Deserialize)]
struct Reliability {
    n_bins: usize,
    probabilities: Vec<i64>,
    truth: Vec<bool>,
    counts: Vec<u64>,
    shares: Vec<f64>,
    intervals: Vec<[f64; 2]>,
    mean_probabilities: Vec<f64>,
    expected_error: f64,
    maximum_error: f64,
}

#[test]
fn reliability_curves_are_those_of_scikit_learn() {
    let cases: Vec<Reliability> = golden("reliability");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let mut bins = ReliabilityBins::new(case.n_bins).unwrap();
        for (&probability, &truth) in scores(&case.probabilities).iter().zip(&case.truth) {
            bins.add(probability, truth).unwrap();
        }
        let curve = bins.curve(Confidence::default());
        assert_eq!(curve.iter().map(|point| point.n).collect::<Vec<_>>(), case.counts);
        assert_eq!((curve[0].lower, curve[case.n_bins - 1].upper), (0.0, 1.0));
        let filled: Vec<&ReliabilityPoint> = curve.iter().filter(|point| point.n > 0).collect();
        assert_eq!(filled.len(), case.shares.len());
        for (place, point) in filled.iter().enumerate() {
            let share = point.share_true.unwrap();
            assert_close(share.value, case.shares[place], SUM);
            assert_interval(share.interval, case.intervals[place], SUM);
            assert_close(point.mean_probability.unwrap(), case.mean_probabilities[place], SUM);
        }
        assert_close(bins.expected_calibration_error().unwrap(), case.expected_error, SUM);
        assert_close(bins.maximum_calibration_error().unwrap(), case.maximum_error, SUM);
    }
}

#[test]
fn a_bin_without_rows_says_nothing() {
    let mut bins = ReliabilityBins::new(4).unwrap();
    bins.add(0.3, true).unwrap();
    let curve = bins.curve(Confidence::default());
    let empty = ReliabilityPoint { lower: 0.5, upper: 0.75, n: 0, mean_probability: None, share_true: None };
    assert_eq!(curve[2], empty);
    assert_eq!(curve[1].share_true.map(|share| share.value), Some(1.0));
}
