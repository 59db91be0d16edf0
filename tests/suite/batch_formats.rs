//! What `plinth batch` reads and writes: every format, folders with values in their names, patterns, queries. Inputs are those of
//! `tests/batch/rows/`, which another program wrote; labels and probabilities expected are ONNX Runtime's, bits those of `predict`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_ipc::reader::FileReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use system_tests::root;
use system_tests::runtimes::{Embedded, demo_models};

use crate::batch_chunk::predicted;
use crate::digits::{Reference, Row, Rows, row_of_json, row_of_record, rows_of_batch};
use crate::jobs::{check_run, read_lines, write_lines};

/// How far a probability may be from ONNX Runtime's.
const TOLERANCE: f64 = 1e-5;

const OUTPUT_FORMATS: [&str; 4] = ["parquet", "arrow", "csv", "jsonl"];

/// The reference's rows in this file.
fn fixture(name: &str) -> String {
    root().join("tests/batch/rows").join(name).to_str().unwrap().to_owned()
}

/// Runs a job over these inputs into a new folder, with more arguments.
#[track_caller]
fn predict<S: AsRef<str>>(inputs: &[S], more: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let job = ["batch", "run", "--model", "target/models/digits.wasm", "--key", "key"];
    let place = ["--output", out.to_str().unwrap(), "--input"];
    let inputs = inputs.iter().map(AsRef::as_ref);
    let arguments: Vec<&str> =
        job.into_iter().chain(more.iter().copied()).chain(place).chain(inputs).collect();
    check_run(&arguments, 0);
    (folder, out)
}

/// The parts of an output, in the order of the input.
fn parts(out: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(out.join("data")).unwrap();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts
}

fn rows_of_part(part: &Path) -> Vec<Row> {
    match part.extension().unwrap().to_str().unwrap() {
        "jsonl" => std::fs::read_to_string(part).unwrap().lines().map(row_of_json).collect(),
        "csv" => {
            let mut reader = csv::Reader::from_path(part).unwrap();
            let records = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect());
            records.map(|record: Vec<String>| row_of_record(&record)).collect()
        }
        "arrow" => FileReader::try_new(File::open(part).unwrap(), None)
            .unwrap()
            .flat_map(|batch| rows_of_batch(&batch.unwrap()))
            .collect(),
        "parquet" => ParquetRecordBatchReaderBuilder::try_new(File::open(part).unwrap())
            .unwrap()
            .build()
            .unwrap()
            .flat_map(|batch| rows_of_batch(&batch.unwrap()))
            .collect(),
        other => panic!("a part in {other}"),
    }
}

fn rows_of(out: &Path) -> Vec<Row> {
    parts(out).iter().flat_map(|part| rows_of_part(part)).collect()
}

/// The rows are these of the reference, in this order, with the answers of ONNX Runtime.
#[track_caller]
fn check_reference(rows: &[Row], expect: impl Iterator<Item = usize>) {
    let Reference { labels, probabilities, .. } = Reference::read();
    let expect: Vec<usize> = expect.collect();
    let found: Vec<(&str, i64)> = rows.iter().map(|(key, label, _)| (key.as_str(), *label)).collect();
    let keys: Vec<String> = expect.iter().map(|row| format!("row {row:02}")).collect();
    let labels: Vec<(&str, i64)> =
        keys.iter().zip(&expect).map(|(key, &row)| (key.as_str(), labels[row])).collect();
    assert_eq!(found, labels);
    for ((key, _, bits), &row) in rows.iter().zip(&expect) {
        let expect = &probabilities[row];
        let found = bits.iter().map(|bits| f64::from(f32::from_bits(*bits)));
        assert!(found.zip(expect).all(|(found, expect)| (found - expect).abs() < TOLERANCE), "{key}");
        assert_eq!(bits.len(), expect.len(), "{key}");
    }
}

