//! The policy file: the same to the byte when written again, refused with a name where it is wrong, and bound to its models.

#![cfg(test)]

use serde_json::{Value, json};
use two_phase::{Error, Policy};

fn digest(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn model(name: &str, digit: char) -> Value {
    json!({
        "name": name, "version": "1", "onnx_sha256": digest(digit),
        "outputs": {"probabilities": "probabilities", "label": "label"},
    })
}

fn point(threshold: f64, coverage: f64, n_accepted: u64, n_wrong: u64) -> Value {
    let risk = n_wrong as f64 / n_accepted as f64;
    json!({
        "threshold": threshold, "coverage": coverage, "n_accepted": n_accepted, "n_wrong": n_wrong, "risk": risk, "upper_bound": 0.02,
    })
}

/// A policy written by hand.
fn policy() -> Value {
    json!({
        "form": 1,
        "edge": model("digits-edge", 'a'),
        "cloud": model("digits", 'b'),
        "classes": ["no", "yes"],
        "score": "max-probability",
        "calibrator": {"kind": "temperature", "scaling": {"inverse_temperature": 0.1 + 0.2}},
        "guard": {"margin": 0.1, "ranges": [{"feature": "age", "min": 17.0, "max": 99.5, "may_be_missing": false}]},
        "promise": {"kind": "risk", "target": "error", "max_risk": 0.02, "confidence": 0.95, "statement": "…"},
        "thresholds": {"by": "all", "ladder": [point(0.75, 0.9, 900, 9), point(0.875, 0.5, 500, 2)]},
        "curve": [point(0.875, 0.5, 500, 2), point(0.75, 0.9, 900, 9), point(0.5, 1.0, 1000, 30)],
        "aurc": 0.0125,
        "expectation": {"coverage": 0.9, "escalated": 0.109, "guarded": 0.01, "risk": 0.01},
        "data": {
            "sha256": digest('c'), "n_rows": 1400, "n_unlabelled": 10, "n_fit": 390, "n_test": 1000, "fit_share": 0.25, "split": "by key",
        },
        "audit_share": 0.01,
    })
}

fn parsed(value: &Value) -> Result<Policy, Error> {
    Policy::from_json(value.to_string().as_bytes())
}

#[test]
fn a_policy_is_written_as_it_was_read() {
    let policy = parsed(&policy()).unwrap();
    let bytes = policy.to_json().unwrap();
    let again = Policy::from_json(&bytes).unwrap();
    assert_eq!(again, policy);
    assert_eq!(again.to_json().unwrap(), bytes);
    assert_eq!(again.id(), policy.id());
}

#[test]
fn the_id_is_of_the_bytes_and_of_no_layout() {
    use sha2::{Digest as _, Sha256};
    let policy = parsed(&policy()).unwrap();
    let digest = Sha256::digest(policy.to_json().unwrap());
    let expected: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(policy.id(), expected);
    let other = Policy { audit_share: 0.02, ..policy.clone() };
    assert_ne!(other.id(), policy.id());
}

#[test]
fn another_model_is_refused_with_what_was_expected_and_found() {
    let policy = parsed(&policy()).unwrap();
    assert_eq!(policy.check_models(&digest('a'), &digest('b')), Ok(()));
    let error = policy.check_models(&digest('b'), &digest('b')).unwrap_err().to_string();
    let expected = format!(
        "the policy is for the edge model `digits-edge` with onnx_sha256 {}, found {}",
        digest('a'),
        digest('b')
    );
    assert!(error.starts_with(&expected), "{error}");
    let error = policy.check_models(&digest('a'), "").unwrap_err().to_string();
    assert!(error.contains("the cloud model `digits`") && error.contains("found none"), "{error}");
}

/// Each value that cannot be, where it stands, and the words that the error must have.
#[track_caller]
fn expect_named(cases: impl IntoIterator<Item = (&'static str, Value, &'static str)>) {
    for (at, value, expected) in cases {
        let mut changed = policy();
        match changed.pointer_mut(at) {
            Some(place) => *place = value,
            None => changed[&at[1..]] = value,
        }
        let error = parsed(&changed).expect_err(at).to_string();
        assert!(error.contains(expected), "{at}: {error}");
    }
}

#[test]
fn models_and_confidences_that_cannot_be_are_named() {
    expect_named([
        ("/form", json!(2), "expected a policy of form 1, found form 2"),
        (
            "/edge/onnx_sha256",
            json!("AB"),
            "`edge.onnx_sha256`: expected 64 hexadecimal digits in lower case, found \"AB\"",
        ),
        ("/cloud/onnx_sha256", json!(digest('G')), "`cloud.onnx_sha256`"),
        ("/edge/outputs", json!({}), "`edge.outputs.probabilities`"),
        ("/classes", json!(["no", "no"]), "`classes`: expected names that differ, found \"no\" twice"),
        ("/classes", json!(["no"]), "`classes`: expected at least 2, found 1"),
        ("/calibrator/scaling/inverse_temperature", json!(0.0), "`calibrator.scaling`"),
        ("/calibrator", json!({"kind": "isotonic", "knots": [{"x": 0.5, "y": 1.5}]}), "`calibrator.knots`"),
        ("/calibrator", json!({"kind": "oracle"}), "oracle"),
        ("/guard/ranges/0/min", json!(100.0), "`guard.ranges[0]`"),
        (
            "/promise/max_risk",
            json!(0.0),
            "`promise.max_risk`: expected a share above 0 and below 1, found 0",
        ),
        ("/promise/confidence", json!(0.5), "`promise.confidence`"),
    ]);
}

#[test]
fn thresholds_and_data_that_cannot_be_are_named() {
    expect_named([
        ("/thresholds/ladder", json!([]), "`thresholds.ladder`: expected at least one rung"),
        (
            "/thresholds/ladder/1/threshold",
            json!(0.75),
            "`thresholds.ladder[1].threshold`: expected thresholds that rise",
        ),
        ("/thresholds/ladder/1/coverage", json!(0.95), "`thresholds.ladder[1].threshold`"),
        (
            "/thresholds/ladder/0/n_wrong",
            json!(901),
            "`thresholds.ladder[0].n_wrong`: expected at most the 900 accepted rows",
        ),
        (
            "/thresholds/ladder/0/threshold",
            json!(1.5),
            "`thresholds.ladder[0].threshold`: expected a number from 0 to 1",
        ),
        (
            "/thresholds",
            json!({"by": "class", "groups": []}),
            "`thresholds.groups`: expected one group for each of the classes",
        ),
        (
            "/thresholds",
            json!({"by": "segment", "field": "country", "groups": [{"name": "se", "ladder": []}]}),
            "`thresholds.groups[0].why_none`",
        ),
        ("/curve/0/threshold", json!(0.75), "`curve[1].threshold`: expected thresholds that fall"),
        ("/data/sha256", json!(""), "`data.sha256`"),
        ("/data/n_rows", json!(1401), "`data.n_rows`"),
        ("/audit_share", json!(1.0), "`audit_share`"),
        ("/extra", json!(1), "extra"),
    ]);
}

#[test]
fn what_is_no_policy_is_refused() {
    assert!(matches!(Policy::from_json(b"{"), Err(Error::Json(_))));
    assert_eq!(Policy::from_json(b"{}"), Err(Error::Form { expected: 1, found: "none".to_owned() }));
}
