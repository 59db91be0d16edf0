//! From a handler's response to `wasi:http`.

use endpoints::Failure;
use http::{Response, StatusCode};
use spin_sdk::http::{Headers, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::{OutputStream, StreamError};

/// A response without a body, for a request that no handler could read.
pub(crate) fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

/// Sends `response`. What cannot be sent is written to standard error.
pub(crate) fn write(response: Response<Vec<u8>>, response_out: ResponseOutparam) {
    if let Some(Failure(reason)) = response.extensions().get() {
        log(reason);
    }
    let (parts, bytes) = response.into_parts();
    let headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let outgoing = OutgoingResponse::new(Headers::from_list(&headers).unwrap_or_else(|_| Headers::new()));
    if outgoing.set_status_code(parts.status.as_u16()).is_err() {
        log("the host refuses the status code");
    }
    let body = outgoing.body();
    response_out.set(outgoing);
    if let Ok(body) = body {
        send(body, &bytes);
    }
}

fn send(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write()
        && let Err(error) = write_all(&stream, bytes)
    {
        log(&format!("cannot write the response: {error}"));
    }
    if let Err(error) = OutgoingBody::finish(body, None) {
        log(&format!("cannot finish the response: {error:?}"));
    }
}

/// Writes as much at a time as the host takes.
fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
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
fn log(message: &str) {
    eprintln!("{message}");
}
