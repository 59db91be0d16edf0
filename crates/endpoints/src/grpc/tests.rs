//! Calls from their bytes to their bytes, over an HTTP side that is written down here.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};

use super::messages::infer_parameter::Choice;
use super::messages::{
    Condition, InferInput, InferParameter, InferRequest, InferResponse, InferTensorContents,
    ModelConfigAnswer, ModelMetadata, ModelRequest, RequestedOutput,
};
use super::{MAX_MESSAGE_BYTES, Reply, Unreachable, answer, frame, refusal};

type Sent = Result<Response<Vec<u8>>, Unreachable>;

fn call(method: &str, message: &[u8], send: impl FnOnce(Request<Vec<u8>>) -> Sent) -> Reply {
    let body = frame::write(message);
    let request = Request::post(format!("/inference.GRPCInferenceService/{method}"))
        .header("content-type", "application/grpc")
        .body(body.as_slice())
        .unwrap();
    answer(&request, MAX_MESSAGE_BYTES, send)
}

fn ok(body: Vec<u8>) -> Sent {
    Ok(Response::new(body))
}

#[track_caller]
fn check_status(reply: &Reply, status: &str, message: &str) {
    assert_eq!(reply.response.status(), StatusCode::OK);
    assert_eq!(reply.trailers["grpc-status"], status);
    assert_eq!(reply.trailers["grpc-message"], message);
    assert!(reply.response.body().is_empty());
}

#[track_caller]
fn message<T: prost::Message + Default>(reply: &Reply) -> T {
    assert_eq!(reply.trailers["grpc-status"], "0");
    T::decode(&reply.response.body()[5..]).unwrap()
}

fn model_request(version: &str) -> Vec<u8> {
    ModelRequest { name: "a b/c".to_owned(), version: version.to_owned() }.encode_to_vec()
}

fn two_rows() -> InferRequest {
    InferRequest {
        model_name: "m".to_owned(),
        id: "7".to_owned(),
        inputs: vec![InferInput {
            name: "x".to_owned(),
            datatype: "INT8".to_owned(),
            shape: vec![2],
            parameters: [].into(),
            contents: None,
        }],
        ..Default::default()
    }
}

#[test]
fn an_inference_goes_out_and_comes_back_in_binary_form() {
    let request = InferRequest {
        parameters: [("priority".to_owned(), InferParameter { choice: Some(Choice::Uint64(1)) })].into(),
        outputs: vec![RequestedOutput {
            name: "y".to_owned(),
            parameters: [("classification".to_owned(), InferParameter { choice: Some(Choice::Int64(2)) })]
                .into(),
        }],
        raw_input_contents: vec![Bytes::from_static(&[1, 2])],
        ..two_rows()
    };
    let reply = call("ModelInfer", &request.encode_to_vec(), |request| {
        assert_eq!(request.uri(), "/v2/models/m/infer");
        let length: usize =
            request.headers()["inference-header-content-length"].to_str().unwrap().parse().unwrap();
        let (header, data) = request.body().split_at(length);
        assert_eq!(data, [1, 2]);
        let expected = json!({
            "id": "7",
            "inputs": [{"name": "x", "datatype": "INT8", "shape": [2], "parameters": {"binary_data_size": 2}}],
            "outputs": [{"name": "y", "parameters": {"binary_data": true, "classification": 2}}],
            "parameters": {"binary_data_output": true, "priority": 1},
        });
        assert_eq!(serde_json::from_slice::<Value>(header).unwrap(), expected);
        let header = br#"{"model_name":"m","model_version":"1","id":"7","parameters":{"client":"c"},"outputs":[{"name":"y","datatype":"INT8","shape":[2],"parameters":{"binary_data_size":2}},{"name":"z","datatype":"INT8","shape":[0],"parameters":{"binary_data_size":0}}]}"#;
        let mut answer = Response::new([header.as_slice(), &[3, 4]].concat());
        answer.headers_mut().insert("inference-header-content-length", HeaderValue::from(header.len()));
        Ok(answer)
    });
    let found: InferResponse = message(&reply);
    assert_eq!((found.model_name.as_str(), found.model_version.as_str(), found.id.as_str()), ("m", "1", "7"));
    assert_eq!(found.raw_output_contents, [Bytes::from_static(&[3, 4]), Bytes::new()]);
    let outputs: Vec<_> =
        found.outputs.iter().map(|output| (output.name.as_str(), output.shape[0])).collect();
    assert_eq!(outputs, [("y", 2), ("z", 0)]);
    assert!(found.outputs[0].parameters.is_empty());
    assert_eq!(found.parameters["client"].choice, Some(Choice::String("c".to_owned())));
}

#[test]
fn contents_are_sent_as_bytes() {
    let mut request = two_rows();
    let contents = InferTensorContents { int_contents: vec![1, -1], ..Default::default() };
    request.inputs[0].contents = Some(contents);
    call("ModelInfer", &request.encode_to_vec(), |request| {
        assert!(request.body().ends_with(&[1, 255]));
        ok(Vec::new())
    });
}

