//! `plinth calibrate` on the held-out digits: what a policy says is counted again here, by other code, and checked against ONNX Runtime.

use std::path::Path;

use engine::{PackedModel, Pool};
use serde_json::{Value, json};
use system_tests::{demo_policy, packed_model, root};
use tensor::{Datatype, Tensor};
use two_phase::sample::split_place;

use crate::digits::Rows;
use crate::jobs::{check_run, write_lines};

/// The promise that the demo's policy makes.
const MAX_RISK: f64 = 0.02;

/// Runs the command of `models/README.md` on the held-out rows; the text and the policy.
fn calibrate(folder: &Path, more: &[&str], code: i32) -> (String, Option<String>) {
    let rows = Rows::read();
    let labelled = rows.instances().into_iter().zip(&rows.labels).map(|(mut row, label)| {
        row["label"] = json!(label);
        row
    });
    let data = folder.join("heldout.jsonl");
    write_lines(&data, &labelled.collect::<Vec<_>>());
    let output = folder.join("policy.json");
    let (edge, cloud) = ("target/models/digits-edge.wasm", "target/models/digits.wasm");
    let mut arguments =
        vec!["calibrate", "--edge", edge, "--cloud", cloud, "--key", "key", "--without-times"];
    arguments.extend(["--data", data.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    arguments.extend(more);
    let ended = check_run(&arguments, code);
    let said = if code == 0 { ended.stdout } else { ended.stderr };
    (String::from_utf8(said).unwrap(), std::fs::read_to_string(output).ok())
}

/// Labels and probabilities of the packed edge model.
fn edge_answers(pixels: &[Vec<f32>]) -> (Vec<i64>, Vec<Vec<f64>>) {
    let engine = system_tests::engine(Pool::OnDemand);
    let model = PackedModel::open(&engine, &packed_model("digits-edge")).unwrap();
    let data = pixels.iter().flatten().flat_map(|pixel| pixel.to_le_bytes()).collect();
    let input = Tensor::new("X", Datatype::Fp32, vec![pixels.len() as u64, 64], data).unwrap();
    let outputs = model.infer(vec![input], &["label".to_owned(), "probabilities".to_owned()]).unwrap();
    let probabilities = outputs[1].map_elements(|bytes| f64::from(f32::from_le_bytes(bytes)));
    (outputs[0].map_elements(i64::from_le_bytes), probabilities.chunks(10).map(<[f64]>::to_vec).collect())
}

/// The largest of `softmax(log p / T)`.
fn confidence(policy: &Value, probabilities: &[f64]) -> f64 {
    let inverse = policy["calibrator"]["scaling"]["inverse_temperature"].as_f64().unwrap();
    let scaled: Vec<f64> = probabilities.iter().map(|probability| probability.powf(inverse)).collect();
    scaled.iter().copied().fold(0.0, f64::max) / scaled.iter().sum::<f64>()
}

fn is_within(policy: &Value, pixels: &[f32]) -> bool {
    let ranges = policy["guard"]["ranges"].as_array().unwrap();
    assert_eq!(ranges.len(), pixels.len());
    ranges.iter().zip(pixels).all(|(range, pixel)| {
        let end = |name: &str| range[name].as_f64().unwrap();
        (end("min")..=end("max")).contains(&f64::from(*pixel))
    })
}

#[test]
fn the_demos_policy_is_what_the_command_makes_and_its_counts_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let (said, policy) = calibrate(folder.path(), &["--label", "label", "--max-risk", "0.02", "--guard"], 0);
    let text = policy.unwrap();
    assert_eq!(text, demo_policy(), "make models/digits-edge/policy.json anew, as models/README.md says");
    let policy: Value = serde_json::from_str(&text).unwrap();
    assert!(said.starts_with(policy["promise"]["statement"].as_str().unwrap()), "{said}");

    let rows = Rows::read();
    let (labels, probabilities) = edge_answers(&rows.pixels);
    let reference = root().join("models/digits-edge/reference/outputs.json");
    let reference: Value = serde_json::from_slice(&std::fs::read(reference).unwrap()).unwrap();
    let by_onnx_runtime: Vec<i64> = serde_json::from_value(reference["outputs"][0]["data"].clone()).unwrap();
    assert_eq!(labels[..by_onnx_runtime.len()], by_onnx_runtime);

    let is_test = |key: &str| split_place("", json!(key).to_string().as_bytes()) >= 0.25;
    let tested: Vec<usize> = (0..labels.len()).filter(|row| is_test(&rows.keys[*row])).collect();
    assert_eq!(policy["data"]["n_test"], json!(tested.len()));
    let ladder = policy["thresholds"]["ladder"].as_array().unwrap();
    for rung in ladder {
        let threshold = rung["threshold"].as_f64().unwrap();
        let accepted = tested.iter().filter(|row| {
            is_within(&policy, &rows.pixels[**row])
                && confidence(&policy, &probabilities[**row]) >= threshold - 1e-12
        });
        let is_wrong: Vec<bool> = accepted.map(|row| labels[*row] != rows.labels[*row]).collect();
        let n_wrong = is_wrong.iter().filter(|is_wrong| **is_wrong).count();
        let found = (&rung["n_accepted"], &rung["n_wrong"]);
        assert_eq!(found, (&json!(is_wrong.len()), &json!(n_wrong)), "{threshold}");
    }
    let first = &ladder[0];
    assert!(first["upper_bound"].as_f64().unwrap() <= MAX_RISK, "{first}");
    assert!(first["coverage"].as_f64().unwrap() >= 0.8, "{first}");
}

#[test]
fn too_few_rows_are_told_with_how_many_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (said, policy) = calibrate(folder.path(), &["--max-risk", "0.001"], 2);
    assert!(
        said.contains("needs ≥ 2995 accepted rows for 0.1 % at 0.95, found 452 rows to test on"),
        "{said}"
    );
    assert_eq!(policy, None);
    let (said, _) = calibrate(folder.path(), &["--max-risk", "0.02", "--label", "truth"], 2);
    assert!(
        said.contains("--label: expected a column of the files (X, key, label), found `truth`"),
        "{said}"
    );
    let (said, _) = calibrate(folder.path(), &["--max-risk", "0.02", "--edge-outputs", "probabilities=p"], 2);
    assert!(said.contains("expected `label` or `probabilities`, found `p`"), "{said}");
}

#[test]
fn without_labels_the_promise_is_about_the_clouds_answers() {
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("curve.svg");
    let (said, policy) = calibrate(
        folder.path(),
        &["--max-risk", "0.02", "--plot", plot.to_str().unwrap(), "--cost-cloud", "1", "--cost-error", "20"],
        0,
    );
    let policy: Value = serde_json::from_str(&policy.unwrap()).unwrap();
    assert_eq!(policy["promise"]["target"], "disagreement");
    assert!(said.contains("cost of 1000 rows"), "{said}");
    assert!(std::fs::read_to_string(plot).unwrap().starts_with("<svg"));
    let (_, budget) = calibrate(folder.path(), &["--budget", "0.2", "--score", "margin"], 0);
    let budget: Value = serde_json::from_str(&budget.unwrap()).unwrap();
    assert!(budget["expectation"]["escalated"].as_f64().unwrap() <= 0.21);
}
