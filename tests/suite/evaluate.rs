//! `plinth evaluate` over what `plinth batch` predicted: digits as they are, then blurred, with labels that come in a file of their own.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::digits::Rows;
use crate::jobs::{check_run, read_lines, write_lines};

const SIDE: usize = 8;

/// The held-out digits with their true labels, predicted into Parquet: once as they are, once blurred.
pub(crate) struct Predicted {
    folder: TempDir,
    pub(crate) rows: Rows,
}

impl Predicted {
    pub(crate) fn new() -> Self {
        let predicted = Self { folder: tempfile::tempdir().unwrap(), rows: Rows::read() };
        predicted.predict("sharp", Vec::clone);
        predicted.predict("blurred", |pixels| blurred(&blurred(pixels)));
        predicted
    }

    fn predict(&self, name: &str, change: impl Fn(&Vec<f32>) -> Vec<f32>) {
        let rows = self.rows.keys.iter().zip(&self.rows.pixels).zip(&self.rows.labels);
        let rows: Vec<Value> = rows
            .map(|((key, pixels), truth)| json!({"key": key, "X": change(pixels), "truth": truth}))
            .collect();
        let input = self.path(&format!("{name}.jsonl"));
        write_lines(Path::new(&input), &rows);
        for format in ["parquet", "jsonl"] {
            let output = self.path(&format!("{name}-{format}"));
            let arguments = [
                "batch",
                "run",
                "--model",
                "target/models/digits.wasm",
                "--input",
                &input,
                "--output",
                &output,
                "--key",
                "key",
                "--select",
                "X",
                "--keep",
                "X,truth",
                "--output-format",
                format,
            ];
            check_run(&arguments, 0);
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn parts(&self, name: &str) -> String {
        self.path(&format!("{name}-parquet/data/*.parquet"))
    }

    /// How many blurred rows are right, counted from the JSON lines of the same predictions.
    fn n_right(&self) -> usize {
        let rows = read_lines(Path::new(&self.path("blurred-jsonl/data")));
        assert_eq!(rows.len(), self.rows.keys.len());
        rows.iter().filter(|row| row["label"] == row["truth"]).count()
    }

    pub(crate) fn baseline(&self) -> String {
        self.baseline_of("sharp", "baseline.json")
    }

    fn baseline_of(&self, name: &str, file: &str) -> String {
        let (data, output) = (self.parts(name), self.path(file));
        let arguments = [
            "evaluate",
            "baseline",
            "--data",
            &data,
            "--prediction",
            "label",
            "--label",
            "truth",
            "--probabilities",
            "probabilities",
            "--key",
            "key",
            "--name",
            "digits",
            "-o",
            &output,
        ];
        check_run(&arguments, 0);
        output
    }

    fn run(&self, name: &str, more: &[&str], code: i32) -> Value {
        let (data, baseline) = (self.parts(name), self.path("baseline.json"));
        let (json, html) = (self.path("report.json"), self.path("report.html"));
        let mut arguments = vec![
            "evaluate",
            "run",
            "--baseline",
            &baseline,
            "--data",
            &data,
            "--prediction",
            "label",
            "--probabilities",
            "probabilities",
            "--key",
            "key",
            "--json",
            &json,
            "--html",
            &html,
            "--fail-on-alarm",
        ];
        arguments.extend(more);
        check_run(&arguments, code);
        assert!(std::fs::read_to_string(&html).unwrap().starts_with("<!doctype html>"));
        serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap()
    }
}

/// Each pixel the mean of itself and its neighbours.
pub(crate) fn blurred(pixels: &[f32]) -> Vec<f32> {
    let near = |at: usize| at.saturating_sub(1)..=(at + 1).min(SIDE - 1);
    let mean = |place: usize| {
        let cells = near(place / SIDE).flat_map(|y| near(place % SIDE).map(move |x| y * SIDE + x));
        let values: Vec<f32> = cells.map(|cell| pixels[cell]).collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    (0..pixels.len()).map(mean).collect()
}

fn accuracy(report: &Value) -> f64 {
    let metrics = report["current"]["metrics"].as_array().unwrap();
    let accuracy = metrics.iter().find(|metric| metric["name"] == "accuracy").unwrap();
    accuracy["estimate"]["value"].as_f64().unwrap()
}

#[test]
pub(crate) fn blurred_digits_with_late_labels_are_an_alarm_and_sharp_ones_are_not() {
    let predicted = Predicted::new();
    predicted.baseline();
    let quiet = predicted.run("sharp", &["--label", "truth"], 0);
    assert_eq!(quiet["findings"], json!([]));

    // The last label is missing, one comes twice, one contradicts, and one is of nobody's row.
    let n = predicted.rows.keys.len();
    let label = |idx: usize| format!("{},{}\n", predicted.rows.keys[idx], predicted.rows.labels[idx]);
    let mut labels = "key,label\n".to_owned();
    labels += &(0..n - 1).map(label).collect::<String>();
    labels += &label(0);
    labels += &format!("{},{}\nnobody,1\n", predicted.rows.keys[1], (predicted.rows.labels[1] + 1) % 10);
    let file = predicted.path("labels.csv");
    std::fs::write(&file, labels).unwrap();

    let report = predicted.run("blurred", &["--labels", &file], 5);
    let account = &report["current"]["account"];
    let counts = ["matched", "pending", "duplicate", "conflicting", "orphan", "late"]
        .map(|name| account[name].as_u64());
    assert_eq!(counts, [n as u64 - 1, 1, 1, 1, 1, 0].map(Some));
    let found: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|it| it["subject"].as_str().unwrap()).collect();
    assert!(
        found.contains(&"accuracy") && found.iter().any(|subject| subject.ends_with("of 64 features")),
        "{found:?}"
    );

    let beside = predicted.run("blurred", &["--label", "truth"], 5);
    assert!((accuracy(&beside) - predicted.n_right() as f64 / n as f64).abs() < 1e-12);
}

#[test]
fn parts_counted_apart_make_the_report_of_the_whole() {
    let predicted = Predicted::new();
    let baseline = predicted.baseline();
    let (first, second) = (predicted.path("first.json"), predicted.path("second.json"));
    predicted.run("sharp", &["--label", "truth", "--window", "100rows", "--profiles", &first], 0);
    predicted.run("blurred", &["--label", "truth", "--window", "100rows", "--profiles", &second], 5);
    let merged = |files: [&str; 2]| {
        let output = predicted.path("merged.json");
        check_run(&["evaluate", "report", "--baseline", &baseline, files[0], files[1], "--json", &output], 0);
        std::fs::read_to_string(&output).unwrap()
    };
    let report = merged([&first, &second]);
    assert_eq!(report, merged([&second, &first]));
    let report: Value = serde_json::from_str(&report).unwrap();
    let n_rows = 2 * predicted.rows.keys.len() as u64;
    assert_eq!(
        (report["current"]["n_rows"].as_u64(), report["windows"].as_array().unwrap().len()),
        (Some(n_rows), 6)
    );
}

#[test]
fn profiles_of_another_baseline_are_refused() {
    let predicted = Predicted::new();
    predicted.baseline();
    let (other, profiles) = (predicted.baseline_of("blurred", "other.json"), predicted.path("sharp.json"));
    predicted.run("sharp", &["--label", "truth", "--profiles", &profiles], 0);
    let output = check_run(&["evaluate", "report", "--baseline", &other, &profiles], 2);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("of another baseline") && said.contains("sharp.json"), "{said}");
}

#[test]
fn columns_that_are_not_there_are_named() {
    let predicted = Predicted::new();
    let data = predicted.parts("sharp");
    let output =
        check_run(&["evaluate", "baseline", "--data", &data, "--prediction", "lable", "-o", "/dev/null"], 2);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("found `lable`") && said.contains("label"), "{said}");
}
