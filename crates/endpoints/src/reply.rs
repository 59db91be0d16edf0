//! Responses: a body of JSON, whatever happened.

use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response};
use protocol::{Encoded, Error, RequestNames};

use crate::HEADER_LENGTH;

/// Why a response has a status of 5xx: for the log, never for the caller. Found among the response's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

/// A body, and that all is well.
pub(crate) fn success(body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    // Clients compare it as a string: no parameters.
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Tensors: JSON, or JSON and what follows it.
pub(crate) fn tensors(encoded: Encoded) -> Response<Vec<u8>> {
    let mut response = success(encoded.body);
    if let Some(json_len) = encoded.json_len {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(HEADER_LENGTH, HeaderValue::from(json_len));
    }
    response
}

/// What went wrong, and the names of the request in which it did.
pub(crate) fn failure(error: &Error, request: &RequestNames) -> Response<Vec<u8>> {
    let mut response = success(protocol::failure(error, request));
    *response.status_mut() = error.status();
    if let Error::WrongMethod { expected, .. } = error
        && let Ok(allow) = HeaderValue::from_str(expected.as_str())
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Error::ContentEncoding { .. } = error {
        response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    }
    if error.status().is_server_error() {
        let reason = error.internal_reason().map_or_else(|| error.to_string(), str::to_owned);
        response.extensions_mut().insert(Failure(reason));
    }
    response
}
