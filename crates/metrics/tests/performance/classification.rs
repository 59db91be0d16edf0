//! Confusion matrices against scikit-learn, and their intervals against derivatives by the complex step and resampling.

use std::collections::BTreeMap;

use metrics::Estimate;
use metrics::classification::{Average, ClassMetric, ConfusionMatrix};
use metrics::interval::{Confidence, wilson};
use serde::Deserialize;

use crate::golden::{SPECIAL, SUM, assert_close, assert_normal, assert_relative, assert_resampled, golden};

const BETAS: [f64; 3] = [0.5, 1.0, 2.0];
const SHARES: (f64, f64) = (0.0, 1.0);
const CORRELATIONS: (f64, f64) = (-1.0, 1.0);

#[derive(Deserialize)]
struct Case {
    counts: Vec<Vec<u64>>,
    expected: Expected,
    standard_errors: BTreeMap<String, Option<f64>>,
    kappa_standard_error: Option<f64>,
    #[serde(default)]
    bootstrap: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct Expected {
    accuracy: f64,
    matthews: f64,
    kappa: Option<f64>,
    balanced: f64,
    classes: Found<Vec<f64>>,
    averages: BTreeMap<String, Found<f64>>,
}

#[derive(Deserialize)]
struct Found<T> {
    precision: T,
    recall: T,
    specificity: T,
    f_beta: Vec<T>,
}

impl<T> Found<T> {
    fn metrics(&self) -> Vec<(String, ClassMetric, &T)> {
        let mut metrics = vec![
            ("precision".to_owned(), ClassMetric::Precision, &self.precision),
            ("recall".to_owned(), ClassMetric::Recall, &self.recall),
            ("specificity".to_owned(), ClassMetric::Specificity, &self.specificity),
        ];
        let of_beta = BETAS.iter().zip(&self.f_beta);
        metrics.extend(of_beta.map(|(&beta, found)| (format!("f_{beta}"), ClassMetric::FBeta(beta), found)));
        metrics
    }
}

fn matrix(counts: &[Vec<u64>]) -> ConfusionMatrix {
    let mut matrix = ConfusionMatrix::new(counts.len()).unwrap();
    for (truth, row) in counts.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            matrix.add(truth, predicted, count).unwrap();
        }
    }
    matrix
}

fn cases() -> Vec<(ConfusionMatrix, Case)> {
    let cases: Vec<Case> = golden("classification");
    assert_eq!(cases.len(), 12);
    cases.into_iter().map(|case| (matrix(&case.counts), case)).collect()
}

#[test]
fn whole_matrices_are_judged_as_by_scikit_learn() {
    let confidence = Confidence::default();
    for (matrix, Case { expected, standard_errors, .. }) in cases() {
        let accuracy = matrix.accuracy(confidence).unwrap();
        assert_close(accuracy.value, expected.accuracy, SUM);
        assert_eq!(accuracy.interval, wilson(matrix.n_right(), matrix.n(), confidence));
        assert_close(matrix.balanced_accuracy(confidence).unwrap().value, expected.balanced, SUM);
        let matthews = matrix.matthews_correlation(confidence).unwrap();
        assert_close(matthews.value, expected.matthews, SUM);
        assert_normal(&matthews, standard_errors["matthews"], CORRELATIONS);
        let kappa = matrix.cohen_kappa(confidence);
        assert_eq!(kappa.is_some(), expected.kappa.is_some());
        if let (Some(kappa), Some(expected)) = (kappa, expected.kappa) {
            assert_close(kappa.value, expected, SUM);
            assert_normal(&kappa, standard_errors["kappa"], CORRELATIONS);
        }
    }
}

#[test]
fn classes_are_judged_as_by_scikit_learn() {
    let confidence = Confidence::default();
    for (matrix, case) in cases() {
        for (name, metric, expected) in case.expected.classes.metrics() {
            for (class, &expected) in expected.iter().enumerate() {
                let found = matrix.of_class(metric, class, confidence).unwrap();
                assert_close(found.value, expected, SUM);
                if name == "f_1" {
                    assert_normal(&found, case.standard_errors[&format!("f_1_of_{class}")], SHARES);
                }
            }
        }
    }
}

#[test]
fn averages_are_those_of_scikit_learn() {
    let averages = [("macro", Average::Macro), ("weighted", Average::Weighted), ("micro", Average::Micro)];
    for (matrix, case) in cases() {
        for (average_name, average) in averages {
            for (name, metric, &expected) in case.expected.averages[average_name].metrics() {
                let found = matrix.average(metric, average, Confidence::default()).unwrap();
                assert_close(found.value, expected, SUM);
                let is_known = case.standard_errors.get(&format!("{average_name}_{name}"));
                if let Some(&Some(standard_error)) = is_known {
                    assert_normal(&found, Some(standard_error), SHARES);
                }
            }
        }
    }
}