#[test]
fn every_format_is_read_and_written_with_the_same_bits() {
    let mut first: Option<Vec<Row>> = None;
    for (input, n_parts) in [
        ("rows.parquet", 4),
        ("rows.arrow", 4),
        ("rows.csv", 4),
        ("rows.jsonl", 4),
        ("rows.jsonl.gz", 1),
        ("rows.csv.zst", 1),
    ] {
        for output in OUTPUT_FORMATS {
            let more = ["--exclude", "note,fold", "--chunk-rows", "8", "--output-format", output];
            let (_folder, out) = predict(&[fixture(input)], &more);
            let parts = parts(&out);
            assert_eq!(parts.len(), n_parts, "{input}");
            assert!(parts.iter().all(|part| part.extension().unwrap() == output), "{parts:?}");
            let rows = rows_of(&out);
            check_reference(&rows, 0..32);
            assert!(*first.get_or_insert_with(|| rows.clone()) == rows, "{input} as {output}");
        }
    }
}

#[test]
fn an_output_has_the_format_of_the_input_unless_another_is_asked_for() {
    for (input, expect) in [("rows.parquet", "parquet"), ("rows.csv.zst", "csv"), ("rows.jsonl.gz", "jsonl")]
    {
        let (_folder, out) = predict(&[fixture(input)], &["--exclude", "note,fold"]);
        assert_eq!(parts(&out)[0].extension().unwrap(), expect);
    }
}

/// A value as a text, whatever datatype its column has.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn kept_columns_come_back_as_they_were() {
    for input in ["rows.parquet", "rows.arrow", "rows.csv", "rows.jsonl"] {
        let more = ["--keep", "note,fold", "--chunk-rows", "8", "--output-format", "jsonl"];
        let (_folder, out) = predict(&[fixture(input)], &more);
        for (idx, row) in read_lines(&out.join("data")).iter().enumerate() {
            assert_eq!(text(&row["note"]), format!("\"{idx}\", a note\nof two lines"), "{input}");
            assert_eq!(text(&row["fold"]), (idx % 3).to_string(), "{input}");
        }
    }
}

#[test]
fn kept_numbers_of_json_lines_are_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("rows.jsonl")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .enumerate()
        .map(|(idx, line)| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            row["weight"] = serde_json::json!(f64::from(u32::try_from(idx).unwrap()) + 0.5);
            row
        })
        .collect();
    let input = folder.path().join("rows.jsonl");
    write_lines(&input, &rows);
    let more = ["--select", "X", "--keep", "weight,X", "--output-format", "jsonl"];
    let (_out, out) = predict(&[input.to_str().unwrap()], &more);
    let kept = read_lines(&out.join("data"));
    assert_eq!(kept.len(), rows.len());
    for (kept, row) in kept.iter().zip(&rows) {
        assert_eq!(
            (numbers(&kept["weight"]), numbers(&kept["X"])),
            (numbers(&row["weight"]), numbers(&row["X"]))
        );
    }
}

/// A number or a list of numbers; fails for texts.
fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The reference's rows in folders that say what `fold` they have; the rows themselves do not.
fn partitioned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("rows.jsonl")).unwrap();
    let mut folds: [Vec<Value>; 3] = Default::default();
    for line in text.lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let fold = row.as_object_mut().unwrap().remove("fold").unwrap().as_u64().unwrap();
        folds[usize::try_from(fold).unwrap()].push(row);
    }
    for (fold, rows) in folds.iter().enumerate() {
        let below = folder.path().join(format!("fold={fold}"));
        std::fs::create_dir_all(&below).unwrap();
        write_lines(&below.join("rows.jsonl"), rows);
        write_lines(&below.join("_hidden.jsonl"), rows);
    }
    folder
}

