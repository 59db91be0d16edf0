//! `plinth batch run --endpoint`: rows predicted by a deployed `batch-chunk`, over connections that fail in every way. What comes out is what
//! one process writes, to the byte.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use serde_json::{Value, json};
use system_tests::proxy::{Deed, Proxy};
use system_tests::runtimes::Embedded;
use tempfile::TempDir;

use crate::jobs::{check_labels, check_run, dataset, digits, read_lines, write_lines};

fn digits_at(address: SocketAddr) -> String {
    format!("http://{address}/batch/digits")
}

/// Where nobody listens any more.
fn nowhere() -> String {
    digits_at(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// A data set in a folder, to which jobs write too.
struct DataSet {
    folder: TempDir,
    file: &'static str,
    arguments: &'static [&'static str],
}

impl DataSet {
    /// Runs a job into a folder of this name; gives the folder, and what was said.
    #[track_caller]
    fn run(&self, out: &str, more: &[&str], code: i32) -> (PathBuf, String) {
        let (rows, out) = (self.folder.path().join(self.file), self.folder.path().join(out));
        let job = ["batch", "run", "--key", "key"];
        let model =
            if more.contains(&"--model") { &[][..] } else { &["--model", "target/models/digits.wasm"] };
        let places = ["--input", rows.to_str().unwrap(), "--output", out.to_str().unwrap()];
        let arguments: Vec<&str> = [&job[..], model, &places, self.arguments, more].concat();
        let output = check_run(&arguments, code);
        (out, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Checks that a job by this endpoint writes the files that one in process writes; gives its folder.
    #[track_caller]
    fn check(&self, url: &str, more: &[&str]) -> PathBuf {
        let (here, _) = self.run("here", more, 0);
        let (there, _) = self.run("there", &[more, &["--endpoint", url]].concat(), 0);
        check_same(&here, &there);
        fs::remove_dir_all(here).unwrap();
        there
    }
}

/// Every file that readers see of a job, by name: parts and bad rows.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = ["data", "errors"].map(|folder| fs::read_dir(out.join(folder)).into_iter().flatten());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_name().unwrap().display().to_string(), fs::read(&path).unwrap())).collect()
}

#[track_caller]
fn check_same(expect: &Path, found: &Path) {
    let (expect, found) = (files(expect), files(found));
    assert!(found.keys().eq(expect.keys()), "{:?} instead of {:?}", found.keys(), expect.keys());
    for (name, bytes) in &expect {
        assert!(found[name] == *bytes, "{name} is different");
    }
}

fn lines(arguments: &'static [&'static str]) -> (DataSet, BTreeMap<String, i64>) {
    let (folder, labels) = dataset();
    (DataSet { folder, file: "rows.jsonl", arguments }, labels)
}

/// The digits as a file of Arrow record batches, a column for each pixel, some of them null.
#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "pixels are whole numbers up to 16")]
fn columns(arguments: &'static [&'static str]) -> DataSet {
    let (rows, _) = digits();
    let folder = tempfile::tempdir().unwrap();
    let pixel = |row: &Value, pixel: usize| row["X"][pixel].as_f64().unwrap() as f32;
    let batch = |rows: &[Value]| {
        let keys: StringArray = rows.iter().map(|row| row["key"].as_str()).collect();
        let folds: Int32Array = rows.iter().map(|row| Some(row["fold"].as_i64().unwrap() as i32)).collect();
        let pixels = (0..64).map(|idx| {
            let pixels = rows.iter().map(|row| Some(pixel(row, idx)).filter(|value| *value != idx as f32));
            (format!("p{idx}"), Arc::new(pixels.collect::<Float32Array>()) as ArrayRef)
        });
        let given: [(String, ArrayRef); 2] =
            [("key".to_owned(), Arc::new(keys)), ("fold".to_owned(), Arc::new(folds))];
        RecordBatch::try_from_iter(given.into_iter().chain(pixels)).unwrap()
    };
    let batches: Vec<RecordBatch> = rows.chunks(150).map(batch).collect();
    let file = fs::File::create(folder.path().join("rows.arrow")).unwrap();
    let mut writer = FileWriter::try_new(file, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    DataSet { folder, file: "rows.arrow", arguments }
}

#[test]
fn an_endpoint_gives_the_files_of_a_process_to_the_byte() {
    let server = Embedded::demo();
    let url = digits_at(server.address());
    let (set, labels) = lines(&["--select", "X", "--keep", "fold", "--chunk-rows", "100"]);
    check_labels(&set.check(&url, &[]), &labels);
    // Several requests to a chunk; a query before the model; every format.
    let set = columns(&["--keep", "fold", "--chunk-rows", "1000", "--micro-batch", "7", "--sql"]);
    let query = "SELECT key, fold, p0 + 1 AS q0, * EXCLUDE (key, fold, p0) FROM input WHERE fold < 2";
    for format in ["arrow", "parquet", "csv", "jsonl"] {
        let out = set.check(&url, &[query, "--output-format", format]);
        assert!(out.join(format!("data/part-00000.{format}")).exists());
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn bad_rows_are_reported_as_by_a_process() {
    let server = Embedded::demo();
    let (mut rows, _) = digits();
    rows.truncate(130);
    rows[3]["X"] = json!([1, 2, 3]);
    rows[7]["key"] = Value::Null;
    rows[8] = json!({"key": "k8", "fold": 1});
    rows[107]["X"] = Value::Null;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    write_lines(&file, &rows);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{{\"key\": \n{text}")).unwrap();
    let arguments = &["--select", "X", "--chunk-rows", "60", "--micro-batch", "8"];
    let set = DataSet { folder, file: "rows.jsonl", arguments };
    let errors = read_lines(&set.check(&digits_at(server.address()), &[]).join("errors"));
    let found = errors.iter().map(|error| (error["row"].as_u64().unwrap(), error["code"].as_str().unwrap()));
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    let expect = [
        (0, "malformed_row"),
        (4, "wrong_shape"),
        (8, "missing_key"),
        (9, "wrong_shape"),
        (108, "wrong_shape"),
    ];
    assert_eq!(found, expect, "{errors:?}");
}

#[test]
fn bad_numbers_are_called_by_their_columns() {
    let server = Embedded::demo();
    let (rows, _) = digits();
    let names: Vec<String> = (0..64).map(|idx| format!("p{idx}")).collect();
    let mut csv = format!("key,{}\n", names.join(","));
    for (idx, row) in rows.iter().take(50).enumerate() {
        let mut pixels: Vec<String> = row["X"].as_array().unwrap().iter().map(Value::to_string).collect();
        if idx == 33 {
            pixels[17] = "dark".to_owned();
        }
        csv += &format!("{},{}\n", row["key"].as_str().unwrap(), pixels.join(","));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), csv).unwrap();
    let set =
        DataSet { folder, file: "rows.csv", arguments: &["--output-format", "jsonl", "--micro-batch", "9"] };
    let errors = read_lines(&set.check(&digits_at(server.address()), &[]).join("errors"));
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (&errors[0]["row"], &errors[0]["key"], &errors[0]["input"]),
        (&json!(33), &json!("k33"), &json!("X"))
    );
    assert!(errors[0]["error"].as_str().unwrap().contains("`p17`"), "{errors:?}");
}

#[test]
fn connections_that_fail_lose_nothing_and_repeat_nothing() {
    let server = Embedded::demo();
    let proxy = Proxy::start(server.address(), |number, _| match number {
        0 => {
            Deed::Answer("429 Too Many Requests", "retry-after: 0", "{\"error\":\"wait\",\"code\":\"busy\"}")
        }
        1 => Deed::Answer("503 Service Unavailable", "retry-after: 1", ""),
        2 | 9 => Deed::Reset,
        3 | 11 => Deed::CutOff(5),
        4 => Deed::Answer("502 Bad Gateway", "content-type: text/html", "<h1>no</h1>"),
        5 => Deed::CutOff(1_000),
        6 => Deed::Answer("408 Request Timeout", "x: y", ""),
        7 => Deed::Answer("504 Gateway Timeout", "x: y", ""),
        n if n % 2 == 0 => Deed::Trickle,
        _ => Deed::Pass,
    });
    let (set, labels) = lines(&["--select", "X", "--chunk-rows", "60", "--concurrency", "2"]);
    let out = set.check(&digits_at(proxy.address()), &[]);
    check_labels(&out, &labels);
    assert!(proxy.n_requests() > 12 + 8, "{} requests", proxy.n_requests());
}

#[test]
fn a_request_that_is_too_long_is_sent_in_parts() {
    let server = Embedded::demo();
    let proxy = Proxy::start(server.address(), |_, request| {
        let is_long = request.len() > 20_000;
        if is_long { Deed::Answer("413 Content Too Large", "x: y", "") } else { Deed::Pass }
    });
    let (set, labels) = lines(&["--select", "X", "--micro-batch", "100"]);
    check_labels(&set.check(&digits_at(proxy.address()), &[]), &labels);
    assert!(proxy.n_requests() > 9, "{} requests", proxy.n_requests());
}

#[test]
fn rows_on_which_the_function_ends_are_found_and_no_others() {
    let server = Embedded::demo();
    let is_poison = |request: &[u8]| request.windows(6).any(|window| window == b"poison");
    let proxy = Proxy::start(server.address(), move |number, request| match is_poison(request) {
        true if number % 2 == 0 => Deed::Answer("500 Internal Server Error", "x: y", ""),
        true => Deed::CutOff(9),
        false => Deed::Pass,
    });
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, mut labels) = digits();
    for (row, key) in [(70, "poison"), (71, "poison, too"), (110, "poisonous")] {
        labels.remove(rows[row]["key"].as_str().unwrap());
        rows[row]["key"] = json!(key);
    }
    write_lines(&folder.path().join("rows.jsonl"), &rows);
    let arguments = &["--select", "X", "--chunk-rows", "90", "--micro-batch", "16"];
    let set = DataSet { folder, file: "rows.jsonl", arguments };
    let (out, _) = set.run("there", &["--endpoint", &digits_at(proxy.address())], 0);
    check_labels(&out, &labels);
    let errors = read_lines(&out.join("errors"));
    let found =
        errors.iter().map(|error| (error["row"].as_u64(), error["key"].as_str(), error["code"].as_str()));
    let expect = [(70, "poison"), (71, "poison, too"), (110, "poisonous")];
    let expect = expect.map(|(row, key)| (Some(row), Some(key), Some("model_failed")));
    assert_eq!(found.collect::<Vec<_>>(), expect);
}