#[test]
fn an_average_over_a_class_without_a_metric_has_no_interval() {
    let confidence = Confidence::default();
    let never_predicted = matrix(&[vec![30, 2, 0], vec![4, 25, 0], vec![3, 2, 0]]);
    let average = |metric| never_predicted.average(metric, Average::Macro, confidence).unwrap().interval;
    assert_eq!(average(ClassMetric::Precision), None);
    assert!(average(ClassMetric::Recall).is_some() && average(ClassMetric::FBeta(1.0)).is_some());
    let class = never_predicted.of_class(ClassMetric::Precision, 2, confidence);
    assert_eq!(class, Some(Estimate { value: 0.0, interval: None }));
}

#[test]
fn shares_of_a_class_have_wilsons_interval() {
    let confidence = Confidence::default();
    let matrix = matrix(&[vec![50, 10, 3], vec![5, 35, 2], vec![1, 0, 20]]);
    let interval = |metric| matrix.of_class(metric, 0, confidence).unwrap().interval;
    assert_eq!(interval(ClassMetric::Precision), wilson(50, 56, confidence));
    assert_eq!(interval(ClassMetric::Recall), wilson(50, 63, confidence));
    assert_eq!(interval(ClassMetric::Specificity), wilson(57, 63, confidence));
}

#[test]
fn kappa_has_the_standard_error_of_statsmodels() {
    let mut n_compared = 0;
    for (matrix, case) in cases() {
        let Some(expected) = case.kappa_standard_error else { continue };
        let interval = matrix.cohen_kappa(Confidence::default()).unwrap().interval.unwrap();
        let standard_error = (interval.upper - interval.lower) / 2.0 / Confidence::default().z();
        assert_relative(standard_error, expected, SPECIAL);
        n_compared += 1;
    }
    assert_eq!(n_compared, 3);
}

#[test]
fn intervals_are_near_those_of_resampling() {
    let confidence = Confidence::default();
    let mut n_compared = 0;
    for (matrix, case) in cases() {
        for (name, ends) in case.bootstrap {
            let found = estimate(&matrix, &name, confidence);
            assert_resampled(found.and_then(|found| found.interval), ends);
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 3 * 14 + 2 + 2 + 4);
}

fn estimate(matrix: &ConfusionMatrix, name: &str, confidence: Confidence) -> Option<Estimate> {
    if let Some(class) = name.strip_prefix("f_1_of_") {
        return matrix.of_class(ClassMetric::FBeta(1.0), class.parse().unwrap(), confidence);
    }
    let average = if name.starts_with("macro") { Average::Macro } else { Average::Weighted };
    match name.split_once('_').map(|(_, metric)| metric) {
        None if name == "kappa" => matrix.cohen_kappa(confidence),
        None => matrix.matthews_correlation(confidence),
        Some("precision") => matrix.average(ClassMetric::Precision, average, confidence),
        Some("recall") => matrix.average(ClassMetric::Recall, average, confidence),
        Some("specificity") => matrix.average(ClassMetric::Specificity, average, confidence),
        Some(f_beta) => {
            let beta = f_beta.strip_prefix("f_").unwrap().parse().unwrap();
            matrix.average(ClassMetric::FBeta(beta), average, confidence)
        }
    }
}

#[test]
fn nothing_is_said_of_no_observations_or_of_a_class_that_is_not() {
    let confidence = Confidence::default();
    let empty = ConfusionMatrix::new(2).unwrap();
    let metrics =
        [ClassMetric::Precision, ClassMetric::Recall, ClassMetric::Specificity, ClassMetric::FBeta(1.0)];
    for metric in metrics {
        assert_eq!(empty.of_class(metric, 0, confidence), None);
        for average in [Average::Macro, Average::Weighted, Average::Micro] {
            assert_eq!(empty.average(metric, average, confidence), None);
        }
    }
    assert_eq!(empty.accuracy(confidence), None);
    assert_eq!(empty.balanced_accuracy(confidence), None);
    assert_eq!(empty.cohen_kappa(confidence), None);
    assert_eq!(empty.matthews_correlation(confidence), None);
    let some = matrix(&[vec![3, 1], vec![1, 3]]);
    assert_eq!(some.of_class(ClassMetric::Recall, 2, confidence), None);
    for beta in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(some.of_class(ClassMetric::FBeta(beta), 0, confidence), None);
        assert_eq!(some.average(ClassMetric::FBeta(beta), Average::Macro, confidence), None);
    }
}
