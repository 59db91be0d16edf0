//! Requests in rows and columns, answered by a model whose outputs are its inputs.

mod clients;

use proptest::prelude::*;
use tensor::{Datatype, Metadata};

use super::*;
use crate::partition::MAX_BAD_ROWS;

fn new_keys(n_keys: usize) -> Vec<String> {
    (0..n_keys).map(|idx| format!("new {idx}")).collect()
}

fn spec(name: &str, datatype: Datatype, shape: &[i64]) -> TensorSpec {
    TensorSpec { name: name.to_owned(), datatype, shape: shape.to_vec() }
}

fn x(shape: &[i64]) -> [TensorSpec; 1] {
    [spec("x", Datatype::Uint8, shape)]
}

fn ab() -> [TensorSpec; 2] {
    [spec("a", Datatype::Uint8, &[-1]), spec("b", Datatype::Uint8, &[-1, 2])]
}

fn text() -> [TensorSpec; 1] {
    [spec("t", Datatype::Bytes, &[-1])]
}

fn uint8(name: &str, shape: &[u64], data: &[u8]) -> Tensor {
    Tensor::new(name, Datatype::Uint8, shape.to_vec(), data.to_vec()).unwrap()
}

fn echo(body: &str, specs: &[TensorSpec]) -> Result<String> {
    let Rows { inputs, answer } = Rows::read(body.as_bytes(), specs, &Maps::default(), new_keys)?;
    let json = match inputs {
        Some(inputs) => answer.write(&inputs, &Maps::default())?,
        None => answer.write_empty(specs)?,
    };
    Ok(String::from_utf8(json).unwrap())
}

#[track_caller]
fn check_inputs(specs: &[TensorSpec], body: &str, expect: &[Tensor]) {
    assert_eq!(
        Rows::read(body.as_bytes(), specs, &Maps::default(), new_keys).unwrap().inputs.as_deref(),
        Some(expect)
    );
}