#[test]
fn a_server_that_fails_always_makes_no_row_bad() {
    let server = Embedded::demo();
    let proxy = Proxy::start(server.address(), |_, _| Deed::Answer("500 Internal Server Error", "x: y", ""));
    let (set, labels) = lines(&["--select", "X", "--max-attempts", "2"]);
    let (out, said) = set.run("there", &["--endpoint", &digits_at(proxy.address())], 1);
    assert!(said.contains("500 Internal Server Error without a body"), "{said}");
    assert!(files(&out).is_empty() && proxy.n_requests() > 4);
    let out = out.to_str().unwrap();
    check_run(&["batch", "resume", out, "--endpoint", &digits_at(server.address())], 0);
    check_labels(Path::new(out), &labels);
}

#[test]
fn answers_to_other_requests_are_refused() {
    let server = Embedded::demo();
    let proxy =
        Proxy::start(server.address(), |number, _| if number == 0 { Deed::Pass } else { Deed::Stale });
    let (set, _) = lines(&["--select", "X", "--chunk-rows", "60", "--concurrency", "1"]);
    let (out, said) = set.run("there", &["--endpoint", &digits_at(proxy.address())], 1);
    assert!(said.contains("plinth-chunk"), "{said}");
    assert!(files(&out).is_empty());
    assert_eq!(proxy.n_requests(), 2, "what is wrong for good is not tried again");
}

