//! The body of an answer that is an error.

use tensor::Client;

use crate::cursor::shorten;
use crate::write::{write_integer, write_key, write_string};
use crate::{Error, RequestNames};

/// More than any message or tensor name of good faith has.
const MAX_CHARS: usize = 1000;

/// `{"error", "code"}`, and as far as they are known `"id"`, `"input"`, `"row"`, `"client"` and `"key"`.
///
/// Long texts are cut; `id`, `client` and `key` are as they were given.
///
/// Source: Open Inference Protocol V2, "Inference Error Response"; only `error` is the protocol's.
#[must_use]
pub fn failure(error: &Error, request: &RequestNames) -> Vec<u8> {
    let mut json = br#"{"error":"#.to_vec();
    write_string(&mut json, &shorten(&error.to_string(), MAX_CHARS));
    json.extend_from_slice(br#","code":"#);
    write_string(&mut json, error.code());
    if let Some(id) = &request.id {
        json.extend_from_slice(br#","id":"#);
        write_string(&mut json, id);
    }
    write_location(&mut json, error, request.client.as_deref());
    json.push(b'}');
    json
}

/// Appends where the error is. A row has the client of the whole request if it has none of its own.
fn write_location(json: &mut Vec<u8>, error: &Error, request_client: Option<&str>) {
    let location = error.location();
    if let Some(input) = location.input {
        json.extend_from_slice(br#","input":"#);
        write_string(json, &shorten(input, MAX_CHARS));
    }
    if let Some(row) = location.row {
        json.extend_from_slice(br#","row":"#);
        write_integer(json, row as u64);
    }
    if let Some(client) = location.client.map(Client::name).or(request_client) {
        json.extend_from_slice(br#","client":"#);
        write_string(json, client);
    }
    if let Some(key) = location.key {
        json.extend_from_slice(br#","key":"#);
        write_key(json, key);
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    #[track_caller]
    fn check(error: &Error, id: Option<&str>, client: Option<&str>, expect: &str) {
        let request = RequestNames { id: id.map(str::to_owned), client: client.map(str::to_owned) };
        assert_eq!(String::from_utf8(failure(error, &request)).unwrap(), expect);
    }

    #[test]
    fn says_where_the_error_is() {
        let missing = Error::MissingInput { input: "x".to_owned() };
        check(
            &Error::Row { row: 2, client: None, key: Some(Key::Integer(7)), error: Box::new(missing) },
            Some("a\"b"),
            None,
            concat!(
                r#"{"error":"row `2`, key `7`: missing input `x`","code":"missing_input","#,
                r#""id":"a\"b","input":"x","row":2,"key":7}"#
            ),
        );
        check(
            &tensor::Error::DuplicateKey {
                client: Client::new("c"),
                key: Key::Text("k".into()),
                first_row: 0,
                row: 1,
            }
            .into(),
            None,
            None,
            concat!(
                r#"{"error":"expected different keys of client `c`, found `k` on rows `0` and `1`","#,
                r#""code":"duplicate_key","input":"key","row":1,"client":"c","key":"k"}"#
            ),
        );
        check(
            &Error::UnknownModel { model: "m".to_owned() },
            None,
            Some("c"),
            r#"{"error":"unknown model `m`","code":"unknown_model","client":"c"}"#,
        );
    }

    #[test]
    fn does_not_say_why_a_model_failed() {
        check(
            &Error::ModelFailed { reason: "secret".to_owned() },
            None,
            None,
            r#"{"error":"the model failed","code":"model_failed"}"#,
        );
    }

    #[test]
    fn is_short() {
        let error = Error::UnknownInput { input: "x".repeat(1_000_000) };
        assert!(failure(&error, &RequestNames::default()).len() < 3000);
    }
}
