//! Rows of several clients.

use super::*;

const NORTH: &str = r#""client":"north""#;

#[test]
fn a_client_stands_beside_its_key() {
    let predictions =
        r#"{"predictions":[{"key":7,"client":"north","x":1},{"key":7,"client":"south","x":2}]}"#;
    let instances = r#"[{"x":1,"key":7,"client":"north"},{"client":"south","key":7,"x":2}]"#;
    check(&x(&[-1]), &format!(r#"{{"instances":{instances}}}"#), predictions);
    check_bare("1,2", r#""keys":[7,7],"clients":["north","south"]"#, predictions);
    let body = r#"{"inputs":[1,2],"keys":[7,7],"clients":["north","south"]}"#;
    check(&x(&[-1]), body, r#"{"outputs":[1,2],"keys":[7,7],"clients":["north","south"]}"#);
}

#[test]
fn keys_and_clients_need_not_stand_in_one_place() {
    let expect = r#"{"predictions":[{"key":7,"client":"north","x":1}]}"#;
    let body = r#"{"clients":["north"],"instances":[{"x":1,"key":7}]}"#;
    check(&x(&[-1]), body, expect);
    let body = r#"{"keys":[7],"instances":[{"x":1,"client":"north"}]}"#;
    check(&x(&[-1]), body, expect);
}

#[test]
fn the_client_of_a_request_comes_back_as_such() {
    check_bare("1,2", NORTH, r#"{"predictions":[1,2],"client":"north"}"#);
    let body = format!(r#"{{"inputs":[1],"keys":[7],{NORTH}}}"#);
    check(&x(&[-1]), &body, r#"{"outputs":[1],"keys":[7],"client":"north"}"#);
    check(&x(&[-1]), &format!(r#"{{"inputs":[],{NORTH}}}"#), r#"{"outputs":[],"client":"north"}"#);
    let two = "400 malformed_request expected one field `client`, found two";
    check_bare("1", &format!("{NORTH},{NORTH}"), two);
}

#[test]
fn there_is_one_client_for_all_rows_or_one_for_each() {
    let expect = "400 malformed_request `client`: expected a client of the whole request or one of each row, found `both`";
    check_bare("1", &format!(r#"{NORTH},"keys":[7],"clients":["south"]"#), expect);
    let instances = r#"[{"x":1,"key":7,"client":"south"}]"#;
    check(&x(&[-1]), &format!(r#"{{{NORTH},"instances":{instances}}}"#), expect);
    let body = format!(r#"{{{NORTH},"inputs":[1],"keys":[7],"clients":["south"]}}"#);
    check(&x(&[-1]), &body, expect);
    let body = format!(r#"{{"clients":["north"],"instances":{instances}}}"#);
    check(&x(&[-1]), &body, "400 malformed_request expected `client` or `clients`, found both");
}

#[test]
fn a_row_with_an_error_is_named_with_its_client() {
    let instances = r#"[{"client":"north","x":"a","key":7}]"#;
    let error =
        "row `0`, client `north`, key `7`: tensor `x`: expected `UINT8` at element `0`, found `\"a\"`";
    check(&x(&[-1]), &format!(r#"{{"instances":{instances}}}"#), &format!("422 wrong_element {error}"));
    let error = "tensor `x`: expected `UINT8` at element `0`, found `\\\"a\\\"`";
    let expect = format!(
        r#"{{"predictions":[{{"key":7,"client":"north","error":{{"error":"row `0`: {error}","code":"wrong_element","input":"x","row":0}}}}]}}"#
    );
    check(&x(&[-1]), &format!(r#"{{"on_row_error":"report","instances":{instances}}}"#), &expect);
}

#[test]
fn columns_have_clients_beside_keys() {
    let check =
        |members: &str, expect: &str| check(&x(&[-1]), &format!(r#"{{"inputs":[1,2],{members}}}"#), expect);
    check(
        r#""clients":["north","south"]"#,
        "422 missing_key expected a key beside the client, found none on row `0`",
    );
    check(
        r#""keys":[1,2],"clients":["north"]"#,
        "422 client_count expected `2` clients, one per row, found `1`",
    );
    let error =
        "422 invalid_client row `1`, key `2`: expected a string that is not empty as client, found `7`";
    check(r#""keys":[1,2],"clients":["north",7]"#, error);
    check(
        r#""clients":["north","south"],"generate_keys":true"#,
        r#"{"outputs":[1,2],"keys":["new 0","new 1"],"clients":["north","south"]}"#,
    );
    check(
        r#""keys":[7,7],"clients":["north","north"],"on_duplicate_key":"first""#,
        r#"{"outputs":[1],"keys":[7],"clients":["north"]}"#,
    );
}
