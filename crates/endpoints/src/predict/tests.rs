//! Requests and responses of `predict`, over models whose every answer is known.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Failure;
use crate::fake::{Fake, doubler, failing, greeter, shrinking};

fn send(model: &Fake, method: &str, path: &str, body: &[u8]) -> Response<Vec<u8>> {
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    handle(model, &Config::default(), &request)
}

fn status_and_body(response: &Response<Vec<u8>>) -> String {
    format!("{} {}", response.status().as_u16(), std::str::from_utf8(response.body()).unwrap())
}

#[track_caller]
fn check(model: &Fake, path: &str, body: &str, expect: &str) {
    let response = send(model, "POST", path, body.as_bytes());
    assert_eq!(status_and_body(&response), expect);
    assert_eq!(response.headers()["content-type"], "application/json");
}

#[track_caller]
fn check_get(path: &str, expect: &str) {
    assert_eq!(status_and_body(&send(&doubler(), "GET", path, b"")), expect);
}

/// Sends an inference request with input `x` of these rows, and these further members.
#[track_caller]
fn check_infer(model: &Fake, rows: &[[f32; 2]], more_inputs: &str, more: &str, expect: &str) {
    let n_rows = rows.len();
    let x = format!(r#"{{"name":"x","shape":[{n_rows},2],"datatype":"FP32","data":{rows:?}}}"#);
    check(model, "/v2/models/m/infer", &format!(r#"{{"inputs":[{x}{more_inputs}]{more}}}"#), expect);
}

#[track_caller]
fn check_rows(model: &Fake, instances: &str, expect: &str) {
    check(model, "/v1/models/m:predict", &format!(r#"{{"instances":{instances}}}"#), expect);
}

#[test]
fn the_server_describes_itself() {
    let version = env!("CARGO_PKG_VERSION");
    check_get("/v2/health/live", r#"200 {"live":true,"ready":true}"#);
    check_get("/v2/health/ready?verbose=1", r#"200 {"live":true,"ready":true}"#);
    let extensions =
        r#"["classification","model_configuration","binary_tensor_data","parameters","keyed_predictions"]"#;
    let expect = format!(r#"{{"name":"plinth","version":"{version}","extensions":{extensions}}}"#);
    check_get("/v2", &format!("200 {expect}"));
}

#[test]
fn the_model_describes_itself_and_the_keys() {
    let expect = concat!(
        r#"200 {"name":"m","versions":["1"],"platform":"fake","#,
        r#""inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]},{"name":"key","datatype":"BYTES","shape":[-1]}],"#,
        r#""outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]},{"name":"key","datatype":"BYTES","shape":[-1]}],"#,
        r#""properties":{"opset":"17","key_tensor":"key","client_tensor":"client","row_error_tensor":"row_error"}}"#,
    );
    check_get("/v2/models/m", expect);
    check_get("/v2/models/m/versions/1", expect);
    check_get("/v2/models/m/ready", r#"200 {"name":"m","ready":true}"#);
}

#[test]
fn what_is_not_there_is_not_found() {
    check_get("/v3", r#"404 {"error":"unknown route `/v3`","code":"unknown_route"}"#);
    check_get("/v2/models/n", r#"404 {"error":"unknown model `n`","code":"unknown_model"}"#);
    let expect = r#"404 {"error":"unknown version `2` of model `m`","code":"unknown_version"}"#;
    check_get("/v2/models/m/versions/2/ready", expect);
}

#[test]
fn a_wrong_method_names_the_right_one() {
    let response = send(&doubler(), "GET", "/v2/models/m/infer", b"");
    let expect = r#"405 {"error":"expected method `POST`, found `GET`","code":"method_not_allowed"}"#;
    assert_eq!(status_and_body(&response), expect);
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(send(&doubler(), "DELETE", "/v2", b"").headers()["allow"], "GET");
}

#[test]
fn a_long_body_is_not_read() {
    let request = Request::post("/v2/models/m/infer").body(b"12345".as_slice()).unwrap();
    let response = handle(&doubler(), &Config { max_body_bytes: 4, ..Config::default() }, &request);
    let expect = r#"413 {"error":"expected a body of at most `4` bytes, found `5`","code":"body_too_large"}"#;
    assert_eq!(status_and_body(&response), expect);
}

/// Sends an inference request with binary tensor data after the JSON.
fn send_binary(model: &Fake, json: &str, binary: &[u8]) -> Response<Vec<u8>> {
    let body = [json.as_bytes(), binary].concat();
    let request = Request::post("/v2/models/m/infer").header("Inference-Header-Content-Length", json.len());
    handle(model, &Config::default(), &request.body(body.as_slice()).unwrap())
}

/// Checks JSON and binary part of an answer, and the headers that tell them apart.
#[track_caller]
fn check_binary(response: &Response<Vec<u8>>, json: &str, binary: &[u8]) {
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    let length = response.headers()["inference-header-content-length"].to_str().unwrap();
    let (found_json, found_binary) = response.body().split_at(length.parse().unwrap());
    assert_eq!((std::str::from_utf8(found_json).unwrap(), found_binary), (json, binary));
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

const BINARY_X: &str = r#"{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}"#;
const HEAD: &str = r#"{"model_name":"m","model_version":"1","outputs":["#;

#[test]
fn binary_inputs_are_answered_in_json_unless_binary_outputs_are_asked_for() {
    let response =
        send_binary(&doubler(), &format!(r#"{{"inputs":[{BINARY_X}]}}"#), &floats(&[1.0, f32::NAN]));
    let y = r#"{"name":"y","datatype":"FP32","shape":[1,2],"data":[2.0,null]}"#;
    assert_eq!(status_and_body(&response), format!("200 {HEAD}{y}]}}"));
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(!response.headers().contains_key("inference-header-content-length"));

    let json = format!(r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{BINARY_X}]}}"#);
    let response = send_binary(&doubler(), &json, &floats(&[1.0, f32::INFINITY]));
    let y = r#"{"name":"y","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}"#;
    check_binary(&response, &format!("{HEAD}{y}]}}"), &floats(&[2.0, f32::INFINITY]));
}

#[test]
fn new_keys_are_binary_if_all_that_is_not_listed_is() {
    let json = format!(
        r#"{{"parameters":{{"binary_data_output":true,"generate_keys":true}},"inputs":[{BINARY_X}],"outputs":[{{"name":"y","parameters":{{"binary_data":true}}}}]}}"#
    );
    let response = send_binary(&doubler(), &json, &floats(&[1.0, 2.0]));
    let y = r#"{"name":"y","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}"#;
    let key = r#"{"name":"key","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":40}}"#;
    let key_bytes = b"\x24\0\0\x0000000000-0000-7000-8000-000000000000";
    check_binary(
        &response,
        &format!("{HEAD}{y},{key}]}}"),
        &[floats(&[2.0, 4.0]).as_slice(), key_bytes].concat(),
    );
}

#[test]
fn a_listed_output_is_binary_only_if_it_says_so() {
    let body = |output: &str| {
        format!(
            r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{BINARY_X}],"outputs":[{{"name":"y"{output}}}]}}"#
        )
    };
    let response = send_binary(&doubler(), &body(""), &floats(&[1.0, 2.0]));
    assert_eq!(response.headers()["content-type"], "application/json");
    let response =
        send_binary(&doubler(), &body(r#","parameters":{"binary_data":true}"#), &floats(&[1.0, 2.0]));
    let y = r#"{"name":"y","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}"#;
    check_binary(&response, &format!("{HEAD}{y}]}}"), &floats(&[2.0, 4.0]));
}

#[test]
fn keys_come_back_in_the_form_in_which_they_were_sent() {
    let key = r#"{"name":"key","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}"#;
    let json = format!(r#"{{"inputs":[{BINARY_X},{key}],"outputs":[{{"name":"y"}}]}}"#);
    let binary = [floats(&[1.0, 2.0]).as_slice(), b"\x01\0\0\0k"].concat();
    let outputs = concat!(
        r#"{"name":"y","datatype":"FP32","shape":[1,2],"data":[2.0,4.0]},"#,
        r#"{"name":"key","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}"#
    );
    check_binary(&send_binary(&doubler(), &json, &binary), &format!("{HEAD}{outputs}]}}"), b"\x01\0\0\0k");
}

#[test]
fn a_raw_request_is_answered_in_binary_form() {
    let request = Request::post("/v2/models/m/infer").header("Inference-Header-Content-Length", "0");
    let body = floats(&[1.0, 2.0, 3.0, 4.0]);
    let response = handle(&doubler(), &Config::default(), &request.body(body.as_slice()).unwrap());
    let y = r#"{"name":"y","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}"#;
    check_binary(&response, &format!("{HEAD}{y}]}}"), &floats(&[2.0, 4.0, 6.0, 8.0]));
}

#[test]
fn an_output_is_answered_by_its_best_classes() {
    let y = r#"{"name":"y","datatype":"BYTES","shape":[2,1],"data":["5.000000:1","6.000000:0"]}"#;
    check_infer(
        &doubler(),
        &[[1.0, 2.5], [3.0, 0.5]],
        "",
        r#","outputs":[{"name":"y","parameters":{"classification":1}}]"#,
        &format!("200 {HEAD}{y}]}}"),
    );
}

#[test]
fn a_compressed_request_is_answered_compressed_if_that_is_accepted() {
    use flate2::Compression;
    use flate2::read::GzDecoder;
    use flate2::write::ZlibEncoder;
    use std::io::{Read as _, Write as _};

    let rows = vec![[1.0_f32, 2.0]; 200];
    let body =
        json!({"id": "z", "inputs": [{"name": "x", "shape": [200, 2], "datatype": "FP32", "data": rows}]});
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.to_string().as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let send = |path: &str| {
        let request =
            Request::post(path).header("content-encoding", "deflate").header("accept-encoding", "gzip, br");
        handle(&doubler(), &Config::default(), &request.body(body.as_slice()).unwrap())
    };
    let response = send("/v2/models/m/infer");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-encoding"]),
        (200, &"gzip".parse().unwrap())
    );
    let mut text = String::new();
    GzDecoder::new(response.body().as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with(r#"{"model_name":"m","model_version":"1","id":"z""#));
    let refused = send("/v2/models/n/infer");
    assert_eq!(
        status_and_body(&refused),
        r#"404 {"error":"unknown model `n`","code":"unknown_model","id":"z"}"#
    );
    assert!(!refused.headers().contains_key("content-encoding"));
}

#[test]
fn an_unknown_content_encoding_names_the_known_ones() {
    let request = Request::post("/v2/models/m/infer").header("content-encoding", "br");
    let response = handle(&doubler(), &Config::default(), &request.body(b"".as_slice()).unwrap());
    let expect = concat!(
        r#"415 {"error":"expected content encoding `gzip`, `deflate` or `identity`, found `br`","#,
        r#""code":"unsupported_content_encoding"}"#
    );
    assert_eq!(status_and_body(&response), expect);
    assert_eq!(response.headers()["accept-encoding"], "gzip, deflate");
}

#[test]
fn the_models_of_the_application_are_listed() {
    check_get("/v2/models", r#"200 {"models":["m"]}"#);
    let config = Config { models: || vec!["l".to_owned(), "m".to_owned()], ..Config::default() };
    let send = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).body(b"".as_slice()).unwrap();
        status_and_body(&handle(&doubler(), &config, &request))
    };
    assert_eq!(send("GET", "/v2/models"), r#"200 {"models":["l","m"]}"#);
    let expect = concat!(
        r#"200 [{"name":"l","state":"READY","reason":""},"#,
        r#"{"name":"m","version":"1","state":"READY","reason":""}]"#
    );
    assert_eq!(send("POST", "/v2/repository/index"), expect);
}

#[test]
fn the_model_describes_itself_to_other_clients() {
    let expect = concat!(
        r#"200 {"name":"m","platform":"fake","max_batch_size":0,"#,
        r#""input":[{"name":"x","data_type":"TYPE_FP32","dims":[-1,2]},"#,
        r#"{"name":"key","data_type":"TYPE_STRING","dims":[-1],"optional":true}],"#,
        r#""output":[{"name":"y","data_type":"TYPE_FP32","dims":[-1,2]}]}"#
    );
    check_get("/v2/models/m/config", expect);
    let status = r#"{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}"#;
    check_get(
        "/v1/models/m",
        &format!(r#"200 {{"name":"m","ready":true,"model_version_status":[{status}]}}"#),
    );
    let tensor = |name: &str| {
        let dims = r#"[{"size":"-1","name":""},{"size":"2","name":""}]"#;
        format!(
            r#"{{"{name}":{{"name":"{name}","dtype":"DT_FLOAT","tensor_shape":{{"dim":{dims},"unknown_rank":false}}}}}}"#
        )
    };
    let expect = format!(
        concat!(
            r#"200 {{"model_spec":{{"name":"m","signature_name":"","version":"1"}},"#,
            r#""metadata":{{"signature_def":{{"signature_def":{{"serving_default":{{"inputs":{},"outputs":{},"#,
            r#""method_name":"tensorflow/serving/predict"}}}}}}}}}}"#
        ),
        tensor("x"),
        tensor("y")
    );
    check_get("/v1/models/m/metadata", &expect);
}

#[test]
fn tensors_are_answered_by_tensors() {
    check_infer(
        &doubler(),
        &[[1.0, 2.5], [-3.0, 0.1]],
        "",
        r#","id":"42""#,
        concat!(
            r#"200 {"model_name":"m","model_version":"1","id":"42","outputs":["#,
            r#"{"name":"y","datatype":"FP32","shape":[2,2],"data":[2.0,5.0,-6.0,0.2]}]}"#
        ),
    );
}

#[test]
fn keys_come_back_as_they_were_sent() {
    for key in [
        r#"{"name":"key","datatype":"BYTES","shape":[2],"data":["b","a"]}"#,
        r#"{"name":"key","datatype":"UINT64","shape":[2,1],"data":[18446744073709551615,9007199254740993]}"#,
    ] {
        let expect = format!(
            r#"200 {{"model_name":"m","model_version":"1","outputs":[{{"name":"y","datatype":"FP32","shape":[2,2],"data":[2.0,4.0,6.0,8.0]}},{key}]}}"#
        );
        check_infer(&doubler(), &[[1.0, 2.0], [3.0, 4.0]], &format!(",{key}"), "", &expect);
    }
}

#[test]
fn outputs_are_selected_and_ordered() {
    let inputs = concat!(
        r#""inputs":[{"name":"key","datatype":"INT8","shape":[1],"data":[7]},"#,
        r#"{"name":"times","datatype":"UINT8","shape":[1],"data":[2]},"#,
        r#"{"name":"name","datatype":"BYTES","shape":[1],"data":["Ann"]}]"#
    );
    let length = r#"{"name":"length","datatype":"INT64","shape":[1,1],"data":[6]}"#;
    let greeting = r#"{"name":"greeting","datatype":"BYTES","shape":[1],"data":["AnnAnn"]}"#;
    let key = r#"{"name":"key","datatype":"INT8","shape":[1],"data":[7]}"#;
    for (requested, expect) in [
        (vec![], vec![greeting, length, key]),
        (vec!["length"], vec![length, key]),
        (vec!["key", "length", "greeting"], vec![key, length, greeting]),
        (vec!["key"], vec![key]),
    ] {
        let outputs: Vec<Value> = requested.iter().map(|name| json!({"name": name})).collect();
        let body = format!(r#"{{{inputs},"outputs":{}}}"#, Value::from(outputs));
        let expect = expect.join(",");
        let expect = format!(r#"200 {{"model_name":"m","model_version":"1","outputs":[{expect}]}}"#);
        check(&greeter(), "/v2/models/m/infer", &body, &expect);
    }
}

#[test]
fn outputs_that_cannot_be_selected_are_refused() {
    let check = |outputs: &str, expect: &str| {
        check_infer(&doubler(), &[[1.0, 2.0]], "", &format!(r#","outputs":[{outputs}]"#), expect);
    };
    check(r#"{"name":"z"}"#, r#"422 {"error":"unknown output `z`","code":"unknown_output"}"#);
    let duplicate = r#"422 {"error":"expected one output `y`, found two","code":"duplicate_output"}"#;
    check(r#"{"name":"y"},{"name":"y"}"#, duplicate);
    check(r#"{"name":"key"}"#, r#"422 {"error":"missing input `key`","code":"missing_input","input":"key"}"#);
}

#[test]
fn inputs_are_those_of_the_model() {
    let check = |inputs: &str, expect: &str| {
        check(&doubler(), "/v2/models/m/infer", &format!(r#"{{"inputs":[{inputs}],"id":"i"}}"#), expect);
    };
    let x = r#"{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}"#;
    check("", r#"422 {"error":"missing input `x`","code":"missing_input","id":"i","input":"x"}"#);
    check(
        &x.replace('x', "z"),
        r#"422 {"error":"unknown input `z`","code":"unknown_input","id":"i","input":"z"}"#,
    );
    check(
        &format!("{x},{x}"),
        r#"422 {"error":"expected one input `x`, found two","code":"duplicate_input","id":"i","input":"x"}"#,
    );
    check(
        r#"{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}"#,
        r#"422 {"error":"tensor `x`: expected shape `[-1, 2]`, found `[2]`","code":"wrong_shape","id":"i","input":"x"}"#,
    );
    check(
        r#"{"name":"x","shape":[1,2],"datatype":"INT64","data":[1,2]}"#,
        r#"422 {"error":"tensor `x`: expected datatype `FP32`, found `INT64`","code":"wrong_datatype","id":"i","input":"x"}"#,
    );
}

#[test]
fn keys_name_the_rows() {
    let check = |key: &str, expect: &str| {
        check_infer(
            &doubler(),
            &[[1.0, 2.0], [3.0, 4.0]],
            &format!(r#",{{"name":"key",{key}}}"#),
            "",
            expect,
        );
    };
    check(
        r#""datatype":"BYTES","shape":[3],"data":["a","b","c"]"#,
        r#"422 {"error":"expected `2` keys, one per row, found `3`","code":"key_count","input":"key"}"#,
    );
    check(
        r#""datatype":"INT64","shape":[2],"data":[7,7]"#,
        concat!(
            r#"422 {"error":"expected different keys, found `7` on rows `0` and `1`","code":"duplicate_key","#,
            r#""input":"key","row":1,"key":7}"#
        ),
    );
    check(
        r#""datatype":"FP32","shape":[2],"data":[1,2]"#,
        concat!(
            r#"422 {"error":"tensor `key`: expected datatype `BYTES` or an integer type, found `FP32`","#,
            r#""code":"invalid_key","input":"key"}"#
        ),
    );
}

#[test]
fn rows_that_repeat_a_key_are_answered_or_left_out_if_the_request_says_so() {
    let check = |policy: &str, keys: &str, y: &str, shape: &str| {
        let key = r#",{"name":"key","datatype":"INT64","shape":[3],"data":[7,8,7]}"#;
        let outputs = format!(
            r#"{{"name":"y","datatype":"FP32","shape":[{shape},2],"data":[{y}]}},{{"name":"key","datatype":"INT64","shape":[{shape}],"data":[{keys}]}}"#
        );
        let rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let more = format!(r#","parameters":{{"on_duplicate_key":"{policy}"}}"#);
        check_infer(&doubler(), &rows, key, &more, &format!("200 {HEAD}{outputs}]}}"));
    };
    check("allow", "7,8,7", "2.0,4.0,6.0,8.0,10.0,12.0", "3");
    check("first", "7,8", "2.0,4.0,6.0,8.0", "2");
}

#[test]
fn rows_without_keys_get_new_ones_if_the_request_asks() {
    let (first, second) = ("00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000001");
    let outputs = format!(
        r#"{{"name":"y","datatype":"FP32","shape":[2,2],"data":[2.0,4.0,6.0,8.0]}},{{"name":"key","datatype":"BYTES","shape":[2],"data":["{first}","{second}"]}}"#
    );
    let more = r#","parameters":{"generate_keys":true}"#;
    check_infer(&doubler(), &[[1.0, 2.0], [3.0, 4.0]], "", more, &format!("200 {HEAD}{outputs}]}}"));
    let check = |rows: &str, expect: &str| check(&doubler(), "/v1/models/m:predict", rows, expect);
    check(
        r#"{"generate_keys":true,"instances":[{"x":[1,2]},{"x":[3,4],"key":"k"}]}"#,
        &format!(r#"200 {{"predictions":[{{"key":"{first}","y":[2.0,4.0]}},{{"key":"k","y":[6.0,8.0]}}]}}"#),
    );
    check(
        r#"{"inputs":[[1,2]],"generate_keys":true}"#,
        &format!(r#"200 {{"outputs":[[2.0,4.0]],"keys":["{first}"]}}"#),
    );
    check(
        r#"{"instances":[],"generate_keys":1}"#,
        r#"400 {"error":"`generate_keys`: expected true or false, found `1`","code":"malformed_request"}"#,
    );
}

#[test]
fn inputs_have_the_same_rows_if_there_are_keys() {
    let body = concat!(
        r#"{"inputs":[{"name":"key","datatype":"INT8","shape":[1],"data":[7]},"#,
        r#"{"name":"name","datatype":"BYTES","shape":[1],"data":["Ann"]},"#,
        r#"{"name":"times","datatype":"UINT8","shape":[2],"data":[2,3]}]}"#
    );
    let expect = concat!(
        r#"422 {"error":"tensor `times`: expected `1` rows as in the first input, found `2`","#,
        r#""code":"row_counts","input":"times"}"#
    );
    check(&greeter(), "/v2/models/m/infer", body, expect);
}

#[test]
fn no_rows_are_answered_without_the_model() {
    check_infer(
        &failing(),
        &[],
        r#",{"name":"key","datatype":"BYTES","shape":[0],"data":[]}"#,
        "",
        concat!(
            r#"200 {"model_name":"m","model_version":"1","outputs":["#,
            r#"{"name":"y","datatype":"FP32","shape":[0,2],"data":[]},"#,
            r#"{"name":"key","datatype":"BYTES","shape":[0],"data":[]}]}"#
        ),
    );
    check_rows(&failing(), "[]", r#"200 {"predictions":[]}"#);
    let body = concat!(
        r#"{"inputs":[{"name":"name","datatype":"BYTES","shape":[0],"data":[]},"#,
        r#"{"name":"times","datatype":"UINT8","shape":[0],"data":[]}]}"#
    );
    let mut model = greeter();
    model.metadata.outputs[0].shape = vec![-1, -1];
    let expect = concat!(
        r#"422 {"error":"expected at least one row, found none: output `greeting` has shape `[-1, -1]`","#,
        r#""code":"empty_batch"}"#
    );
    check(&model, "/v2/models/m/infer", body, expect);
}

#[test]
fn rows_are_answered_row_by_row() {
    check_rows(&doubler(), "[[1,2],[3,4.5]]", r#"200 {"predictions":[[2.0,4.0],[6.0,9.0]]}"#);
    check_rows(
        &doubler(),
        r#"[{"key":"b","x":[1,2]},{"x":[null,4],"key":12345678901234567890}]"#,
        r#"200 {"predictions":[{"key":"b","y":[2.0,4.0]},{"key":12345678901234567890,"y":[null,8.0]}]}"#,
    );
    check_rows(
        &greeter(),
        r#"[{"name":"é","times":2}]"#,
        r#"200 {"predictions":[{"greeting":"éé","length":[4]}]}"#,
    );
}

#[test]
fn a_model_that_changes_the_rows_is_no_answer() {
    let rows = [[1.0, 2.0], [3.0, 4.0]];
    let expect = concat!(
        r#"500 {"error":"output `y`: expected `2` rows, found shape `[1, 2]`","#,
        r#""code":"rows_changed"}"#
    );
    let key = r#",{"name":"key","datatype":"INT8","shape":[2],"data":[0,1]}"#;
    check_infer(&shrinking(), &rows, key, "", expect);
    check_rows(&shrinking(), "[[1,2],[3,4]]", expect);
}

#[test]
fn a_failure_is_for_the_log() {
    let response = send(&failing(), "POST", "/v1/models/m:predict", b"{\"instances\":[[1,2]]}");
    let expect = r#"500 {"error":"the model failed","code":"model_failed"}"#;
    assert_eq!(status_and_body(&response), expect);
    assert_eq!(response.extensions().get(), Some(&Failure("out of luck".to_owned())));
}

#[test]
fn a_refusal_by_the_model_is_the_callers_fault() {
    check_rows(
        &greeter(),
        r#"[{"name":"","times":1}]"#,
        r#"422 {"error":"nobody to greet","code":"invalid_input"}"#,
    );
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = "[".repeat(1 << 20);
    let closed = format!("{deep}{}", "]".repeat(1 << 20));
    for body in [deep, format!(r#"{{"instances":{closed}}}"#), format!(r#"{{"id":"a","x":{closed}}}"#)] {
        for path in ["/v1/models/m:predict", "/v2/models/m/infer"] {
            assert!(send(&doubler(), "POST", path, body.as_bytes()).status().is_client_error());
        }
    }
}

fn row() -> impl Strategy<Value = [f32; 2]> {
    prop::array::uniform2(prop::num::f32::NORMAL | prop::num::f32::ZERO)
}

fn predictions(instances: &Value) -> Vec<Value> {
    let body = json!({ "instances": instances }).to_string();
    let response = send(&doubler(), "POST", "/v1/models/m:predict", body.as_bytes());
    assert_eq!(response.status(), 200);
    match serde_json::from_slice::<Value>(response.body()).unwrap()["predictions"].take() {
        Value::Array(predictions) => predictions,
        other => panic!("{other}"),
    }
}

proptest! {
    #[test]
    fn a_row_is_answered_as_if_it_were_alone(rows in prop::collection::vec(row(), 1..9)) {
        let together = predictions(&json!(rows));
        for (row, prediction) in rows.iter().zip(together) {
            prop_assert_eq!(predictions(&json!([row])), [prediction]);
        }
    }

    #[test]
    fn answers_move_with_their_keys(
        (rows, shuffled) in prop::collection::btree_map(any::<i64>(), row(), 1..9).prop_flat_map(|rows| {
            let rows: Vec<Value> = rows.iter().map(|(key, x)| json!({"key": key, "x": x})).collect();
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
    ) {
        let by_key = |mut answers: Vec<Value>| {
            answers.sort_by_key(|answer| answer["key"].as_i64());
            answers
        };
        prop_assert_eq!(by_key(predictions(&json!(rows))), by_key(predictions(&json!(shuffled))));
    }

    #[test]
    fn any_bytes_get_an_answer(body in prop::collection::vec(any::<u8>(), 0..64)) {
        for path in ["/v1/models/m:predict", "/v2/models/m/infer"] {
            let response = send(&doubler(), "POST", path, &body);
            prop_assert!(response.status().is_client_error());
            let answer: Value = serde_json::from_slice(response.body()).unwrap();
            prop_assert!(answer["error"].is_string() && answer["code"].is_string());
        }
    }
}