#[test]
fn inputs_that_disagree_with_themselves_are_not_sent() {
    let never = |_: Request<Vec<u8>>| -> Sent { panic!("nothing is sent") };
    let mut request = two_rows();
    request.raw_input_contents = vec![Bytes::new(), Bytes::new()];
    check_status(
        &call("ModelInfer", &request.encode_to_vec(), never),
        "3",
        "`raw_input_contents`: expected one for each of the 1 inputs or none, found 2",
    );
    request.raw_input_contents.pop();
    request.inputs[0].contents = Some(InferTensorContents::default());
    check_status(
        &call("ModelInfer", &request.encode_to_vec(), never),
        "3",
        "input `x`: expected either `contents` or `raw_input_contents`, found both",
    );
}

#[test]
fn a_refusal_keeps_its_words_and_its_body() {
    let body = r#"{"error":"row `1`: é","code":"wrong_data","row":1}"#.as_bytes();
    let reply = call("ModelInfer", &two_rows().encode_to_vec(), |_| {
        Ok(Response::builder().status(422).body(body.to_vec()).unwrap())
    });
    check_status(&reply, "3", "row `1`: %C3%A9");
    let details = reply.trailers["plinth-error-bin"].as_bytes();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD_NO_PAD, details);
    assert_eq!(decoded.unwrap(), body);
}

#[test]
fn statuses_of_http_have_codes() {
    for (status, code) in [(404, "5"), (400, "3"), (413, "8"), (500, "13"), (503, "14"), (504, "4")] {
        let reply = call("ModelMetadata", &model_request(""), |_| {
            Ok(Response::builder().status(status).body(Vec::new()).unwrap())
        });
        assert_eq!(reply.trailers["grpc-status"], code, "{status}");
    }
    let reply = call("ServerMetadata", &[], |_| Err(Unreachable("no route".to_owned())));
    check_status(&reply, "14", "the models cannot be reached: no route");
}

#[test]
fn models_are_found_by_escaped_names() {
    let metadata = br#"{"name":"m","versions":["1"],"platform":"onnx","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[],"properties":{"key_tensor":"key"}}"#;
    let reply = call("ModelMetadata", &model_request("2"), |request| {
        assert_eq!(request.uri(), "/v2/models/a%20b%2Fc/versions/2");
        ok(metadata.to_vec())
    });
    let found: ModelMetadata = message(&reply);
    assert_eq!(found.inputs[0].shape, [-1, 2]);
    assert_eq!(found.properties["key_tensor"], "key");
    check_status(
        &call("ModelMetadata", &[], |_| panic!("nothing is sent")),
        "3",
        "model name: expected one that is not empty",
    );
}

#[test]
fn a_model_that_is_not_there_is_not_ready() {
    for (status, is_ready) in [(200, true), (404, false)] {
        let reply = call("ModelReady", &model_request(""), |_| {
            Ok(Response::builder().status(status).body(b"{}".to_vec()).unwrap())
        });
        assert_eq!(message::<Condition>(&reply).is_so, is_ready);
    }
}

#[test]
fn a_configuration_has_numbered_datatypes() {
    let config = br#"{"name":"m","platform":"onnx","max_batch_size":0,"input":[{"name":"x","data_type":"TYPE_STRING","dims":[-1],"optional":true}],"output":[]}"#;
    let reply = call("ModelConfig", &model_request(""), |_| ok(config.to_vec()));
    let found = message::<ModelConfigAnswer>(&reply).config.unwrap();
    assert_eq!((found.input[0].data_type, found.input[0].optional), (13, true));
}

#[test]
fn what_is_no_call_is_refused() {
    let reply = call("ModelStatistics", &[], |_| panic!("nothing is sent"));
    assert_eq!(reply.trailers["grpc-status"], "12");
    let plain = Request::post("/inference.GRPCInferenceService/ServerLive").body([].as_slice()).unwrap();
    let reply = answer(&plain, MAX_MESSAGE_BYTES, |_| panic!("nothing is sent"));
    assert_eq!(reply.response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let get = Request::get("/").body([].as_slice()).unwrap();
    let reply = answer(&get, MAX_MESSAGE_BYTES, |_| panic!("nothing is sent"));
    assert_eq!(reply.response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn an_unknown_method_is_refused_before_its_message_is_read() {
    let head = |method: &str| {
        let path = format!("/inference.GRPCInferenceService/{method}");
        Request::post(path).header("content-type", "application/grpc").body(()).unwrap()
    };
    let reply = refusal(&head("ModelStreamInfer")).unwrap();
    assert_eq!(reply.trailers["grpc-status"], "12");
    assert!(refusal(&head("ModelInfer")).is_none());
}

proptest! {
    #[test]
    fn any_message_and_any_answer_give_a_status(message: Vec<u8>, body: Vec<u8>, method in "(ModelInfer|ModelConfig|RepositoryIndex|ModelMetadata)") {
        let reply = call(&method, &message, |_| ok(body));
        prop_assert!(reply.trailers.contains_key("grpc-status"));
    }
}
