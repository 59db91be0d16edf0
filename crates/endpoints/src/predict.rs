//! `predict`: the Open Inference Protocol V2 in JSON, and rows, over one model.
//!
//! Routes are those of [`protocol::Route`], statuses those of [`protocol::Error::status`]. Names, datatypes and shapes are
//! checked before the model runs, so what the model says afterwards is its own fault.

mod rows;
mod tensors;

use http::header::HeaderName;
use http::{Request, Response};
use protocol::{Error, ModelPath, Result, Route};
use tensor::Metadata;

use crate::{Model, reply};

/// The length of the JSON at the beginning of a body in binary form.
///
/// Source: Open Inference Protocol V2, "Binary Tensor Data Extension".
const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// What a deployment decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The length of the longest body that is read.
    pub max_body_bytes: usize,
}

impl Default for Config {
    /// 64 MiB, as Triton has it.
    fn default() -> Self {
        Self { max_body_bytes: 64 << 20 }
    }
}

/// Answers a request. The model's metadata is asked for at most once.
///
/// A response of status 5xx has its [`Failure`](crate::Failure) among its extensions.
#[must_use]
pub fn handle(model: &impl Model, config: &Config, request: &Request<&[u8]>) -> Response<Vec<u8>> {
    match answer(model, config, request) {
        Ok(body) => reply::success(body),
        Err(error) => reply::failure(&error, request_id(request, &error).as_deref()),
    }
}

fn answer(model: &impl Model, config: &Config, request: &Request<&[u8]>) -> Result<Vec<u8>> {
    match find_route(request)? {
        Route::Health => Ok(protocol::health()),
        Route::Server => Ok(protocol::server_metadata(env!("CARGO_PKG_VERSION"))),
        Route::Model(path) => Ok(protocol::model_metadata(&find_model(model, &path)?)),
        Route::ModelReady(path) => Ok(protocol::model_ready(&find_model(model, &path)?.name)),
        Route::Infer(path) => {
            let body = checked_body(config, request)?;
            tensors::infer(model, &find_model(model, &path)?, body)
        }
        Route::Predict(path) => {
            let body = checked_body(config, request)?;
            rows::predict(model, &find_model(model, &path)?, body)
        }
    }
}

fn find_route<'a>(request: &'a Request<&[u8]>) -> Result<Route<'a>> {
    let path = request.uri().path();
    let route = Route::parse(path).ok_or_else(|| Error::UnknownRoute { path: path.to_owned() })?;
    if *request.method() == route.method() {
        return Ok(route);
    }
    Err(Error::WrongMethod { expected: route.method(), found: request.method().clone() })
}

fn find_model(model: &impl Model, path: &ModelPath<'_>) -> Result<Metadata> {
    let metadata = model.metadata();
    if metadata.name != path.name {
        return Err(Error::UnknownModel { model: path.name.to_string() });
    }
    match &path.version {
        Some(version) if *version != metadata.version => {
            Err(Error::UnknownVersion { model: metadata.name, version: version.to_string() })
        }
        _ => Ok(metadata),
    }
}

fn checked_body<'a>(config: &Config, request: &Request<&'a [u8]>) -> Result<&'a [u8]> {
    let body = *request.body();
    if body.len() > config.max_body_bytes {
        return Err(Error::BodyTooLarge { limit: config.max_body_bytes, found: body.len() });
    }
    match request.headers().get(HEADER_LENGTH) {
        Some(length) if length.as_bytes() != body.len().to_string().as_bytes() => {
            Err(Error::BinaryTensorData)
        }
        _ => Ok(body),
    }
}

/// The `id` that comes back with an error.
fn request_id(request: &Request<&[u8]>, error: &Error) -> Option<String> {
    match (Route::parse(request.uri().path()), error) {
        (_, Error::BodyTooLarge { .. }) => None,
        (Some(Route::Infer(_)), _) => protocol::request_id(request.body()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
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
        let expect =
            format!(r#"{{"name":"plinth","version":"{version}","extensions":["keyed_predictions"]}}"#);
        check_get("/v2", &format!("200 {expect}"));
    }

    #[test]
    fn the_model_describes_itself_and_the_keys() {
        let expect = concat!(
            r#"200 {"name":"m","versions":["1"],"platform":"fake","#,
            r#""inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]},{"name":"key","datatype":"BYTES","shape":[-1]}],"#,
            r#""outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]},{"name":"key","datatype":"BYTES","shape":[-1]}],"#,
            r#""properties":{"opset":"17","key_tensor":"key"}}"#,
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
        let response = handle(&doubler(), &Config { max_body_bytes: 4 }, &request);
        let expect =
            r#"413 {"error":"expected a body of at most `4` bytes, found `5`","code":"body_too_large"}"#;
        assert_eq!(status_and_body(&response), expect);
    }

    #[test]
    fn binary_tensor_data_is_refused_for_now() {
        let request = Request::post("/v2/models/m/infer").header("Inference-Header-Content-Length", "2");
        let response = handle(&doubler(), &Config::default(), &request.body(b"{}1234".as_slice()).unwrap());
        assert_eq!(response.status(), 422);
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
        check(
            r#"{"name":"key"}"#,
            r#"422 {"error":"missing input `key`","code":"missing_input","input":"key"}"#,
        );
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
}
