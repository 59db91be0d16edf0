//! Names and bad rows of tensors, over models whose every answer is known.

use http::{Request, Response};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fake::{Fake, doubler, failing, greeter, shrinking};
use crate::predict::{Config, handle};

/// Sends a request with input `x` of these rows of flat data, keys in JSON, and these further members.
fn send(model: &Fake, rows: &Value, keys: &Value, more: &Value) -> Response<Vec<u8>> {
    let n_rows = keys.as_array().unwrap().len();
    let key = json!({"name": "key", "shape": [n_rows], "datatype": "INT64", "data": keys});
    let mut body = json!({
        "inputs": [{"name": "x", "shape": [n_rows, 2], "datatype": "FP32", "data": rows}, key],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let body = body.to_string();
    let request = Request::post("/v2/models/m/infer").body(body.as_bytes()).unwrap();
    handle(model, &Config::default(), &request)
}

fn report() -> Value {
    json!({"parameters": {"on_row_error": "report"}})
}

/// The `data` of an output.
fn data(response: &Response<Vec<u8>>, output: &str) -> Value {
    assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(response.body()));
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let outputs = answer["outputs"].as_array().unwrap();
    outputs.iter().find(|found| found["name"] == output).unwrap()["data"].clone()
}

/// The errors that are reported, each parsed.
fn errors(response: &Response<Vec<u8>>) -> Vec<Value> {
    let texts = data(response, "row_error");
    texts
        .as_array()
        .unwrap()
        .iter()
        .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn a_reported_row_is_told_as_if_it_had_failed_the_request() {
    let rows = json!([1, 2, "a", 4, 5, 6]);
    let response = send(&doubler(), &rows, &json!([7, 8, 9]), &report());
    assert_eq!(data(&response, "y"), json!([2.0, 4.0, 10.0, 12.0]));
    assert_eq!(data(&response, "key"), json!([7, 9]));
    let error = "row `1`, key `8`: tensor `x`: expected `FP32` at element `0`, found `\"a\"`";
    let expect = json!({"error": error, "code": "wrong_element", "input": "x", "row": 1, "key": 8});
    assert_eq!(errors(&response), [expect]);
}

#[test]
fn errors_come_in_the_form_of_the_keys() {
    let json = concat!(
        r#"{"parameters":{"on_row_error":"report"},"outputs":[{"name":"y"}],"inputs":["#,
        r#"{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]},"#,
        r#"{"name":"key","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1}}]}"#
    );
    let body = [json.as_bytes(), &[7]].concat();
    let request = Request::post("/v2/models/m/infer").header("inference-header-content-length", json.len());
    let response = handle(&doubler(), &Config::default(), &request.body(body.as_slice()).unwrap());
    let expect = concat!(
        r#"{"model_name":"m","model_version":"1","outputs":["#,
        r#"{"name":"y","datatype":"FP32","shape":[1,2],"data":[2.0,4.0]},"#,
        r#"{"name":"key","datatype":"INT8","shape":[1],"parameters":{"binary_data_size":1}},"#,
        r#"{"name":"row_error","datatype":"BYTES","shape":[0],"parameters":{"binary_data_size":0}}]}"#
    );
    assert_eq!(response.body(), &[expect.as_bytes(), &[7]].concat());
}

#[test]
fn without_good_rows_the_model_is_not_asked_and_every_shape_is_known() {
    let mut model = failing();
    model.metadata.outputs[0].shape = vec![-1, -1];
    let response = send(&model, &json!([1, "a"]), &json!([7]), &report());
    assert_eq!((data(&response, "y"), data(&response, "key")), (json!([]), json!([])));
    assert_eq!(errors(&response).len(), 1);
}

#[test]
fn a_row_that_is_bad_in_one_input_leaves_all() {
    let tensor = |name: &str, datatype: &str, data: Value| json!({"name": name, "datatype": datatype, "shape": [4], "data": data});
    let inputs = [
        tensor("times", "UINT8", json!([1, 256, 3, 2])),
        tensor("name", "BYTES", json!(["a", "b", null, "d"])),
        tensor("key", "BYTES", json!(["k", "l", "m", "k"])),
    ];
    let body = json!({"parameters": {"on_row_error": "report"}, "inputs": inputs}).to_string();
    let request = Request::post("/v2/models/m/infer").body(body.as_bytes()).unwrap();
    let response = handle(&greeter(), &Config::default(), &request);
    assert_eq!((data(&response, "greeting"), data(&response, "key")), (json!(["a"]), json!(["k"])));
    let codes: Vec<_> =
        errors(&response).into_iter().map(|error| (error["row"].clone(), error["code"].clone())).collect();
    let expect = [(1, "wrong_element"), (2, "wrong_element"), (3, "duplicate_key")];
    assert_eq!(codes, expect.map(|(row, code)| (json!(row), json!(code))));
}

#[test]
fn what_is_wrong_with_no_row_fails_a_request_that_reports() {
    let check = |rows: Value, keys: Value, status: u16, code: &str| {
        let response = send(&doubler(), &rows, &keys, &report());
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((response.status().as_u16(), answer["code"].as_str()), (status, Some(code)));
    };
    check(json!([1, 2, 3]), json!([7, 8]), 422, "wrong_data");
    check(json!("ab"), json!([7]), 422, "wrong_element");
    let response = send(&shrinking(), &json!([1, 2, 3, 4]), &json!([7, 8]), &report());
    assert_eq!(response.status(), 500);
    let more = json!({"parameters": {"on_row_error": "report"}, "inputs": []});
    assert_eq!(send(&doubler(), &json!([]), &json!([]), &more).status(), 400);
}

#[test]
fn rows_that_hold_nothing_get_no_keys() {
    let mut model = doubler();
    model.metadata.inputs[0].shape = vec![-1, -1];
    let x = json!({"name": "x", "shape": [1_000_000_000_u32, 0], "datatype": "FP32", "data": []});
    let body = json!({"parameters": {"generate_keys": true}, "inputs": [x]}).to_string();
    let request = Request::post("/v2/models/m/infer").body(body.as_bytes()).unwrap();
    let response = handle(&model, &Config::default(), &request);
    let expect = concat!(
        r#"{"error":"`parameters`: expected `generate_keys` to be false for rows without elements, found `true`","#,
        r#""code":"malformed_request"}"#
    );
    assert_eq!(std::str::from_utf8(response.body()).unwrap(), expect);
}

#[test]
fn clients_come_back_and_part_equal_keys() {
    let client = json!({"name": "client", "shape": [2], "datatype": "BYTES", "data": ["north", "south"]});
    let key = json!({"name": "key", "shape": [2], "datatype": "INT8", "data": [7, 7]});
    let x = json!({"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]});
    let body = json!({"inputs": [client, x, key]}).to_string();
    let request = Request::post("/v2/models/m/infer").body(body.as_bytes()).unwrap();
    let response = handle(&doubler(), &Config::default(), &request);
    assert_eq!(
        (data(&response, "key"), data(&response, "client")),
        (json!([7, 7]), json!(["north", "south"]))
    );
    let response = send(&doubler(), &json!([1, 2]), &json!([7]), &json!({"parameters": {"client": "north"}}));
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["parameters"], json!({"client": "north"}));
}

proptest! {
    /// Every row is answered as if the good ones were alone, or reported, whichever way its data is written.
    #[test]
    fn every_row_is_answered_or_reported(
        rows in prop::collection::vec((any::<[i16; 2]>(), 0..3_u8), 1..9),
        keys in prop::collection::vec(0..6_i64, 9),
        is_nested: bool,
    ) {
        let keys = &keys[..rows.len()];
        let element = |number: i16, is_good: bool| if is_good { json!(number) } else { json!("no number") };
        let row = |&([a, b], fault): &([i16; 2], u8)| [element(a, fault != 1), element(b, true)];
        let flat: Vec<Value> = rows.iter().flat_map(row).collect();
        let nested: Vec<Value> = rows.iter().map(|it| json!(row(it))).collect();
        let response = send(&doubler(), &json!(if is_nested { nested } else { flat }), &json!(keys), &report());
        let is_repeated = |row: usize| keys[..row].contains(&keys[row]);
        let is_good = |row: &usize| rows[*row].1 != 1 && !is_repeated(*row);
        let (good, bad): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_good);
        let doubled = |row: &usize| rows[*row].0.map(|number| json!(2.0 * f32::from(number)));
        let expect: Vec<Value> = good.iter().flat_map(doubled).collect();
        prop_assert_eq!(data(&response, "y"), json!(expect));
        let answered: Vec<i64> = good.iter().map(|row| keys[*row]).collect();
        prop_assert_eq!(data(&response, "key"), json!(answered));
        let found: Vec<_> = errors(&response).iter().map(|error| json!([error["row"], error["key"]])).collect();
        let expect: Vec<_> = bad.iter().map(|row| json!([row, keys[*row]])).collect();
        prop_assert_eq!(found, expect);
    }
}
