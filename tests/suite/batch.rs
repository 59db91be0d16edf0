//! `plinth batch` as a program: real files in, real files out, killed and resumed. Labels expected are ONNX Runtime's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use system_tests::root;
use tempfile::TempDir;

/// Enough chunks that a kill finds some done and some not.
const CHUNK_ROWS: usize = 20;

/// How often the reference's rows are there.
const N_COPIES: usize = 19;

const N_KILLS: u64 = 50;

pub(crate) fn plinth(arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("target/release/plinth"));
    command.args(arguments).current_dir(root()).env("PLINTH_CACHE_DIR", root().join("target/compiled"));
    command.env("NO_PROXY", "127.0.0.1");
    command
}

#[track_caller]
pub(crate) fn check_run(arguments: &[&str], code: i32) -> Output {
    let output = plinth(arguments).output().expect("the command is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

/// The digits of the reference, as often as [`N_COPIES`] says, each under a key of its own, with the labels that ONNX Runtime gave.
pub(crate) fn digits() -> (Vec<Value>, BTreeMap<String, i64>) {
    let pixels = tensor("inputs.json", "inputs", "X");
    let labels = tensor("outputs.json", "outputs", "label");
    let x = pixels.chunks(64).cycle().take(N_COPIES * labels.len()).enumerate();
    let rows = x.map(|(idx, x)| serde_json::json!({"key": format!("k{idx}"), "X": x, "fold": idx % 3}));
    let labels = labels.iter().cycle().take(N_COPIES * labels.len()).enumerate();
    let labels = labels.map(|(idx, label)| (format!("k{idx}"), label.as_i64().unwrap()));
    (rows.collect(), labels.collect())
}

/// The elements of a reference tensor.
fn tensor(file: &str, list: &str, name: &str) -> Vec<Value> {
    let path = root().join("models/digits/reference").join(file);
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tensors = reference[list].as_array().unwrap();
    let tensor = tensors.iter().find(|tensor| tensor["name"] == name).unwrap();
    tensor["data"].as_array().unwrap().clone()
}

pub(crate) fn write_lines(path: &Path, rows: &[Value]) {
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(path, lines).unwrap();
}

/// Every line of every file of a folder, parsed.
pub(crate) fn read_lines(folder: &Path) -> Vec<Value> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>())
        .collect()
}

/// A folder with the digits as `rows.jsonl`.
pub(crate) fn dataset() -> (TempDir, BTreeMap<String, i64>) {
    let folder = tempfile::tempdir().unwrap();
    let (rows, labels) = digits();
    write_lines(&folder.path().join("rows.jsonl"), &rows);
    (folder, labels)
}

/// `plinth batch run` over `rows` into `out`, with more arguments.
pub(crate) fn run_arguments<'a>(rows: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let model = "target/models/digits.wasm";
    let job =
        ["batch", "run", "--model", model, "--input", rows, "--output", out, "--key", "key", "--select", "X"];
    job.into_iter().chain(more.iter().copied()).collect()
}

#[track_caller]
pub(crate) fn check_labels(out: &Path, labels: &BTreeMap<String, i64>) {
    let found = read_lines(&out.join("data"));
    assert_eq!(found.len(), labels.len(), "every row once");
    let found: BTreeMap<String, i64> = found
        .iter()
        .map(|row| (row["key"].as_str().unwrap().to_owned(), row["label"].as_i64().unwrap()))
        .collect();
    assert!(found == *labels, "a label is not that of ONNX Runtime");
    assert!(out.join("_SUCCESS").exists() && out.join("manifest.json").exists());
}

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
        let mut child = plinth(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command is built");
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

pub(crate) fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
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
