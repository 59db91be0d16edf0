//! `plinth batch` when things go wrong: two drivers at once, one of them killed; models that trap, loop, eat memory, refuse or forget
//! rows; a disk that is full or loses its power. Labels expected are ONNX Runtime's; the poison model's answers are its inputs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use system_tests::root;
use tempfile::TempDir;
use wit_component::ComponentEncoder;

use crate::jobs::{
    check_labels, check_run, dataset, entries, plinth, read_lines, run_arguments, spawn, write_lines,
};

const N_ROUNDS: usize = 10;

/// Between none and nearly all of the commits of a job with so many chunks, in an order that looks like chance.
fn moment(round: usize, n_chunks: usize) -> usize {
    round * 7919 % (n_chunks - 3)
}

#[test]
fn two_drivers_of_one_job_both_end_and_write_each_row_once() {
    let (folder, labels) = dataset();
    let (rows, out) = (folder.path().join("rows.jsonl"), folder.path().join("out"));
    let more = ["--chunk-rows", "10", "--concurrency", "2"];
    let arguments = run_arguments(rows.to_str().unwrap(), out.to_str().unwrap(), &more);
    let mut drivers = [spawn(&arguments), spawn(&arguments)];
    for driver in &mut drivers {
        assert_eq!(driver.wait().unwrap().code(), Some(0));
    }
    check_labels(&out, &labels);
    check_run(&["batch", "resume", out.to_str().unwrap()], 0);
    check_labels(&out, &labels);
}

#[test]
fn a_driver_goes_on_when_the_one_beside_it_is_killed() {
    let (folder, labels) = dataset();
    let rows = folder.path().join("rows.jsonl");
    let n_chunks = labels.len().div_ceil(10);
    let mut n_killed = 0;
    for round in 0..N_ROUNDS {
        let out = folder.path().join(format!("out{round}"));
        let out_text = out.to_str().unwrap();
        let more = ["--chunk-rows", "10", "--concurrency", "2"];
        let arguments = run_arguments(rows.to_str().unwrap(), out_text, &more);
        let mut killed = spawn(&arguments);
        while !out.join("_plinth/job.json").exists() && killed.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let beside = if round % 2 == 0 { arguments } else { vec!["batch", "resume", out_text] };
        let mut survivor = spawn(&beside);
        let commits = out.join("_plinth/commits");
        while entries(&commits) < moment(round, n_chunks) && killed.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        killed.kill().unwrap();
        n_killed += usize::from(killed.wait().unwrap().code().is_none());
        assert_eq!(survivor.wait().unwrap().code(), Some(0), "round {round}");
        check_labels(&out, &labels);
    }
    assert!(n_killed > N_ROUNDS / 2, "only {n_killed} drivers were killed before they ended");
}

/// The poison model as a component, made once.
fn poison_model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| {
        let module =
            fs::read(root().join("target/wasm/poison.wasm")).expect("`cargo xtask build` has built it");
        let component = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
        let file = root().join("target/models/poison-of-tests.wasm");
        fs::write(&file, component).unwrap();
        file
    })
}

/// What the model is to do with a row, as `tests/poison` reads it.
const TRAP: f64 = 1001.0;
const LOOP: f64 = 1002.0;
const MEMORY: f64 = 1003.0;
const REFUSE: f64 = 1004.0;
const FAIL: f64 = 1005.0;
const FORGET: f64 = 1006.0;

/// A job over 40 rows in four chunks, these of them poisoned, with tight limits. Gives its folder and how it ended.
fn poisoned(poison: &[(usize, f64)], code: i32) -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("rows.jsonl"), folder.path().join("out"));
    let poison: BTreeMap<usize, f64> = poison.iter().copied().collect();
    let rows: Vec<Value> = (0..40)
        .map(|row| json!({"key": format!("k{row}"), "x": poison.get(&row).unwrap_or(&(row as f64))}))
        .collect();
    write_lines(&input, &rows);
    let job = ["batch", "run", "--model", poison_model().to_str().unwrap(), "--key", "key", "--select", "x"];
    let place = ["--input", input.to_str().unwrap(), "--output", out.to_str().unwrap(), "--chunk-rows", "10"];
    let limits = ["--timeout", "1", "--memory", "64"];
    let said = check_run(&job.into_iter().chain(place).chain(limits).collect::<Vec<_>>(), code);
    (folder, out, String::from_utf8(said.stderr).unwrap())
}

