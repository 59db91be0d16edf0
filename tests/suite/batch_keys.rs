//! Keys that repeat, or are missing, looked at before a job runs: `plinth batch plan` and `run` with `--on-duplicate-key`.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::jobs::{check_run, digits, entries, read_lines, write_lines};

/// Two files of digits with these keys, in chunks of ten rows.
fn dataset(keys: impl Fn(usize) -> Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, _) = digits();
    for (idx, row) in rows.iter_mut().enumerate() {
        row["key"] = keys(idx);
    }
    write_lines(&folder.path().join("a.jsonl"), &rows[..50]);
    write_lines(&folder.path().join("b.jsonl"), &rows[50..90]);
    folder
}

/// Row 3 of the second file has the key of row 7 of the first, and row 11 of the first that of row 10; row 20 has none.
fn with_repeated_keys() -> TempDir {
    dataset(|idx| match idx {
        53 => json!("k7"),
        11 => json!("k10"),
        20 => Value::Null,
        idx => json!(format!("k{idx}")),
    })
}

/// `plinth batch` over these files, with more arguments; what it said.
#[track_caller]
fn batch(command: &[&str], folder: &Path, more: &[&str], code: i32) -> (String, String) {
    let files = format!("{}/*.jsonl", folder.display());
    let job =
        ["--model", "target/models/digits.wasm", "--key", "key", "--chunk-rows", "10", "--input", &files];
    let select: &[&str] = if more.contains(&"--sql") { &[] } else { &["--select", "X"] };
    let said = check_run(&[&["batch"], command, &job, select, more].concat(), code);
    (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
}

const ERROR: [&str; 2] = ["--on-duplicate-key", "error"];

#[test]
fn keys_that_repeat_are_named_before_anything_is_written() {
    let folder = with_repeated_keys();
    let out = folder.path().join("out");
    let run = ["run", "--output", out.to_str().unwrap()];
    for command in [&["plan"][..], &["plan", "--json"], &run, &["run", "--detach", run[1], run[2]]] {
        let (_, said) = batch(command, folder.path(), &ERROR, 2);
        assert!(said.contains("found 2 in more, 4 rows in all"), "{said}");
        let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name).display().to_string());
        assert!(said.contains(&format!("`k7` in 2 rows, from row 7 of `{a}` to row 3 of `{b}`")), "{said}");
        assert!(
            said.contains(&format!("`k10` in 2 rows, from row 10 of `{a}` to row 11 of `{a}`")),
            "{said}"
        );
        assert!(!out.exists(), "nothing is written");
    }
}

#[test]
fn keys_that_repeat_are_answered_unless_they_are_refused() {
    let folder = with_repeated_keys();
    let out = folder.path().join("out");
    let run = ["run", "--output", out.to_str().unwrap()];
    batch(&run, folder.path(), &[], 0);
    let rows = read_lines(&out.join("data"));
    assert_eq!(rows.len(), 89);
    assert_eq!(rows.iter().filter(|row| row["key"] == "k7").count(), 2);
    let errors = read_lines(&out.join("errors"));
    assert_eq!((errors.len(), errors[0]["code"].as_str()), (1, Some("missing_key")));
    // What is asked of the keys is no part of the job: the same job is there, and refused all the same.
    batch(&run, folder.path(), &["--on-duplicate-key", "allow"], 0);
    batch(&run, folder.path(), &ERROR, 2);
}

#[test]
fn keys_that_stand_once_are_no_reason_to_stop() {
    let folder = dataset(|idx| if idx < 2 { Value::Null } else { json!(format!("k{idx}")) });
    let (told, _) = batch(&["plan"], folder.path(), &ERROR, 0);
    assert!(told.contains("keys     90 rows, none twice, 2 without a key"), "{told}");
    let out = folder.path().join("out");
    batch(&["run", "--output", out.to_str().unwrap()], folder.path(), &ERROR, 0);
    assert_eq!(read_lines(&out.join("data")).len(), 88);
    assert_eq!(entries(&out.join("errors")), 1);
}

#[test]
fn the_keys_that_count_are_those_of_the_query() {
    let folder = with_repeated_keys();
    let sql = "SELECT key, \"X\" FROM input WHERE key NOT IN ('k7', 'k10')";
    let (told, _) = batch(&["plan"], folder.path(), &[&ERROR[..], &["--sql", sql]].concat(), 0);
    assert!(told.contains("keys     85 rows, none twice, 0 without a key"), "{told}");
    let sql = "SELECT left(key, 2) AS key, \"X\" FROM input";
    let (_, said) = batch(&["plan"], folder.path(), &[&ERROR[..], &["--sql", sql]].concat(), 2);
    assert!(said.contains("found 8 in more"), "{said}");
}
