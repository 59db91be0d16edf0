//! What of the rules about keys needs another model than the demo's.

use packer::Options;
use serde_json::{Value, json};
use system_tests::answer::Question;
use system_tests::root;
use system_tests::runtimes::{Client, Embedded};

fn served(name: &str) -> Embedded {
    let onnx = std::fs::read(root().join(format!("tests/models/{name}.onnx"))).unwrap();
    let options = Options { name: name.to_owned(), version: "1".to_owned(), ..Options::default() };
    let engine = system_tests::engine(engine::Pool::OnDemand);
    let packed = packer::pack(&engine, artifacts::MODEL_RUNTIME, &onnx, &options).unwrap();
    Embedded::models(vec![(name.to_owned(), packed.wasm)])
}

fn ask(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string().into_bytes();
    let question = Question { method: "POST".to_owned(), path: path.to_owned(), headers: vec![], body };
    let answer = client.ask(&question);
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn a_model_that_changes_the_number_of_rows_answers_none_with_keys() {
    let server = served("row-sum-reducer");
    let client = server.client();
    let rows = json!([[1, 2, 3, 4], [5, 6, 7, 8]]);
    let x = json!({"name": "X", "datatype": "FP32", "shape": [2, 4], "data": rows});
    let key = json!({"name": "key", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]});
    let expect = json!({
        "error": "output `total`: expected `2` rows, found shape `[1, 4]`", "code": "rows_changed",
    });
    let infer = "/v2/models/row-sum-reducer/infer";
    let predict = "/v1/models/row-sum-reducer:predict";
    assert_eq!(ask(&client, infer, &json!({"inputs": [x, key]})), (500, expect.clone()));
    assert_eq!(ask(&client, predict, &json!({"instances": rows, "keys": ["a", "b"]})), (500, expect));
    let (status, answer) = ask(&client, infer, &json!({"inputs": [x]}));
    assert_eq!((status, &answer["outputs"][0]["data"]), (200, &json!([6.0, 8.0, 10.0, 12.0])));
}
