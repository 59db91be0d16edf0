//! NannyML's scores, thresholds and alerts.

use metrics::{
    Interval,
    dialect::{self, Method, Outcome, Rule, Sample},
    histogram::Dtype,
};
use serde_json::Value;

use crate::{
    golden::{assert_close, assert_p, cases, counts, number, numbers, parsed},
    samples::for_each_outcome,
};

fn golden() -> Value {
    parsed(include_str!("../../golden/drift_nannyml.json"))
}

/// A score or a threshold: 1e-11 of it (10 000 sums in another order), or, of the roots of a sum near zero, 1e-14 of the square.
fn assert_score(found: f64, expected: f64, name: &str, context: &dyn std::fmt::Debug) {
    if name.ends_with("jensen_shannon") || name.ends_with("hellinger") {
        assert_close(found.powi(2), expected.powi(2), 1e-12, 1e-14, context);
    } else {
        assert_close(found, expected, 1e-11, 1e-13, context);
    }
}

fn assert_outcome(found: Outcome, expected: &Value, name: &str, context: &dyn std::fmt::Debug) {
    assert_score(found.score, number(&expected["score"]), name, context);
    assert_eq!(found.is_drift, expected["is_drift"].as_bool(), "{context:?}");
    match found.rule {
        Some(Rule::Outside(Interval { lower, upper })) => {
            assert_score(lower, number(&expected["lower"]), name, &(context, "lower"));
            assert_score(upper, number(&expected["upper"]), name, &(context, "upper"));
        }
        Some(Rule::Below(threshold)) => {
            assert_eq!((name, threshold.to_bits()), ("nannyml_chi2", 0.05_f64.to_bits()));
            assert_p(found.p_value.unwrap(), number(&expected["p_value"]), context);
        }
        rule => assert!(rule.is_none() && expected["upper"].is_null(), "{context:?}: {rule:?}"),
    }
}

#[test]
fn scores_and_alerts_are_those_of_nannyml() {
    for case in cases(&golden(), "cases") {
        for_each_outcome(case, |name, found, expected| {
            let context = (&case["name"], name);
            assert_eq!(found.is_err(), expected.is_null(), "{context:?}: {found:?}");
            if let Ok(found) = found {
                assert_outcome(found, expected, name, &context);
            }
        });
    }
}

fn walk(spec: &Value) -> Vec<f64> {
    let [count, multiplier, modulus] = counts(spec)[..] else { panic!("{spec}") };
    (0..count).map(|idx| (idx * multiplier % modulus) as f64 / modulus as f64).collect()
}

#[test]
fn long_references_are_binned_as_by_nannyml() {
    for case in cases(&golden(), "large") {
        let (stretch, offset) = (number(&case["stretch"]), number(&case["move"]));
        let reference = walk(&case["x"]);
        let current: Vec<f64> = walk(&case["y"]).into_iter().map(|value| value * stretch + offset).collect();
        let sample = |values| Sample::Numbers { values, dtype: Dtype::Float };
        for (name, expected) in case["outcomes"].as_object().unwrap() {
            let method: Method = name.parse().unwrap();
            let found = method.compare(sample(&reference), sample(&current)).unwrap();
            assert_outcome(found, expected, name, &(case, name));
        }
    }
}

#[test]
fn thresholds_are_those_of_nannyml() {
    for case in cases(&golden(), "thresholds") {
        let [lower, upper] = numbers(&case["limits"])[..] else { panic!("{case}") };
        let found =
            dialect::nannyml_thresholds(&numbers(&case["scores"]), Interval { lower, upper }).unwrap();
        let expected = numbers(&case["thresholds"]);
        assert_close(found.lower, expected[0], 1e-12, 1e-15, case);
        assert_close(found.upper, expected[1], 1e-12, 1e-15, case);
    }
    assert_eq!(dialect::nannyml_thresholds(&[f64::NAN], Interval { lower: 0.0, upper: 1.0 }), None);
}
