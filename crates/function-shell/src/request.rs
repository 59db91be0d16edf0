//! From a `wasi:http` request to one that a handler reads.

use http::{Request, StatusCode};
use spin_sdk::http::{IncomingRequest, Method};
use wasi::io::streams::{InputStream, StreamError};

/// How much is asked for at once. The host gives what it has, up to this.
const CHUNK_BYTES: u64 = 1 << 20;

/// The most that is taken of a body after its limit.
const DRAINED_BYTES: usize = 256 << 20;

/// The request without its body, and with those of its headers that the endpoint reads. Asking for a header costs a call to the host;
/// copying all of them costs more.
///
/// # Errors
/// The status of a request that has no valid target.
pub(crate) fn head(request: &IncomingRequest, header_names: &[&str]) -> Result<Request<()>, StatusCode> {
    let mut head = Request::builder()
        .method(method(&request.method()))
        .uri(request.path_with_query().unwrap_or_else(|| "/".to_owned()));
    let headers = request.headers();
    for &name in header_names {
        for value in headers.get(name) {
            head = head.header(name, value);
        }
    }
    head.body(()).map_err(|_| StatusCode::BAD_REQUEST)
}

/// The whole body; of one longer than `max_bytes`, just enough to tell.
///
/// # Errors
/// The status of a request that breaks off.
pub(crate) fn body(request: &IncomingRequest, max_bytes: usize) -> Result<Vec<u8>, StatusCode> {
    let body = request.consume().map_err(|()| StatusCode::BAD_REQUEST)?;
    let stream = body.stream().map_err(|()| StatusCode::BAD_REQUEST)?;
    read_to_end(&stream, max_bytes)
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Patch => "PATCH",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
        Method::Connect => "CONNECT",
        Method::Trace => "TRACE",
        Method::Other(other) => other,
    }
}

/// What the stream has, or just more than `max_bytes` of it.
///
/// # Errors
/// 400 if it breaks off.
pub(crate) fn read_to_end(stream: &InputStream, max_bytes: usize) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = Vec::new();
    loop {
        if bytes.len() > max_bytes {
            drain(stream);
            break;
        }
        match stream.blocking_read(CHUNK_BYTES) {
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(StatusCode::BAD_REQUEST),
        }
    }
    Ok(bytes)
}

/// Takes what is left of a body that is too long, up to a bound: a client that is still sending when the connection closes may never
/// read why.
pub(crate) fn drain(stream: &InputStream) {
    let mut drained = 0;
    while drained < DRAINED_BYTES {
        match stream.blocking_read(CHUNK_BYTES) {
            Ok(chunk) => drained += chunk.len(),
            Err(_) => break,
        }
    }
}