#[track_caller]
fn check_one(shape: &[i64], instances: &str, expect_shape: &[u64], expect_data: &[u8]) {
    let body = format!(r#"{{"instances":[{instances}]}}"#);
    check_inputs(&x(shape), &body, &[uint8("x", expect_shape, expect_data)]);
}

#[track_caller]
fn check(specs: &[TensorSpec], body: &str, expect: &str) {
    let found = echo(body, specs)
        .unwrap_or_else(|error| format!("{} {} {error}", error.status().as_u16(), error.code()));
    assert_eq!(found, expect);
}

#[track_caller]
fn check_rows(instances: &str, expect: &str) {
    check(&ab(), &format!(r#"{{"instances":[{instances}]}}"#), expect);
}

/// Sends bare rows of `x`, and members before and after them.
#[track_caller]
fn check_bare(instances: &str, members: &str, expect: &str) {
    check(&x(&[-1]), &format!(r#"{{{members},"instances":[{instances}]}}"#), expect);
    check(&x(&[-1]), &format!(r#"{{"instances":[{instances}],{members}}}"#), expect);
}

#[test]
fn rows_are_stacked() {
    check_one(&[-1], "1,2,3", &[3], &[1, 2, 3]);
    check_one(&[-1, 2], "[1,2],[3,4]", &[2, 2], &[1, 2, 3, 4]);
    check_one(&[-1, 1, 2], "[[1,2]],[[3,4]]", &[2, 1, 2], &[1, 2, 3, 4]);
    check_one(&[-1, -1], "[1,2,3]", &[1, 3], &[1, 2, 3]);
    check_one(&[-1, 2], r#"{"x":[1,2]},[3,4]"#, &[2, 2], &[1, 2, 3, 4]);
}

#[test]
fn a_scalar_fits_a_column_of_one() {
    check_one(&[-1, 1], "1,[2],{\"x\":3}", &[3, 1], &[1, 2, 3]);
}

#[test]
fn inputs_are_in_the_models_order() {
    let expect = [uint8("a", &[2], &[3, 4]), uint8("b", &[2, 2], &[1, 2, 5, 6])];
    check_inputs(&ab(), r#"{"instances":[{"b":[1,2],"a":3},{"a":4,"b":[5,6]}]}"#, &expect);
    check_inputs(&ab(), r#"{"inputs":{"b":[[1,2],[5,6]],"a":[3,4]}}"#, &expect);
}

#[test]
fn keys_are_strings_and_whole_numbers() {
    check(
        &x(&[-1]),
        r#"{"instances":[{"key":"a","x":1},{"x":2,"key":9007199254740993},{"key":"9","x":3},{"key":"\u00e9","x":4}]}"#,
        r#"{"predictions":[{"key":"a","x":1},{"key":9007199254740993,"x":2},{"key":"9","x":3},{"key":"é","x":4}]}"#,
    );
    check_bare(
        "1,2",
        r#""keys":[-9223372036854775808,18446744073709551615]"#,
        r#"{"predictions":[{"key":-9223372036854775808,"x":1},{"key":18446744073709551615,"x":2}]}"#,
    );
}

#[test]
fn other_keys_are_refused() {
    for key in ["null", "1.0", "true", "[1]", "{}", "18446744073709551616"] {
        let error = format!("expected a string or a 64-bit integer as key, found `{key}`");
        let instance = format!(r#"{{"a":1,"b":[1,2],"key":{key}}}"#);
        check_rows(&instance, &format!("422 invalid_key row `0`: {error}"));
        check_bare("1,2", &format!(r#""keys":["k",{key}]"#), &format!("422 invalid_key row `1`: {error}"));
    }
}

#[test]
fn a_row_with_an_error_is_named() {
    check_rows(
        r#"{"a":1,"b":[1,2],"key":"k"},{"b":[1,2],"key":"l"}"#,
        "422 missing_input row `1`, key `l`: missing input `a`",
    );
    check_rows(r#"{"a":1,"c":2,"key":7}"#, "422 unknown_field row `0`, key `7`: unknown field `c`");
    check_rows(
        r#"{"a":1,"a":1,"b":[1,2]}"#,
        "422 duplicate_input row `0`: expected one input `a`, found two",
    );
    check_rows(
        r#"{"a":1,"b":[1,2]},{"a":1,"b":[1]}"#,
        "422 wrong_shape row `1`: tensor `b`: expected a row of shape `[2]`, found `[1]`",
    );
    check_rows(
        r#"{"a":[1],"b":[1,2]}"#,
        "422 wrong_shape row `0`: tensor `a`: expected a row of shape `[]`, found `[1]`",
    );
    check_rows(
        r#"{"a":"1","b":[1,2]}"#,
        "422 wrong_element row `0`: tensor `a`: expected `UINT8` at element `0`, found `\"1\"`",
    );
    check_rows("[1,2]", "422 bare_row row `0`: expected an object that names the inputs, found `[1,2]`");
    check_rows(
        r#"{"key":1,"key":2}"#,
        "400 malformed_request row `0`, key `1`: expected one field `key`, found two",
    );
    check_bare(
        "1,256",
        r#""keys":["a","b"]"#,
        "422 wrong_element row `1`, key `b`: tensor `x`: expected `UINT8` at element `0`, found `256`",
    );
}

#[test]
fn the_second_row_is_shaped_as_the_first() {
    let expect = "422 wrong_shape row `1`: tensor `x`: expected a row of shape `[1]`, found `[2]`";
    check(&x(&[-1, -1]), r#"{"instances":[[1],[1,2]]}"#, expect);
}

#[test]
fn a_model_for_one_row_takes_one() {
    check(&x(&[1, 2]), r#"{"instances":[[1,2]]}"#, r#"{"predictions":[[1,2]]}"#);
    let expect = "422 wrong_shape tensor `x`: expected shape `[1, 2]`, found `[2, 2]`";
    check(&x(&[1, 2]), r#"{"instances":[[1,2],[3,4]]}"#, expect);
    check(&x(&[1, 2]), r#"{"inputs":[[1,2],[3,4]]}"#, expect);
}

#[test]
fn keys_are_on_every_row_or_on_none() {
    check_rows(
        r#"{"a":1,"b":[1,2]},{"a":1,"b":[1,2],"key":"k"}"#,
        "422 missing_key expected a key on every row or on none, found none on row `0`",
    );
    check_rows(
        r#"{"a":1,"b":[1,2],"key":"k"},{"a":1,"b":[1,2],"key":"k"}"#,
        "422 duplicate_key expected different keys, found `k` on rows `0` and `1`",
    );
}

#[test]
fn there_is_one_key_per_row() {
    let expect = "422 key_count expected `2` keys, one per row, found `1`";
    check_bare("1,2", r#""keys":["a"]"#, expect);
    check_bare("1,2", r#""on_row_error":"report","keys":["a"]"#, expect);
    check(&x(&[-1]), r#"{"keys":["a"],"inputs":[1,2]}"#, expect);
    check(&ab(), r#"{"keys":[1],"inputs":{"a":[1,2],"b":[[1,2],[3,4]]}}"#, expect);
    check_bare("1", r#""keys":"a""#, "400 malformed_request `keys`: expected a list, found `\"a\"`");
    let instances = r#"{"instances":[{"x":1,"key":"a"}],"keys":["a"]}"#;
    check(&x(&[-1]), instances, "400 malformed_request expected `key` or `keys`, found both");
    check(&x(&[-1]), r#"{"instances":[{"x":1}],"keys":["a"]}"#, r#"{"predictions":[{"key":"a","x":1}]}"#);
}

#[test]
fn no_instances_are_no_rows() {
    check(&ab(), r#"{"signature_name":"s","instances":[]}"#, r#"{"predictions":[]}"#);
    check(&ab(), r#"{"keys":[],"instances":[]}"#, r#"{"predictions":[]}"#);
    check(&ab(), "{}", "400 malformed_request expected a field `instances`, found none");
}

#[test]
fn a_prediction_is_an_object_if_it_has_a_name() {
    check(&x(&[-1]), r#"{"instances":[1,2]}"#, r#"{"predictions":[1,2]}"#);
    check_rows(
        r#"{"a":1,"b":[3,4]},{"a":2,"b":[5,6]}"#,
        r#"{"predictions":[{"a":1,"b":[3,4]},{"a":2,"b":[5,6]}]}"#,
    );
    check_rows(r#"{"a":1,"b":[3,4],"key":7}"#, r#"{"predictions":[{"key":7,"a":1,"b":[3,4]}]}"#);
}

#[test]
fn an_output_with_other_rows_is_no_answer() {
    for body in [r#"{"instances":[1,2]}"#, r#"{"inputs":[1,2],"keys":[1,2]}"#] {
        let specs = x(&[-1]);
        let rows = Rows::read(body.as_bytes(), &specs, &Maps::default(), new_keys).unwrap();
        for shape in [&[1_u64, 2][..], &[]] {
            let n_elements = usize::try_from(shape.iter().product::<u64>()).unwrap();
            let output = uint8("y", shape, &vec![0; n_elements]);
            let expect = Error::RowsChanged { output: "y".to_owned(), expected: 2, found: shape.to_vec() };
            assert_eq!(rows.answer.write(&[output], &Maps::default()), Err(expect));
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_base64() {
    check(
        &text(),
        r#"{"instances":[{"b64":"/w=="},"a",{"t":{"b64":"YQ=="}},{"t":"\u00e9"}]}"#,
        r#"{"predictions":[{"b64":"/w=="},"a","a","é"]}"#,
    );
    check(&text(), r#"{"inputs":[{"b64":"/w=="},"a"]}"#, r#"{"outputs":[{"b64":"/w=="},"a"]}"#);
    check(&[spec("t", Datatype::Bytes, &[])], r#"{"inputs":{"b64":"YQ=="}}"#, r#"{"outputs":"a"}"#);
    check(
        &text(),
        r#"{"instances":["a",{"key":"k","t":{"b64":"YQ"}}]}"#,
        "422 wrong_element row `1`, key `k`: tensor `t`: expected padded base64 at element `0`, found `YQ`",
    );
    check(
        &x(&[-1]),
        r#"{"instances":[{"x":{"b64":"YQ=="}}]}"#,
        "422 wrong_element row `0`: tensor `x`: expected `UINT8` at element `0`, found `{\"b64\":\"YQ==\"}`",
    );
}

#[test]
fn an_input_called_b64_is_an_input() {
    let specs = [spec("b64", Datatype::Bytes, &[-1])];
    let body = r#"{"instances":[{"b64":"YQ=="},{"b64":{"b64":"YQ=="}}]}"#;
    check(&specs, body, r#"{"predictions":["YQ==","a"]}"#);
}

#[test]
fn columns_are_whole_tensors() {
    check(&x(&[-1, 2]), r#"{"inputs":[[1,2],[3,4]]}"#, r#"{"outputs":[[1,2],[3,4]]}"#);
    check(&x(&[-1, 2]), r#"{"inputs":{"x":[[1,2]]}}"#, r#"{"outputs":[[1,2]]}"#);
    check(&x(&[]), r#"{"inputs":7}"#, r#"{"outputs":7}"#);
    check(&x(&[-1, 1]), r#"{"inputs":[1,2]}"#, r#"{"outputs":[[1],[2]]}"#);
    check(&x(&[-1, 1]), r#"{"inputs":[[1],[2]]}"#, r#"{"outputs":[[1],[2]]}"#);
    let body = r#"{"inputs":{"b":[[1,2]],"a":[3]}}"#;
    check(&ab(), body, r#"{"outputs":{"a":[3],"b":[[1,2]]}}"#);
}

#[test]
fn columns_are_those_of_the_model() {
    let check = |inputs: &str, expect: &str| check(&ab(), &format!(r#"{{"inputs":{inputs}}}"#), expect);
    check(r#"{"a":[1]}"#, "422 missing_input missing input `b`");
    check(r#"{"a":[1],"c":[1]}"#, "422 unknown_input unknown input `c`");
    check(r#"{"a":[1],"a":[1]}"#, "422 duplicate_input expected one input `a`, found two");
    check("[1]", "422 bare_row expected an object that names the inputs, found `[1]`");
    check(r#"{"a":1}"#, "422 wrong_shape tensor `a`: expected shape `[-1]`, found `[]`");
    check(r#"{"a":[[1]]}"#, "422 wrong_shape tensor `a`: expected shape `[-1]`, found `[1, 1]`");
    let ragged = "422 wrong_data tensor `b`: expected nested lists of equal lengths, found a difference at element `3`";
    check(r#"{"b":[[1,2],[3]]}"#, ragged);
}

#[test]
fn keys_stand_beside_columns() {
    check(&x(&[-1]), r#"{"keys":["a",7],"inputs":[1,2]}"#, r#"{"outputs":[1,2],"keys":["a",7]}"#);
    let body = r#"{"inputs":{"a":[1,2],"b":[[1,2]]},"keys":["a","b"]}"#;
    check(&ab(), body, "422 row_counts tensor `b`: expected `2` rows as in the first input, found `1`");
    let body = r#"{"keys":["a","a"],"inputs":[1,2]}"#;
    check(&x(&[-1]), body, "422 duplicate_key expected different keys, found `a` on rows `0` and `1`");
}

#[test]
fn empty_columns_are_no_rows() {
    check(&x(&[-1, 2]), r#"{"inputs":[]}"#, r#"{"outputs":[]}"#);
    check(&x(&[-1, 1]), r#"{"inputs":[],"keys":[]}"#, r#"{"outputs":[],"keys":[]}"#);
    check(&ab(), r#"{"inputs":{"a":[],"b":[]}}"#, r#"{"outputs":{"a":[],"b":[]}}"#);
    let rows = Rows::read(br#"{"inputs":[]}"#, &x(&[-1, 2]), &Maps::default(), new_keys).unwrap();
    let expect = Error::EmptyBatch { output: "x".to_owned(), shape: vec![3] };
    assert_eq!((rows.inputs, rows.answer.write_empty(&x(&[3]))), (None, Err(expect)));
}

#[test]
fn a_request_has_one_form() {
    for body in [r#"{"instances":[1],"inputs":[1]}"#, r#"{"inputs":[1],"instances":[1]}"#] {
        check(&x(&[-1]), body, "400 malformed_request expected `instances` or `inputs`, found both");
    }
    let body = r#"{"inputs":[1],"inputs":[1]}"#;
    check(&x(&[-1]), body, "400 malformed_request expected one field `inputs`, found two");
}

#[test]
fn policies_are_those_that_exist() {
    for found in ["\"skip\"", "null", "true", "\"Report\""] {
        let expect =
            format!("400 malformed_request `on_row_error`: expected `fail` or `report`, found `{found}`");
        check_bare("1", &format!(r#""on_row_error":{found}"#), &expect);
        let expected = "expected `error`, `allow` or `first`";
        let expect = format!("400 malformed_request `on_duplicate_key`: {expected}, found `{found}`");
        check_bare("1", &format!(r#""on_duplicate_key":{found}"#), &expect);
    }
    check_bare("1", r#""on_row_error":"fail","on_duplicate_key":"error""#, r#"{"predictions":[1]}"#);
    let expect = "400 malformed_request `on_row_error`: expected `fail` beside `inputs`, found `report`";
    check(&x(&[-1]), r#"{"inputs":[1],"on_row_error":"report"}"#, expect);
}

#[test]
fn bad_rows_are_reported_in_their_places() {
    check_bare(
        "1,-2,3,[4]",
        r#""on_row_error":"report""#,
        concat!(
            r#"{"predictions":[1,{"error":{"error":"row `1`: tensor `x`: expected `UINT8` at element `0`, found `-2`","#,
            r#""code":"wrong_element","input":"x","row":1}},3,"#,
            r#"{"error":{"error":"row `3`: tensor `x`: expected a row of shape `[]`, found `[1]`","#,
            r#""code":"wrong_shape","input":"x","row":3}}]}"#
        ),
    );
    check(
        &ab(),
        r#"{"on_row_error":"report","instances":[{"a":1,"b":[7,""],"key":"k"},{"a":2,"b":[3,4],"key":"l"},{"key":"m","b":[5,6]}]}"#,
        concat!(
            r#"{"predictions":[{"key":"k","error":{"error":"row `0`: tensor `b`: expected `UINT8` at element `1`, found `\"\"`","#,
            r#""code":"wrong_element","input":"b","row":0}},{"key":"l","a":2,"b":[3,4]},"#,
            r#"{"key":"m","error":{"error":"row `2`: missing input `a`","code":"missing_input","input":"a","row":2}}]}"#
        ),
    );
}

#[test]
fn bad_keys_are_reported_too() {
    let missing = |row| {
        let error = format!("row `{row}`: expected a key on every row or on none, found none on row `{row}`");
        format!(r#"{{"error":{{"error":"{error}","code":"missing_key","input":"key","row":{row}}}}}"#)
    };
    let duplicate = |row| {
        let error = format!("row `{row}`: expected different keys, found `a` on rows `1` and `{row}`");
        format!(
            r#"{{"key":"a","error":{{"error":"{error}","code":"duplicate_key","input":"key","row":{row}}}}}"#
        )
    };
    let body = concat!(
        r#"{"instances":[{"x":1},{"x":2,"key":"a"},3,{"x":4,"key":"b"},{"x":5,"key":"a"},{"x":6,"key":"a"}],"#,
        r#""on_row_error":"report"}"#
    );
    let expect = [
        missing(0),
        r#"{"key":"a","x":2}"#.to_owned(),
        missing(2),
        r#"{"key":"b","x":4}"#.to_owned(),
        duplicate(4),
        duplicate(5),
    ];
    check(&x(&[-1]), body, &format!(r#"{{"predictions":[{}]}}"#, expect.join(",")));
    let invalid =
        r#""error":{"error":"row `1`: expected a string or a 64-bit integer as key, found `null`","#;
    let invalid = format!(r#"{{{invalid}"code":"invalid_key","input":"key","row":1}}}}"#);
    let expect = format!(r#"{{"predictions":[{{"key":"a","x":1}},{invalid}]}}"#);
    check_bare("1,2", r#""keys":["a",null],"on_row_error":"report""#, &expect);
}

/// An input and output `m` with a column for `"a"` and one for `7`, answered as it came.
fn echo_map(body: &str) -> Result<String> {
    let specs = [spec("m", Datatype::Fp32, &[-1, 2]), spec("n", Datatype::Uint8, &[-1])];
    let metadata = Metadata {
        inputs: specs.to_vec(),
        properties: vec![("labels.m".to_owned(), r#"["a",7]"#.to_owned())],
        ..Metadata::default()
    };
    let maps = Maps::of(&metadata);
    let Rows { inputs, answer } = Rows::read(body.as_bytes(), &specs, &maps, new_keys)?;
    answer.write(&inputs.unwrap_or_default(), &maps).map(|json| String::from_utf8(json).unwrap())
}

#[test]
fn a_map_is_an_object_in_rows_and_a_tensor_in_columns() {
    for row in [r#"{"7":0.5,"a":2}"#, "[2,0.5]", r#"{"a":2,"b":[],"7":0.5}"#] {
        let body = format!(r#"{{"instances":[{{"m":{row},"n":1}},{{"m":{{}},"n":2}}]}}"#);
        let expect = r#"{"predictions":[{"m":{"a":2.0,"7":0.5},"n":1},{"m":{"a":0.0,"7":0.0},"n":2}]}"#;
        assert_eq!(echo_map(&body).as_deref(), Ok(expect));
    }
    let columns = r#"{"inputs":{"m":[[2,0.5]],"n":[1]}}"#;
    assert_eq!(echo_map(columns).as_deref(), Ok(r#"{"outputs":{"m":[[2.0,0.5]],"n":[1]}}"#));
}

#[test]
fn a_map_has_numbers_and_no_name_twice() {
    for (row, code) in [
        (r#"{"a":[1]}"#, "wrong_shape"),
        (r#"{"a":"1"}"#, "wrong_element"),
        (r#"{"a":1,"a":2}"#, "malformed_request"),
        (r#"{"b":1,"b":2}"#, "malformed_request"),
    ] {
        let bad = format!(
            r#"{{"instances":[{{"n":1,"m":{{"a":3}}}},{{"n":2,"m":{row}}}],"on_row_error":"report"}}"#
        );
        let answer: serde_json::Value = serde_json::from_str(&echo_map(&bad).unwrap()).unwrap();
        assert_eq!(answer["predictions"][0], serde_json::json!({"m": {"a": 3.0, "7": 0.0}, "n": 1}), "{row}");
        assert_eq!(answer["predictions"][1]["error"]["code"], code, "{row}");
    }
}

#[test]
fn without_good_rows_there_is_nothing_to_ask() {
    let specs = x(&[-1]);
    let rows =
        Rows::read(br#"{"instances":[""],"on_row_error":"report"}"#, &specs, &Maps::default(), new_keys)
            .unwrap();
    assert_eq!(rows.inputs, None);
    let error = r#"{"error":"row `0`: tensor `x`: expected `UINT8` at element `0`, found `\"\"`","#;
    let error = format!(r#"{error}"code":"wrong_element","input":"x","row":0}}"#);
    let expect = format!(r#"{{"predictions":[{{"error":{error}}}]}}"#);
    assert_eq!(String::from_utf8(rows.answer.write_empty(&specs).unwrap()).unwrap(), expect);
}

#[test]
fn what_is_wrong_with_no_row_fails_the_request() {
    let report = |members: &str| format!(r#"{{"on_row_error":"report",{members}}}"#);
    let x = x(&[-1]);
    let expect = "400 malformed_request `instances`: expected a list, found `1`";
    check(&x, &report(r#""instances":1"#), expect);
    let expect =
        "400 malformed_json row `1`, key `k`: malformed JSON: half of a surrogate pair in `\"\\ud800\"`";
    check(&text(), &report(r#""instances":["a",{"key":"k","t":"\ud800"}]"#), expect);
    let expect = "422 wrong_shape tensor `x`: expected shape `[1]`, found `[2]`";
    check(&[spec("x", Datatype::Uint8, &[1])], &report(r#""instances":[1,"",2]"#), expect);
}

#[test]
fn rows_that_repeat_a_key_are_answered_or_left_out() {
    let keys = r#""keys":["a","b","a","a"]"#;
    check_bare(
        "1,2,3,4",
        &format!(r#"{keys},"on_duplicate_key":"allow""#),
        r#"{"predictions":[{"key":"a","x":1},{"key":"b","x":2},{"key":"a","x":3},{"key":"a","x":4}]}"#,
    );
    check_bare(
        "1,2,3,4",
        &format!(r#"{keys},"on_duplicate_key":"first""#),
        r#"{"predictions":[{"key":"a","x":1},{"key":"b","x":2}]}"#,
    );
    let error = "422 duplicate_key expected different keys, found `a` on rows `0` and `2`";
    check_bare("1,2,3,4", &format!(r#"{keys},"on_duplicate_key":"error""#), error);
    let first =
        r#"{"inputs":{"b":[[1,2],[3,4],[5,6]],"a":[1,2,3]},"keys":[7,7,"7"],"on_duplicate_key":"first"}"#;
    check(&ab(), first, r#"{"outputs":{"a":[1,3],"b":[[1,2],[5,6]]},"keys":[7,"7"]}"#);
}

#[test]
fn a_bad_rows_key_counts() {
    let error = r#"{"key":"a","error":{"error":"row `0`: tensor `x`: expected `UINT8` at element `0`, found `\"\"`","#;
    let error = format!(r#"{error}"code":"wrong_element","input":"x","row":0}}}}"#);
    check_bare(
        r#""",2,3,"""#,
        r#""keys":["a","b","a","b"],"on_row_error":"report","on_duplicate_key":"first""#,
        &format!(r#"{{"predictions":[{error},{{"key":"b","x":2}}]}}"#),
    );
    check_bare(
        r#"1,"""#,
        r#""keys":["a","a"],"on_duplicate_key":"first""#,
        "422 wrong_element row `1`, key `a`: tensor `x`: expected `UINT8` at element `0`, found `\"\"`",
    );
}

#[test]
fn too_many_bad_rows_fail_the_request() {
    let body = |n_rows| format!(r#"{{"instances":[{}0],"on_row_error":"report"}}"#, "{},".repeat(n_rows));
    assert!(echo(&body(MAX_BAD_ROWS), &x(&[-1])).unwrap().ends_with(r#""row":99999}},0]}"#));
    check(&x(&[-1]), &body(MAX_BAD_ROWS + 1), "422 missing_input row `0`: missing input `x`");
    let keyless = format!(
        r#"{{"instances":[{}{{"x":0,"key":0}}],"on_row_error":"report"}}"#,
        "0,".repeat(MAX_BAD_ROWS + 1)
    );
    let expect = "422 missing_key row `0`: expected a key on every row or on none, found none on row `0`";
    check(&x(&[-1]), &keyless, expect);
}

/// An instance for [`ab`], and whether it is good.
fn instance() -> impl Strategy<Value = (String, bool)> {
    let good = (any::<u8>(), any::<[u8; 2]>()).prop_map(|(a, b)| (format!(r#""a":{a},"b":{b:?}"#), true));
    let bad = prop::sample::select(vec![
        r#""a":1"#,
        r#""b":[1,2],"a":-1"#,
        r#""a":1,"b":[1,"2"]"#,
        r#""a":1,"b":[1,2],"c":[["]}"]]"#,
        r#""b":[1,2],"b":[1,2],"a":1"#,
        r#""a":1,"b":[[1],2]"#,
    ]);
    prop_oneof![3 => good, 1 => bad.prop_map(|fields| (fields.to_owned(), false))]
}

proptest! {
    #[test]
    fn good_rows_are_answered_as_if_they_were_alone(
        instances in prop::collection::vec(instance(), 1..12),
        keyed: bool,
    ) {
        let key = |row: usize| if keyed { format!(r#""key":{row},"#) } else { String::new() };
        let instances: Vec<(String, bool)> =
            instances.into_iter().enumerate().map(|(row, (fields, good))| (format!("{{{}{fields}}}", key(row)), good)).collect();
        let body = |all: bool| {
            let rows: Vec<&str> =
                instances.iter().filter(|(_, good)| all || *good).map(|(row, _)| row.as_str()).collect();
            format!(r#"{{"instances":[{}],"on_row_error":"report"}}"#, rows.join(","))
        };
        let (all, good) = (body(true), body(false));
        let specs = ab();
        let inputs = |body: &str| Rows::read(body.as_bytes(), &specs, &Maps::default(), new_keys).unwrap().inputs;
        prop_assert_eq!(inputs(&all), inputs(&good));
        let predictions = |body: &str| -> Vec<serde_json::Value> {
            let answer: serde_json::Value = serde_json::from_str(&echo(body, &specs).unwrap()).unwrap();
            answer["predictions"].as_array().unwrap().clone()
        };
        let (found, expect) = (predictions(&all), predictions(&good));
        prop_assert_eq!(found.len(), instances.len());
        let is_bad: Vec<bool> = found.iter().map(|place| place.get("error").is_some()).collect();
        prop_assert!(is_bad.iter().zip(&instances).all(|(bad, (_, good))| bad != good));
        let answered: Vec<_> = found.into_iter().filter(|place| place.get("error").is_none()).collect();
        prop_assert_eq!(answered, expect);
    }

    #[test]
    fn the_first_rows_with_their_keys_are_answered(keys in prop::collection::vec(0..6_u8, 0..12)) {
        let rows: Vec<usize> = (0..keys.len()).filter(|&row| !keys[..row].contains(&keys[row])).collect();
        let instances = |rows: &[usize]| -> String {
            let rows: Vec<_> = rows.iter().map(|&row| format!(r#"{{"key":{},"x":{row}}}"#, keys[row])).collect();
            format!(r#"{{"instances":[{}],"on_duplicate_key":"first"}}"#, rows.join(","))
        };
        let all: Vec<usize> = (0..keys.len()).collect();
        prop_assert_eq!(echo(&instances(&all), &x(&[-1])), echo(&instances(&rows), &x(&[-1])));
    }
}
