//! Calibration errors against MAPIE and NannyML (1e-12 relative), temperature and sigmoid scaling against SciPy's minimum of the same loss
//! (1e-9 relative) and scikit-learn's (1e-6).

#![cfg(test)]

use metrics::calibration::{
    Binning, CalibrationNeed, PlattScaling, Reliability, TemperatureScaling, TopLabelReliability,
    equal_count_ece, log_probability, needs_calibration,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    reliability: Vec<ReliabilityCase>,
    top_label: TopLabelCase,
    equal_count: Vec<EqualCountCase>,
    needs: Vec<NeedsCase>,
    temperature: Vec<TemperatureCase>,
    platt: Vec<PlattCase>,
}

#[derive(Deserialize)]
struct ReliabilityCase {
    name: String,
    num_bins: usize,
    confidence: Vec<f64>,
    hit: Vec<bool>,
    ece: f64,
}

#[derive(Deserialize)]
struct TopLabelCase {
    num_bins: usize,
    probabilities: Vec<Vec<f64>>,
    labels: Vec<usize>,
    top_label_ece: f64,
    confidence_ece: f64,
}

#[derive(Deserialize)]
struct EqualCountCase {
    n_bins: usize,
    scores: Vec<f64>,
    labels: Vec<bool>,
    ece: f64,
}

#[derive(Deserialize)]
struct NeedsCase {
    name: String,
    scores: Vec<f64>,
    labels: Vec<bool>,
    folds: Vec<Vec<usize>>,
    is_needed: bool,
    ece_before: Option<f64>,
    ece_after: Option<f64>,
}

#[derive(Deserialize)]
struct TemperatureCase {
    name: String,
    from_probabilities: bool,
    logits: Vec<Vec<f64>>,
    labels: Vec<usize>,
    temperature: f64,
    scikit_learn_temperature: f64,
    calibrated: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct PlattCase {
    name: String,
    scores: Vec<f64>,
    labels: Vec<bool>,
    slope: f64,
    intercept: f64,
    at: Vec<f64>,
    probability: Vec<f64>,
    scikit_learn_probability: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/calibration.json")).unwrap()
}

fn assert_near(name: &str, found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs(), "{name}: expected {expected}, found {found}");
}

fn diagram(binning: Binning, case: &ReliabilityCase) -> Reliability {
    let mut diagram = Reliability::new(binning);
    case.confidence.iter().zip(&case.hit).for_each(|(&confidence, &is_hit)| diagram.add(confidence, is_hit));
    diagram
}

#[test]
fn the_error_over_mapies_bins_is_mapies() {
    let cases = golden().reliability;
    assert_eq!(cases.len(), 8);
    for case in cases {
        let diagram = diagram(Binning::Mapie(case.num_bins), &case);
        assert_eq!(diagram.n_left_out(), 0);
        assert_near(&case.name, diagram.ece().unwrap(), case.ece, 1e-12);
    }
}

#[test]
fn bins_of_equal_width_are_mapies_with_one_edge_more_but_for_zero() {
    let cases = golden().reliability.into_iter().filter(|case| case.name == "smooth" && case.num_bins > 2);
    let compared = cases.map(|case| {
        let diagram = diagram(Binning::EqualWidth(case.num_bins - 1), &case);
        assert_near(&case.name, diagram.ece().unwrap(), case.ece, 1e-12);
    });
    assert_eq!(compared.count(), 3);
}

#[test]
fn the_error_of_the_top_label_is_mapies() {
    let case = golden().top_label;
    let mut diagrams = TopLabelReliability::new(Binning::Mapie(case.num_bins));
    case.probabilities.iter().zip(&case.labels).for_each(|(row, &label)| diagrams.add(row, label));
    assert_eq!(diagrams.classes().len(), 3);
    assert_near("top label", diagrams.top_label_ece().unwrap(), case.top_label_ece, 1e-12);
    assert_near("confidence", diagrams.all().unwrap().ece().unwrap(), case.confidence_ece, 1e-12);
}

#[test]
fn the_error_over_bins_of_equal_count_is_nannymls() {
    let cases = golden().equal_count;
    assert_eq!(cases.len(), 9);
    for case in cases {
        let ece = equal_count_ece(&case.scores, &case.labels, case.n_bins).unwrap();
        assert_near(&format!("{} rows", case.scores.len()), ece, case.ece, 1e-12);
    }
}

#[test]
fn calibration_is_needed_where_nannyml_says_so() {
    let cases = golden().needs;
    let n_needed = cases.iter().filter(|case| case.is_needed).count();
    assert_eq!((cases.len(), n_needed), (6, 3));
    for case in cases {
        let need = needs_calibration(&case.scores, &case.labels, &case.folds, 10).unwrap();
        assert_eq!(need.is_needed(), case.is_needed, "{}", case.name);
        let CalibrationNeed::Compared { ece_before, ece_after } = need else {
            assert!(case.ece_before.is_none(), "{}: {need:?}", case.name);
            continue;
        };
        assert_near(&case.name, ece_before, case.ece_before.unwrap(), 1e-12);
        assert_near(&case.name, ece_after, case.ece_after.unwrap(), 1e-12);
    }
}

#[test]
fn temperatures_are_those_of_the_least_loss() {
    let cases = golden().temperature;
    assert_eq!(cases.len(), 4);
    for case in cases {
        let logit = |&value: &f64| if case.from_probabilities { log_probability(value) } else { value };
        let logits: Vec<Vec<f64>> = case.logits.iter().map(|row| row.iter().map(logit).collect()).collect();
        let rows: Vec<_> = logits.iter().map(Vec::as_slice).zip(case.labels.iter().copied()).collect();
        let scaling = TemperatureScaling::fit(&rows).unwrap();
        assert_near(&case.name, scaling.temperature(), case.temperature, 1e-9);
        assert_near(&case.name, scaling.temperature(), case.scikit_learn_temperature, 1e-6);
        assert_eq!(case.calibrated.len(), 20);
        for (row, expected) in logits.iter().zip(&case.calibrated) {
            let found = scaling.probabilities(row);
            found
                .iter()
                .zip(expected)
                .for_each(|(&found, &expected)| assert_near(&case.name, found, expected, 1e-9));
        }
    }
}

#[test]
fn sigmoids_are_those_of_the_least_loss() {
    let cases = golden().platt;
    assert_eq!(cases.len(), 6);
    for case in cases {
        let rows: Vec<_> = case.scores.iter().copied().zip(case.labels.iter().copied()).collect();
        let scaling = PlattScaling::fit(&rows).unwrap();
        let scale = case.slope.abs().max(case.intercept.abs());
        assert!((scaling.slope - case.slope).abs() <= 1e-9 * scale, "{}: {scaling:?}", case.name);
        assert!((scaling.intercept - case.intercept).abs() <= 1e-9 * scale, "{}: {scaling:?}", case.name);
        let expected = case.at.iter().zip(&case.probability).zip(&case.scikit_learn_probability);
        for ((&at, &probability), &of_scikit_learn) in expected {
            assert_near(&case.name, scaling.probability(at), probability, 1e-9);
            assert!((scaling.probability(at) - of_scikit_learn).abs() <= 1e-6, "{}", case.name);
        }
    }
}