#[test]
fn another_model_is_refused() {
    let server = Embedded::demo();
    let (set, _) = lines(&["--select", "X"]);
    let url = digits_at(server.address());
    let (out, said) = set.run("there", &["--model", "target/models/digits-edge.wasm", "--endpoint", &url], 2);
    assert!(said.contains("`digits-edge/1; onnx_sha256=") && said.contains("found `digits/1; "), "{said}");
    let predict = format!("http://{}/v2/models/digits/infer", server.address());
    let (_, said) = set.run("elsewhere", &["--endpoint", &predict], 1);
    assert!(said.contains("expected 200, found 4"), "{said}");
    assert!(files(&out).is_empty());
    set.run("there", &["--endpoint", "digits"], 2);
    set.run("there", &["--endpoint", &url, "--cluster", "df://127.0.0.1:1"], 2);
}

#[test]
fn a_job_goes_on_wherever_its_model_is() {
    let server = Embedded::demo();
    let (set, labels) = lines(&["--select", "X", "--chunk-rows", "100"]);
    let (out, said) = set.run("there", &["--endpoint", &nowhere(), "--max-attempts", "1"], 1);
    assert!(said.contains("expected an answer"), "{said}");
    let text = out.to_str().unwrap();
    let chunk = ["batch", "chunk", "--job", text, "--index", "1", "--endpoint", &digits_at(server.address())];
    check_run(&chunk, 0);
    assert!(out.join("_plinth/commits/00001.json").exists() && files(&out).is_empty());
    check_run(&["batch", "resume", text], 0);
    check_labels(&out, &labels);
    let (here, _) = set.run("here", &[], 0);
    check_same(&here, &out);
}
