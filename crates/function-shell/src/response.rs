//! From a handler's response to `wasi:http`.

use endpoints::Failure;
use http::{HeaderMap, Response, StatusCode};
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::{OutputStream, StreamError};

/// A response without a body, for a request that no handler could read.
pub(crate) fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

/// Sends `response`, and `trailers` if there are any. What cannot be sent is written to standard error.
pub(crate) fn write(response: Response<Vec<u8>>, trailers: &HeaderMap, response_out: ResponseOutparam) {
    if let Some(Failure(reason)) = response.extensions().get() {
        log(reason);
    }
    let (parts, bytes) = response.into_parts();
    let outgoing = OutgoingResponse::new(fields(&parts.headers));
    if outgoing.set_status_code(parts.status.as_u16()).is_err() {
        log("the host refuses the status code");
    }
    let body = outgoing.body();
    response_out.set(outgoing);
    if let Ok(body) = body {
        send(body, &bytes, trailers);
    }
}

/// Headers or trailers as the host takes them.
pub(crate) fn fields(headers: &HeaderMap) -> Fields {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    Fields::from_list(&headers).unwrap_or_else(|_| Fields::new())
}

fn send(body: OutgoingBody, bytes: &[u8], trailers: &HeaderMap) {
    if let Ok(stream) = body.write()
        && let Err(error) = write_all(&stream, bytes)
    {
        log(&format!("cannot write the response: {error}"));
    }
    let trailers = (!trailers.is_empty()).then(|| fields(trailers));
    if let Err(error) = OutgoingBody::finish(body, trailers) {
        log(&format!("cannot finish the response: {error:?}"));
    }
}

/// Writes as much at a time as the host takes.
pub(crate) fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (chunk, rest) = bytes.split_at(room.min(bytes.len()));
        stream.write(chunk)?;
        bytes = rest;
    }
    stream.flush()
}

#[expect(clippy::print_stderr, reason = "standard error is a function's log")]
pub(crate) fn log(message: &str) {
    eprintln!("{message}");
}
