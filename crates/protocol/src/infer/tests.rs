//! Inference requests, good and bad.

use tensor::{Datatype, Tensor};

use super::*;
use crate::partition::BadRows;

fn request(inputs: &str) -> String {
    format!(r#"{{"inputs":[{inputs}]}}"#)
}

#[track_caller]
fn check_input(input: &str, expect: (&str, Datatype, &[u64], &[u8])) {
    let body = request(input);
    let (name, datatype, shape, data) = expect;
    let tensor = Tensor::new(name, datatype, shape.to_vec(), data.to_vec()).unwrap();
    let inputs = InferRequest::read(body.as_bytes(), &[], &[]).unwrap().inputs;
    assert_eq!(inputs, [Input { tensor, is_binary: false, bad: BadRows::default() }]);
}

#[track_caller]
fn check_error(body: &str, expect: &str) {
    let error = InferRequest::read(body.as_bytes(), &[], &[]).unwrap_err();
    assert_eq!(format!("{} {error}", error.code()), expect);
}

#[test]
fn data_is_flat_or_nested() {
    for data in ["[1,2,3,4]", "[[1,2],[3,4]]"] {
        let input = format!(r#"{{"name":"x","shape":[2,2],"datatype":"UINT8","data":{data}}}"#);
        check_input(&input, ("x", Datatype::Uint8, &[2, 2], &[1, 2, 3, 4]));
    }
}

#[test]
fn fields_come_in_any_order() {
    check_input(
        r#"{"data":[1],"parameters":{"data":[2]},"shape":[1],"new":null,"datatype":"INT8","name":"x"}"#,
        ("x", Datatype::Int8, &[1], &[1]),
    );
}

#[test]
fn a_scalar_has_one_element() {
    for data in ["true", "[true]"] {
        let input = format!(r#"{{"name":"x","shape":[],"datatype":"BOOL","data":{data}}}"#);
        check_input(&input, ("x", Datatype::Bool, &[], &[1]));
    }
}

#[test]
fn no_rows_are_no_elements() {
    check_input(
        r#"{"name":"x","shape":[0,64],"datatype":"FP32","data":[]}"#,
        ("x", Datatype::Fp32, &[0, 64], &[]),
    );
}

#[test]
fn id_and_outputs_are_read() {
    let body = r#"{"id":"4\"2","model_name":"m","inputs":[],
        "outputs":[{"name":"b","parameters":{"binary_data":true}},{"name":"a","parameters":{"classification":3}}]}"#;
    let request = InferRequest::read(body.as_bytes(), &[], &[]).unwrap();
    let output =
        |name: &'static str, is_binary, classes| RequestedOutput { name: name.into(), is_binary, classes };
    assert_eq!(request.id.as_deref(), Some("4\"2"));
    assert_eq!(request.outputs, [output("b", true, None), output("a", false, Some(3))]);
    assert!(!request.binary_outputs);
}

#[test]
fn inputs_in_binary_form_are_taken_in_their_order() {
    let body = br#"{"parameters":{"binary_data_output":true},"inputs":[
        {"name":"x","shape":[2],"datatype":"INT8","parameters":{"binary_data_size":2}},
        {"name":"y","shape":[1],"datatype":"INT8","data":[7]},
        {"name":"key","parameters":{"binary_data_size":5},"shape":[1],"datatype":"BYTES"}]}"#;
    let request = InferRequest::read(body, b"\x01\x02\x01\0\0\0k", &[]).unwrap();
    let data: Vec<&[u8]> = request.inputs.iter().map(|input| input.tensor.data()).collect();
    assert_eq!(data, [b"\x01\x02".as_slice(), b"\x07", b"\x01\0\0\0k"]);
    assert!(request.binary_outputs);
    let is_binary: Vec<bool> = request.inputs.iter().map(|input| input.is_binary).collect();
    assert_eq!(is_binary, [true, false, true]);
}

