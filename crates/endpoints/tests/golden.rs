//! The golden cases of `predict` that no arithmetic decides: errors, byte for byte, and answers without the model. Of the
//! other cases of `digits`, all but the values of outputs. These are compared where the real models run.

#![expect(clippy::disallowed_methods, reason = "reads cases from files")]
#![cfg(test)]

mod digits;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use digits::Digits;
use endpoints::predict::{Config, handle};
use endpoints::{Model, ModelError};
use http::Request;
use serde_json::{Value, json};
use tensor::{Metadata, Tensor};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/predict");

/// Tells whether the model was needed.
struct Watched {
    ran: Cell<bool>,
}

impl Model for Watched {
    fn metadata(&self) -> Metadata {
        Digits.metadata()
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        self.ran.set(true);
        Digits.infer(inputs, outputs)
    }
}

#[track_caller]
fn check(folder: &Path) {
    let case: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
    if case.get("model").is_some_and(|model| model.as_str() != Some("digits")) {
        return;
    }
    let mut body = fs::read(folder.join("request.json")).unwrap_or_default();
    let mut request =
        Request::builder().method(case["method"].as_str().unwrap()).uri(case["path"].as_str().unwrap());
    if let Ok(binary) = fs::read(folder.join("request.bin")) {
        request = request.header("inference-header-content-length", body.len());
        body.extend(binary);
    }
    let request = request.body(body.as_slice()).unwrap();
    let model = Watched { ran: Cell::new(false) };
    let response = handle(&model, &Config::default(), &request);
    assert_eq!(i64::from(response.status().as_u16()), case["status"].as_integer().unwrap(), "{folder:?}");
    let expect = fs::read_to_string(folder.join("response.json")).unwrap();
    let parse = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    if case.contains_key("generated_keys") || case.contains_key("repeat") {
        return;
    }
    if case.contains_key("tolerance") {
        let [found, expect] = [response.body(), expect.as_bytes()].map(|json| without_values(parse(json)));
        assert_eq!(found, expect, "{folder:?}");
    } else if !model.ran.get() {
        assert_eq!(std::str::from_utf8(response.body()).unwrap(), expect.trim_end(), "{folder:?}");
    }
}

/// The answer without the values that the real model computes: names and errors of rows, and which outputs there are.
fn without_values(mut answer: Value) -> Value {
    let computed = ["label", "probabilities"];
    let of_rows = answer["predictions"].as_array_mut().map(std::mem::take).into_iter().flatten();
    let mut rows: Vec<Value> = of_rows.collect();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|name, _| !computed.contains(&name.as_str()));
    }
    let outputs = answer["outputs"].as_array_mut().map(std::mem::take).into_iter().flatten();
    let mut outputs: Vec<Value> = outputs.collect();
    for output in outputs.iter_mut().filter(|output| computed.iter().any(|name| output["name"] == *name)) {
        output["data"].take();
    }
    json!([rows, outputs, answer["keys"], answer["clients"], answer["client"], answer["parameters"]])
}

#[test]
fn cases_are_answered_as_written() {
    let mut folders: Vec<PathBuf> = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        check(&folder);
    }
}
