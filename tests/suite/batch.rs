//! `plinth batch` as a program: real files in, real files out, killed and resumed. Labels expected are ONNX Runtime's.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::jobs::{
    check_labels, check_run, dataset, digits, entries, read_lines, run_arguments, spawn, write_lines,
};

/// Enough chunks that a kill finds some done and some not.
const CHUNK_ROWS: usize = 20;

const N_KILLS: u64 = 50;

#[test]
fn a_data_set_is_predicted_under_its_keys() {
    let (folder, labels) = dataset();
    let (rows, out) = (folder.path().join("rows.jsonl"), folder.path().join("out"));
    let (rows, out_text) = (rows.to_str().unwrap(), out.to_str().unwrap());
    let said = check_run(&run_arguments(rows, out_text, &["--keep", "fold", "--chunk-rows", "100"]), 0);
    assert!(
        String::from_utf8_lossy(&said.stdout).contains(&format!("{} rows predicted, 0 bad", labels.len()))
    );
    check_labels(&out, &labels);
    let first = &read_lines(&out.join("data"))[4];
    assert_eq!(
        (first["key"].as_str(), first["fold"].as_i64()),
        (Some("k4"), Some(1)),
        "order and kept columns"
    );
    // The same job again has nothing left to do; another one may not write here.
    check_run(&run_arguments(rows, out_text, &["--keep", "fold", "--chunk-rows", "100"]), 0);
    check_run(&run_arguments(rows, out_text, &["--chunk-rows", "50"]), 2);
    check_labels(&out, &labels);
}

#[test]
fn bad_rows_are_named_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, mut labels) = digits();
    rows.truncate(30);
    labels.retain(|key, _| key[1..].parse::<usize>().unwrap() < 30);
    rows[3]["X"] = serde_json::json!([1, 2, 3]);
    rows[7]["key"] = Value::Null;
    rows[9]["X"][5] = serde_json::json!("seven");
    for bad in ["k3", "k7", "k9"] {
        labels.remove(bad);
    }
    let input = folder.path().join("rows.jsonl");
    write_lines(&input, &rows);
    let text = std::fs::read_to_string(&input).unwrap();
    std::fs::write(&input, format!("{text}{{\"key\": \"broken\"\n")).unwrap();
    let out = folder.path().join("out");
    check_run(&run_arguments(input.to_str().unwrap(), out.to_str().unwrap(), &["--chunk-rows", "10"]), 0);
    check_labels(&out, &labels);
    let errors = read_lines(&out.join("errors"));
    let mut found: Vec<_> = errors
        .iter()
        .map(|error| (error["row"].as_u64().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [(3, "wrong_shape"), (7, "missing_key"), (9, "malformed_row"), (30, "malformed_row")],
        "{errors:?}"
    );
    let out = folder.path().join("strict");
    let strict = run_arguments(input.to_str().unwrap(), out.to_str().unwrap(), &["--max-errors", "1"]);
    check_run(&strict, 1);
    assert!(!out.join("_SUCCESS").exists());
}

#[test]
fn columns_that_do_not_fit_are_all_named_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.csv");
    std::fs::write(&input, "id,a,b\n1,2,3\n").unwrap();
    let out = folder.path().join("out");
    let arguments = ["batch", "run", "--model", "target/models/digits.wasm", "--key", "key", "--keep", "c"];
    let arguments =
        arguments.into_iter().chain(["--input", input.to_str().unwrap(), "--output", out.to_str().unwrap()]);
    let output = check_run(&arguments.collect::<Vec<_>>(), 2);
    let said = String::from_utf8_lossy(&output.stderr);
    for expected in ["`key`", "`c`", "`X`"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn fifty_kills_lose_nothing_and_repeat_nothing() {
    let (folder, labels) = dataset();
    let (rows, out) = (folder.path().join("rows.jsonl"), folder.path().join("out"));
    let chunk_rows = CHUNK_ROWS.to_string();
    let arguments = run_arguments(
        rows.to_str().unwrap(),
        out.to_str().unwrap(),
        &["--chunk-rows", &chunk_rows, "--concurrency", "2"],
    );
    let mut n_killed = 0;
    for kill in 0..N_KILLS {
        let out = if kill % 10 == 0 { fresh(&out) } else { &out };
        let mut child = spawn(&arguments);
        let n_commits = usize::try_from(kill * 7919 % 31).unwrap();
        while entries(&out.join("_plinth/commits")) < n_commits && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        n_killed += u64::from(child.wait().unwrap().code().is_none());
        check_nothing_partial(out, &labels);
    }
    assert!(n_killed > N_KILLS / 4, "only {n_killed} runs were killed before they ended");
    check_run(&arguments, 0);
    check_labels(&out, &labels);
}

fn fresh(out: &Path) -> &Path {
    drop(std::fs::remove_dir_all(out));
    out
}

/// What is in `data/` is whole, and right.
#[track_caller]
fn check_nothing_partial(out: &Path, labels: &BTreeMap<String, i64>) {
    let found = read_lines(&out.join("data"));
    for row in &found {
        assert_eq!(labels[row["key"].as_str().unwrap()], row["label"].as_i64().unwrap());
    }
    assert!(
        found.len().is_multiple_of(CHUNK_ROWS)
            || found.len() == labels.len()
            || found.len() % CHUNK_ROWS == labels.len() % CHUNK_ROWS
    );
}
