//! The Open Inference Protocol's `GRPCInferenceService`, translated call by call to the protocol's HTTP form and back.
//!
//! A gRPC request names its model in the message, not in the path, so no route can find the model's function. This one takes every
//! call, sends what the call means to `/v2/…`, where routes find the function, and says in gRPC what came back. What a request may be
//! and what is wrong with it is decided there alone: both forms of the protocol have the same rules.
//!
//! Any bytes give a reply. Nothing here opens a connection or knows a model; the caller brings a function that sends.
//!
//! Source: gRPC over HTTP/2, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>; Open Inference Protocol V2,
//! <https://github.com/kserve/open-inference-protocol>.

mod contents;
mod error;
mod frame;
mod infer;
mod messages;
mod parameters;
mod reply;
mod rpc;

use error::Result;
pub use error::Unreachable;
use http::{HeaderMap, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
pub use reply::Reply;
use rpc::Rpc;

/// The length of the longest message that is read, before and after its compression is undone: 64 MiB, as over HTTP.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Answers one call. `send` answers a request of the protocol's HTTP form, whose target is a path.
pub fn answer(
    request: &Request<&[u8]>,
    max_message_bytes: usize,
    send: impl FnOnce(Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable>,
) -> Reply {
    if let Some(reply) = refusal(request) {
        return reply;
    }
    match call(request, max_message_bytes, send) {
        Ok(message) => Reply::message(&message),
        Err(error) => Reply::error(&error),
    }
}

/// The reply to a request that is refused whatever its message is. A stream of messages ends only after its answer: who reads the body
/// first never refuses one.
pub fn refusal<T>(request: &Request<T>) -> Option<Reply> {
    if request.method() != Method::POST {
        return Some(Reply::not_grpc(StatusCode::METHOD_NOT_ALLOWED));
    }
    if !is_grpc(request.headers()) {
        return Some(Reply::not_grpc(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Rpc::of_path(request.uri().path()).err().map(|error| Reply::error(&error))
}

/// The message of the answer.
fn call(
    request: &Request<&[u8]>,
    max_message_bytes: usize,
    send: impl FnOnce(Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable>,
) -> Result<Vec<u8>> {
    let rpc = Rpc::of_path(request.uri().path())?;
    let message = frame::read(request.headers(), request.body(), max_message_bytes)?;
    let answer = send(rpc.to_http(&message)?)?;
    rpc.message(answer)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    // `application/grpc`, also with the encoding of its messages as a suffix, or with parameters.
    media_type
        .and_then(|value| value.strip_prefix(b"application/grpc"))
        .is_some_and(|rest| matches!(rest.first(), None | Some(b';')) || rest.starts_with(b"+proto"))
}

#[cfg(test)]
mod tests;
