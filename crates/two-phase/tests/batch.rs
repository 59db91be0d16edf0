//! Rows decided together: as each would be alone, with class, features and segment read from the model's tensors.

#![cfg(test)]

use serde_json::{Value, json};
use tensor::{Datatype, Tensor};
use two_phase::{Batch, Error, Policy, Row};

const KEYS: [(&str, &[u8]); 3] = [("", b"\"a\""), ("shop", b"2"), ("", b"3")];

fn model(digit: char) -> Value {
    json!({
        "name": "m", "version": "1", "onnx_sha256": digit.to_string().repeat(64),
        "outputs": {"probabilities": "p", "label": "label"},
    })
}

fn point(threshold: f64) -> Value {
    json!({"threshold": threshold, "coverage": 0.5, "n_accepted": 10, "n_wrong": 1, "risk": 0.1, "upper_bound": 0.3})
}

fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    let mut policy = json!({
        "form": 1, "edge": model('a'), "cloud": model('b'), "classes": ["cat", "dog"], "score": "max-probability",
        "calibrator": {"kind": "none"},
        "promise": {"kind": "risk", "target": "error", "max_risk": 0.1, "confidence": 0.9, "statement": "…"},
        "thresholds": {"by": "all", "ladder": [point(0.75)]}, "curve": [point(0.75)],
        "expectation": {"coverage": 0.5, "escalated": 0.5, "guarded": 0.0, "risk": 0.1},
        "data": {
            "sha256": "c".repeat(64), "n_rows": 20, "n_unlabelled": 0, "n_fit": 5, "n_test": 15, "fit_share": 0.25, "split": "…",
        },
        "audit_share": 0.0,
    });
    change(&mut policy);
    Policy::from_json(policy.to_string().as_bytes()).unwrap()
}

fn floats(name: &str, shape: &[u64], values: &[f32]) -> Tensor {
    let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(name, Datatype::Fp32, shape.to_vec(), data).unwrap()
}

fn labels(values: [i64; 3]) -> Tensor {
    let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new("label", Datatype::Int64, vec![3], data).unwrap()
}

fn outputs() -> [Tensor; 2] {
    [labels([1, 0, 7]), floats("p", &[3, 2], &[0.125, 0.875, 0.625, 0.375, 0.0, 1.0])]
}

/// The reasons in one word, and the groups.
fn decided(policy: &Policy, inputs: &[Tensor]) -> Vec<(&'static str, String)> {
    let batch = Batch { inputs, outputs: &outputs(), names: &KEYS };
    let rows = policy.decide_batch(&batch, 0).unwrap();
    rows.into_iter().map(|row| (row.decision.reason.code(), row.group)).collect()
}

#[test]
fn a_batch_is_decided_as_its_rows_are() {
    let policy = policy(|_| {});
    let outputs = outputs();
    let batch = Batch { inputs: &[], outputs: &outputs, names: &KEYS };
    let rows = policy.decide_batch(&batch, 0).unwrap();
    let alone = [(1, [0.125, 0.875]), (0, [0.625, 0.375]), (usize::MAX, [0.0, 1.0])];
    for (row, (label, probabilities)) in rows.iter().zip(&alone) {
        let alone = Row { probabilities, label: *label, ..Row::default() };
        assert_eq!(row.decision, policy.decide(&alone, 0));
    }
    let reasons: Vec<&str> = rows.iter().map(|row| row.decision.reason.code()).collect();
    assert_eq!(reasons, ["confident", "below-threshold", "unknown-class"]);
    let labels: Vec<&str> = rows.iter().map(|row| policy.label(&row.edge)).collect();
    assert_eq!(labels, ["dog", "cat", "7"]);
}

#[test]
fn a_guard_looks_at_the_inputs() {
    let guard =
        json!({"margin": 0.0, "ranges": [{"feature": "x", "min": 0.0, "max": 1.0, "may_be_missing": false}]});
    let policy = policy(|policy| policy["guard"] = guard);
    let reasons = |values| decided(&policy, &[floats("x", &[3], values)]).into_iter().map(|row| row.0);
    assert!(reasons(&[0.5, 0.5, 0.5]).eq(["confident", "below-threshold", "unknown-class"]));
    assert!(reasons(&[2.0, 0.5, 0.5]).eq(["out-of-range", "below-threshold", "unknown-class"]));
}

#[test]
fn segments_are_inputs_or_clients() {
    let by = |field: &str, name: &str| {
        let groups = json!([{"name": name, "ladder": [point(0.5)]}]);
        policy(|policy| policy["thresholds"] = json!({"by": "segment", "field": field, "groups": groups}))
    };
    let of_input = decided(&by("x", "2"), &[floats("x", &[3], &[2.0, 3.0, 2.0])]);
    assert_eq!(of_input[0], ("confident", "2".to_owned()));
    assert_eq!(of_input[1], ("no-threshold", "3".to_owned()));
    let of_client = decided(&by("client", "shop"), &[]);
    assert_eq!(of_client[0], ("no-threshold", String::new()));
    assert_eq!(of_client[1], ("confident", "shop".to_owned()));
}

#[test]
fn an_output_that_lacks_is_named() {
    let batch = Batch { inputs: &[], outputs: &outputs()[1..], names: &KEYS };
    let error = policy(|_| {}).decide_batch(&batch, 0).unwrap_err();
    assert!(matches!(&error, Error::Field { .. }) && error.to_string().contains("`label`"), "{error}");
}