#[test]
fn poison_rows_are_named_and_all_others_answered() {
    let poison = [(3, TRAP), (4, REFUSE), (17, LOOP), (25, MEMORY), (29, FAIL), (30, TRAP)];
    let (folder, out, _) = poisoned(&poison, 0);
    let answers: Vec<(String, f64)> = read_lines(&out.join("data"))
        .iter()
        .map(|row| (row["key"].as_str().unwrap().to_owned(), row["y"].as_f64().unwrap()))
        .collect();
    let is_poison = |row: &usize| poison.iter().any(|(poison, _)| poison == row);
    let expect: Vec<(String, f64)> =
        (0..40).filter(|row| !is_poison(row)).map(|row| (format!("k{row}"), row as f64)).collect();
    assert_eq!(answers, expect);
    let errors = read_lines(&out.join("errors"));
    let input = folder.path().join("rows.jsonl");
    assert_eq!(errors.len(), poison.len(), "{errors:?}");
    for (error, (row, why)) in errors.iter().zip(poison) {
        let (code, message) = match why {
            REFUSE => ("invalid_input", "1004 is refused"),
            FAIL => ("model_failed", "1005 is too much"),
            TRAP => ("model_failed", "unreachable"),
            LOOP => ("model_failed", "interrupt"),
            _ => ("model_failed", "memory"),
        };
        assert_eq!(error["key"], format!("k{row}"));
        assert_eq!(error["file"], input.to_str().unwrap());
        assert_eq!(error["row"], row);
        assert_eq!(error["code"], code, "{error}");
        assert!(error["error"].as_str().unwrap().contains(message), "{error}");
    }
}

#[test]
fn a_model_that_forgets_rows_fails_the_job() {
    let (_folder, out, said) = poisoned(&[(5, FORGET)], 1);
    assert!(said.contains("expected 10 rows, found 9"), "{said}");
    assert_eq!(entries(&out.join("data")), 0, "nothing is published");
    assert!(!out.join("_SUCCESS").exists());
}

/// The library that makes a process take a folder for a disk of its own; see `tests/batch/disk.c`.
fn disk() -> &'static Path {
    static DISK: OnceLock<PathBuf> = OnceLock::new();
    DISK.get_or_init(|| {
        let library = root().join("target/disk-of-tests.so");
        let source = root().join("tests/batch/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).args([&library, &source]);
        assert!(compiler.status().expect("a C compiler, which linking needs too").success());
        library
    })
}

/// The program with `out` on such a disk.
fn on_disk(arguments: &[&str], out: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = plinth(arguments);
    command.env("LD_PRELOAD", disk()).env("DISK_FOLDER", out);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

#[test]
fn a_full_disk_is_named_and_nothing_partial_is_seen() {
    let (folder, labels) = dataset();
    let rows = folder.path().join("rows.jsonl");
    let n_model_bytes = fs::metadata(root().join("target/models/digits.wasm")).unwrap().len();
    for (round, n_bytes) in
        [0, 2_000, n_model_bytes, n_model_bytes + 60_000, n_model_bytes + 100_000].iter().enumerate()
    {
        let out = folder.path().join(format!("out{round}"));
        let arguments = run_arguments(rows.to_str().unwrap(), out.to_str().unwrap(), &["--chunk-rows", "20"]);
        let full = on_disk(&arguments, &out, &[("DISK_FULL_AFTER", n_bytes.to_string())]).output().unwrap();
        let said = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(1), "{n_bytes} bytes: {said}");
        let place = format!("{}/_plinth/", out.display());
        assert!(said.contains(&place) && said.contains("no space left"), "{n_bytes} bytes: {said}");
        assert_eq!(entries(&out.join("data")), 0, "{n_bytes} bytes");
        if out.join("_plinth/job.json").exists() {
            check_run(&["batch", "resume", out.to_str().unwrap()], 0);
        } else {
            check_run(&arguments, 0);
        }
        check_labels(&out, &labels);
    }
}

/// How many operations on the disk lie between two losses of power, about.
const STRIDE: usize = 11;

#[test]
fn what_is_committed_survives_a_loss_of_power() {
    let (folder, labels) = dataset();
    let rows = folder.path().join("rows.jsonl");
    let mut n_lost = 0;
    for round in 0_usize.. {
        let out = folder.path().join(format!("out{round}"));
        let more = ["--chunk-rows", "40", "--concurrency", "2"];
        let arguments = run_arguments(rows.to_str().unwrap(), out.to_str().unwrap(), &more);
        let settings =
            [("DISK_POWER_OFF_AT", (round * STRIDE).to_string()), ("DISK_SEED", round.to_string())];
        let mut driver = on_disk(&arguments, &out, &settings);
        let ended = driver.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        if out.join("_SUCCESS").exists() {
            check_labels(&out, &labels);
        }
        check_run(&arguments, 0);
        check_labels(&out, &labels);
        if ended.code() == Some(0) {
            break;
        }
        n_lost += 1;
    }
    assert!(n_lost >= 15, "only {n_lost} losses of power before a job got through");
}
