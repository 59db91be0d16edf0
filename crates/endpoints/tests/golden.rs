//! The golden cases of `predict` that no arithmetic decides: errors, byte for byte, and answers without the model. Of the
//! other cases of `digits`, the status. The numbers are compared where the real models run.

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
    let body = fs::read(folder.join("request.json")).unwrap_or_default();
    let request = Request::builder()
        .method(case["method"].as_str().unwrap())
        .uri(case["path"].as_str().unwrap())
        .body(body.as_slice())
        .unwrap();
    let model = Watched { ran: Cell::new(false) };
    let response = handle(&model, &Config::default(), &request);
    assert_eq!(i64::from(response.status().as_u16()), case["status"].as_integer().unwrap(), "{folder:?}");
    if !model.ran.get() {
        let expect = fs::read_to_string(folder.join("response.json")).unwrap();
        assert_eq!(std::str::from_utf8(response.body()).unwrap(), expect.trim_end(), "{folder:?}");
    }
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