#[test]
fn binary_data_is_what_was_announced() {
    let check = |fields: &str, binary: &[u8], expect: &str| {
        let body = request(&format!(r#"{{"name":"x","shape":[2],"datatype":"INT8",{fields}}}"#));
        let error = InferRequest::read(body.as_bytes(), binary, &[]).unwrap_err();
        assert_eq!(format!("{} {error}", error.code()), expect);
    };
    let two = r#""parameters":{"binary_data_size":2}"#;
    check(two, b"1", "binary_tensor_data tensor `x`: expected `2` bytes of binary tensor data, found `1`");
    check(two, b"123", "binary_tensor_data expected no bytes after the last tensor, found `1`");
    check(
        &format!(r#""data":[1,2],{two}"#),
        b"12",
        "wrong_data tensor `x`: expected `data` or `binary_data_size`, found both",
    );
    let huge = r#""parameters":{"binary_data_size":18446744073709551615}"#;
    let expect = "binary_tensor_data tensor `x`: expected `18446744073709551615` bytes of binary tensor data, found `2`";
    check(huge, b"12", expect);
}

#[test]
fn null_is_no_id_and_no_selection() {
    let request = InferRequest::read(br#"{"id":null,"inputs":[],"outputs":null}"#, &[], &[]).unwrap();
    assert_eq!((request.id, request.outputs), (None, vec![]));
}

#[test]
fn rejects_other_forms() {
    check_error("[1]", "malformed_request `body`: expected an object, found `[1]`");
    check_error("{}", "malformed_request expected a field `inputs`, found none");
    check_error(r#"{"inputs":{}}"#, "malformed_request `inputs`: expected a list, found `{}`");
    check_error(&request("7"), "malformed_request `inputs[0]`: expected an object, found `7`");
    check_error(&request("{}"), "malformed_request expected a field `inputs[0].name`, found none");
    check_error(r#"{"id":7}"#, "malformed_request `id`: expected a string, found `7`");
    check_error(r#"{"inputs":[],"inputs":[]}"#, "malformed_request expected one field `inputs`, found two");
    check_error(
        r#"{"inputs":[],"outputs":[{}]}"#,
        "malformed_request expected a field `outputs[0].name`, found none",
    );
}

#[test]
fn dimensions_are_whole_and_not_negative() {
    for dim in ["-1", "1.5", "1e2", "\"1\"", "null", "18446744073709551616"] {
        let input = format!(r#"{{"name":"x","shape":[{dim}],"datatype":"INT8","data":[1]}}"#);
        check_error(
            &request(&input),
            &format!("malformed_request `inputs[0].shape`: expected a list of sizes, found `{dim}`"),
        );
    }
}

#[test]
fn dimensions_are_few() {
    let input = |n_dims| {
        let shape = vec!["1"; n_dims].join(",");
        request(&format!(r#"{{"name":"x","shape":[{shape}],"datatype":"INT8","data":[1]}}"#))
    };
    assert!(InferRequest::read(input(32).as_bytes(), &[], &[]).is_ok());
    check_error(&input(33), "malformed_request `inputs[0].shape`: expected at most 32 sizes, found `more`");
}

#[test]
fn sizes_are_those_of_the_shape() {
    let error = |shape: &str, data: &str, found: &str| {
        let input = format!(r#"{{"name":"x","shape":{shape},"datatype":"INT8","data":{data}}}"#);
        let expect = format!("tensor `x`: expected data for shape `{shape}`, flat or nested, found sizes");
        check_error(&request(&input), &format!("wrong_data {expect} `{found}`"));
    };
    error("[2]", "[1]", "[1]");
    error("[2]", "[1,2,3]", "[3]");
    error("[2, 2]", "[[1,2,3,4]]", "[1, 4]");
    error("[4]", "[[1,2],[3,4]]", "[2, 2]");
    error("[]", "[[1]]", "[1, 1]");
    error("[]", "[]", "[0]");
}

#[test]
fn a_shape_beyond_memory_is_an_error() {
    check_error(
        &request(r#"{"name":"x","shape":[16,1152921504606846978],"datatype":"INT8","data":[1]}"#),
        "shape_overflow tensor `x`: shape `[16, 1152921504606846978]` has more elements than can be addressed",
    );
}

#[test]
fn a_tensor_needs_data_and_a_known_datatype() {
    check_error(
        &request(r#"{"name":"x","shape":[1],"datatype":"INT8"}"#),
        "missing_data tensor `x`: expected a field `data`, found none",
    );
    check_error(
        &request(r#"{"name":"x","shape":[1],"datatype":"STRING","data":["a"]}"#),
        "unknown_datatype tensor `x`: unknown datatype `STRING`",
    );
}

/// The shape of a tensor without its bad rows, and these.
type Part<'a> = (&'a [u64], &'a [usize]);

/// Reads inputs of a model with an input `x` of any number of rows and one `t` of a fixed size.
#[track_caller]
fn check_report(inputs: &str, expect: Result<&[Part<'_>], &str>) {
    let spec = |name: &str, shape: &[i64]| TensorSpec {
        name: name.to_owned(),
        datatype: Datatype::Int8,
        shape: shape.to_vec(),
    };
    let specs = [spec("x", &[-1, 2]), spec("t", &[2])];
    let report = r#""parameters":{"on_row_error":"report"}"#;
    for body in
        [format!(r#"{{{report},"inputs":[{inputs}]}}"#), format!(r#"{{"inputs":[{inputs}],{report}}}"#)]
    {
        let found = InferRequest::read(body.as_bytes(), &[], &specs).map(|request| {
            assert_eq!(request.on_row_error, OnRowError::Report);
            let bad = |input: &Input| (input.tensor.shape().to_vec(), input.bad.indexes());
            request.inputs.iter().map(bad).collect::<Vec<_>>()
        });
        let expect = expect.map(|expect| {
            expect.iter().map(|(shape, bad)| (shape.to_vec(), bad.to_vec())).collect::<Vec<_>>()
        });
        assert_eq!(found.map_err(|error| error.to_string()), expect.map_err(str::to_owned));
    }
}

#[test]
fn bad_rows_are_left_out_of_their_tensor_if_they_are_reported() {
    let input = |name: &str, datatype: &str, shape: &str, data: &str| {
        format!(r#"{{"name":"{name}","shape":{shape},"datatype":"{datatype}","data":{data}}}"#)
    };
    let x = input("x", "INT8", "[3,2]", "[1,2,null,4,5,6]");
    let key = input("key", "UINT8", "[3]", r#"[1,2,"a"]"#);
    check_report(&format!("{x},{key}"), Ok(&[(&[2, 2], &[1]), (&[2], &[2])]));
    let clients = input("client", "BYTES", "[3,1]", r#"["c",null,["d"]]"#);
    check_report(&format!("{clients},{key}"), Ok(&[(&[1, 1], &[1, 2]), (&[2], &[2])]));
    let t = input("t", "INT8", "[2]", r#"[1,"a"]"#);
    let error = "tensor `t`: expected `INT8` at element `1`, found `\"a\"`";
    check_report(&format!("{x},{key},{t}"), Err(error));
    let short = input("x", "INT8", "[3,2]", "[1,2,3]");
    let error = "tensor `x`: expected data for shape `[3, 2]`, flat or nested, found sizes `[3]`";
    check_report(&format!("{key},{short}"), Err(error));
}

#[test]
fn rows_that_are_reported_have_keys() {
    let error =
        "`parameters`: expected `on_row_error` to be `fail` in a request without keys, found `report`";
    check_report(r#"{"name":"x","shape":[1,2],"datatype":"INT8","data":[1,2]}"#, Err(error));
}

#[test]
fn a_request_has_one_client_or_one_on_each_row() {
    let client = r#"{"name":"client","shape":[1],"datatype":"BYTES","data":["c"]}"#;
    let body = request(client).replacen('{', r#"{"parameters":{"client":"d"},"#, 1);
    let expect = "malformed_request `parameters`: expected a client of the whole request or one of each row, found `both`";
    check_error(&body, expect);
    let body = r#"{"parameters":{"client":"d"},"inputs":[]}"#;
    let request = InferRequest::read(body.as_bytes(), &[], &[]).unwrap();
    assert_eq!(request.client, Client::new("d"));
}
