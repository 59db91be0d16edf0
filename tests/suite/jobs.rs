//! Batch jobs in tests: the program as a process, data sets of digits under keys, and what must be in an output.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use system_tests::root;
use tempfile::TempDir;

use crate::digits::Reference;

/// How often the reference's rows are in a data set.
const N_COPIES: usize = 19;

/// The program, from the root of the repository.
pub(crate) fn plinth(arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("target/release/plinth"));
    command.args(arguments).current_dir(root()).env("PLINTH_CACHE_DIR", root().join("target/compiled"));
    // A proxy of the environment is not for servers of tests.
    command.env("NO_PROXY", "127.0.0.1");
    command
}

/// Runs it to its end, which must have this exit code.
#[track_caller]
pub(crate) fn check_run(arguments: &[&str], code: i32) -> Output {
    let output = plinth(arguments).output().expect("the command is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

/// Starts it with nothing to be read of it.
pub(crate) fn spawn(arguments: &[&str]) -> Child {
    plinth(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command is built")
}

/// The digits of the reference, as often as [`N_COPIES`] says, each under a key of its own, with the labels that ONNX Runtime gave.
pub(crate) fn digits() -> (Vec<Value>, BTreeMap<String, i64>) {
    let Reference { pixels, labels, .. } = Reference::read();
    let n_rows = N_COPIES * labels.len();
    let x = pixels.iter().cycle().take(n_rows).enumerate();
    let rows = x.map(|(idx, x)| serde_json::json!({"key": format!("k{idx}"), "X": x, "fold": idx % 3}));
    let labels = labels.iter().cycle().take(n_rows).enumerate();
    (rows.collect(), labels.map(|(idx, label)| (format!("k{idx}"), *label)).collect())
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

/// The output has every row once, with the label that ONNX Runtime gave, and nothing else.
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

/// How many files and folders are in a folder.
pub(crate) fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