#[test]
fn folders_are_columns_and_patterns_choose_among_them() {
    let folder = partitioned();
    let label_of = Reference::read().labels;
    for (patterns, expect) in [
        (&["", ""][..], &[0, 1, 2][..]),
        (&["fold=[12]/*.jsonl"], &[1, 2]),
        (&["**/rows.jsonl"], &[0, 1, 2]),
        (&["fold={0,2}"], &[0, 2]),
        (&["fold=1/rows.jsonl", "fold=?/r*"], &[1, 0, 2]),
    ] {
        let inputs: Vec<String> =
            patterns.iter().map(|pattern| format!("{}/{pattern}", folder.path().display())).collect();
        let (_out, out) = predict(&inputs, &["--select", "X", "--keep", "fold"]);
        let rows = read_lines(&out.join("data"));
        let number = |row: &Value| row["key"].as_str().unwrap()[4..].parse::<usize>().unwrap();
        for row in &rows {
            assert_eq!(row["fold"], (number(row) % 3).to_string(), "{patterns:?}");
            assert_eq!(row["label"], label_of[number(row)], "{patterns:?}");
        }
        let found: Vec<usize> = rows.iter().map(number).collect();
        let of_fold = |fold: usize| (0..label_of.len()).filter(move |row| row % 3 == fold);
        let expect: Vec<usize> = expect.iter().flat_map(|&fold| of_fold(fold)).collect();
        assert_eq!(found, expect, "{patterns:?}");
    }
}

#[test]
fn a_query_chooses_and_computes_before_the_model() {
    let halves: Vec<String> = (0..64).map(|pixel| format!("p{pixel} / 2.0 * 2 AS x{pixel}")).collect();
    let sql = format!("SELECT key, {}, fold * 10 AS tens FROM input WHERE fold <> 1", halves.join(", "));
    let (_folder, out) =
        predict(&[fixture("rows.parquet")], &["--sql", &sql, "--keep", "tens", "--chunk-rows", "8"]);
    check_reference(&rows_of(&out), (0..32).filter(|row| row % 3 != 1));
    let sql = "SELECT key, \"X\", CAST(fold AS BIGINT) * 10 AS tens FROM input WHERE key >= 'row 30'";
    let (_folder, out) =
        predict(&[fixture("rows.jsonl")], &["--sql", sql, "--select", "X", "--keep", "tens"]);
    let found: Vec<(String, Option<i64>)> = read_lines(&out.join("data"))
        .iter()
        .map(|row| (row["key"].as_str().unwrap().to_owned(), row["tens"].as_i64()))
        .collect();
    assert_eq!(found, [("row 30".to_owned(), Some(0)), ("row 31".to_owned(), Some(10))]);
}

#[test]
fn a_query_over_more_than_a_row_is_refused() {
    for sql in [
        "SELECT key, \"X\" FROM input ORDER BY key",
        "SELECT key, \"X\" FROM input LIMIT 3",
        "SELECT DISTINCT key, \"X\" FROM input",
        "SELECT key, \"X\", count(*) OVER () AS n FROM input",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let job = ["batch", "run", "--model", "target/models/digits.wasm", "--key", "key", "--select", "X"];
        let rows = fixture("rows.arrow");
        let more = ["--sql", sql, "--input", &rows, "--output", out.to_str().unwrap()];
        let said = check_run(&job.into_iter().chain(more).collect::<Vec<_>>(), 2);
        assert!(String::from_utf8_lossy(&said.stderr).contains("row by row"), "{sql}: {said:?}");
        assert!(!out.exists(), "nothing is written");
    }
}

#[test]
fn a_job_has_the_values_of_predict_bit_for_bit() {
    let server = Embedded::models(demo_models());
    let rows = Rows::read();
    let expect = predicted(&server.client(), &rows);
    assert_eq!(expect.iter().map(|(key, ..)| key).collect::<BTreeSet<_>>().len(), rows.keys.len());
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.jsonl");
    std::fs::write(&input, rows.lines()).unwrap();
    for micro_batch in ["1", "7", "100", "8192"] {
        for output in OUTPUT_FORMATS {
            let more = ["--micro-batch", micro_batch, "--chunk-rows", "150", "--output-format", output];
            let (_out, out) = predict(&[input.to_str().unwrap()], &more);
            assert!(rows_of(&out) == expect, "{micro_batch} at once, as {output}");
        }
    }
}
