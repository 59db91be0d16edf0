//! Models that teams have, from file to answer: packed, served, asked with rows of JSON, and compared with what the framework that trained them
//! says itself. `tests/frameworks/train.py` writes the cases.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Pool;
use packer::Options;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use system_tests::answer::Question;
use system_tests::root;
use system_tests::runtimes::{Client, Embedded};

#[derive(Deserialize)]
struct Case {
    name: String,
    model: String,
    instances: Vec<Map<String, Value>>,
    said: BTreeMap<String, Vec<Vec<Value>>>,
    tolerance: f64,
}

impl Case {
    /// The name under which it is served.
    fn model_name(&self) -> String {
        self.name.replace(' ', "-")
    }

    fn packed(&self) -> Vec<u8> {
        let engine = system_tests::engine(Pool::OnDemand);
        let options = Options { name: self.model_name(), version: "1".to_owned(), ..Options::default() };
        let onnx = STANDARD.decode(&self.model).unwrap();
        packer::pack(&engine, artifacts::MODEL_RUNTIME, &onnx, &options).unwrap().wasm
    }

    /// Sends all rows, each with its number as key, and checks what comes back under it.
    fn check(&self, client: &Client) {
        let with_key = |(number, row): (usize, &Map<String, Value>)| {
            let mut row = row.clone();
            row.insert("key".to_owned(), json!(number));
            row
        };
        let rows: Vec<_> = self.instances.iter().enumerate().map(with_key).collect();
        let body = json!({ "instances": rows }).to_string().into_bytes();
        let path = format!("/v1/models/{}:predict", self.model_name());
        let answer = client.ask(&Question { method: "POST".to_owned(), path, headers: vec![], body });
        assert_eq!(answer.status, 200, "{}: {}", self.name, String::from_utf8_lossy(&answer.body));
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let predictions = answer["predictions"].as_array().unwrap();
        assert_eq!(predictions.len(), self.instances.len());
        for (number, prediction) in predictions.iter().enumerate() {
            assert_eq!(prediction["key"], json!(number));
            for (output, rows) in &self.said {
                let found = elements(&prediction[output]);
                assert_eq!(found.len(), rows[number].len(), "{}: {output}", self.name);
                for (found, said) in found.into_iter().zip(&rows[number]) {
                    assert!(
                        self.is_alike(found, said),
                        "{}, row {number}: {output} is {found}, not {said}",
                        self.name
                    );
                }
            }
        }
    }

    fn is_alike(&self, found: &Value, said: &Value) -> bool {
        match (found.as_f64(), said.as_f64()) {
            (Some(found), Some(said)) => (found - said).abs() <= self.tolerance * said.abs().max(1.0),
            _ => found == said,
        }
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

#[test]
fn models_that_teams_have_answer_as_the_framework_that_trained_them() {
    let cases = std::fs::read(root().join("tests/frameworks/cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
    assert_eq!(cases.len(), 5);
    let server = Embedded::models(cases.iter().map(|case| (case.model_name(), case.packed())).collect());
    let client = server.client();
    cases.iter().for_each(|case| case.check(&client));
}
