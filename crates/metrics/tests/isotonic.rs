//! Isotonic regression against scikit-learn's fits and predictions; absolute tolerance 1e-12 of the largest target.

#![cfg(test)]

use metrics::isotonic::{IsotonicRegression, Observation};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    weight: Vec<f64>,
    knots_x: Vec<f64>,
    knots_y: Vec<f64>,
    at: Vec<f64>,
    predicted: Vec<f64>,
}

impl Case {
    fn fit(&self) -> IsotonicRegression {
        let rows = self.x.iter().zip(&self.y).zip(&self.weight);
        IsotonicRegression::fit(rows.map(|((&x, &y), &weight)| Observation { x, y, weight })).unwrap()
    }

    fn assert_near(&self, found: f64, expected: f64) {
        let scale = self.y.iter().fold(1.0_f64, |scale, y| scale.max(y.abs()));
        assert!(
            (found - expected).abs() <= 1e-12 * scale,
            "{}: expected {expected}, found {found}",
            self.name
        );
    }
}

fn cases() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(include_str!("../golden/isotonic.json")).unwrap();
    assert_eq!(golden.cases.len(), 14);
    golden.cases
}

#[test]
fn predictions_are_those_of_scikit_learn() {
    for case in cases() {
        let line = case.fit();
        assert_eq!(case.at.len(), case.predicted.len());
        for (&x, &predicted) in case.at.iter().zip(&case.predicted) {
            case.assert_near(line.predict(x), predicted);
        }
    }
}

#[test]
fn knots_are_those_of_scikit_learn() {
    for case in cases() {
        let line = case.fit();
        let found: Vec<u64> = line.knots().iter().map(|knot| knot.x.to_bits()).collect();
        let expected: Vec<u64> = case.knots_x.iter().map(|x| (x + 0.0).to_bits()).collect();
        assert_eq!(found, expected, "{}", case.name);
        for (knot, &y) in line.knots().iter().zip(&case.knots_y) {
            case.assert_near(knot.y, y);
        }
    }
}
