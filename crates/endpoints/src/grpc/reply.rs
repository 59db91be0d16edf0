//! What goes back: a message or none, and the status in the trailers, also where there is no message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::error::{Code, Error};
use super::frame;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The body that the same error has over HTTP, which names the input, the row and its key.
const DETAILS: HeaderName = HeaderName::from_static("plinth-error-bin");

/// The longest `grpc-message`, in bytes: clients limit all trailers to 8 KiB.
const MAX_MESSAGE_BYTES: usize = 2000;

/// The longest details, likewise. Longer ones are left out.
const MAX_DETAILS_BYTES: usize = 3000;

/// A response and the trailers after its body. Trailers are empty if the request was none of gRPC.
#[derive(Debug)]
pub struct Reply {
    /// Status, headers and body.
    pub response: Response<Vec<u8>>,
    /// What follows the body.
    pub trailers: HeaderMap,
}

impl Reply {
    /// To a request that is not gRPC: a status of HTTP alone.
    pub(crate) fn not_grpc(status: StatusCode) -> Self {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = status;
        Self { response, trailers: HeaderMap::new() }
    }

    /// The answer of a call.
    pub(crate) fn message(message: &[u8]) -> Self {
        Self { response: grpc(frame::write(message)), trailers: HeaderMap::from_iter([status(Code::Ok)]) }
    }

    /// The end of a call without an answer.
    pub(crate) fn error(error: &Error) -> Self {
        let text = percent_encoded(&error.to_string());
        let mut trailers = HeaderMap::from_iter([status(error.code())]);
        trailers.extend(HeaderValue::try_from(text).ok().map(|text| (MESSAGE, text)));
        if let Error::Refused { body, .. } = error
            && body.len() <= MAX_DETAILS_BYTES
        {
            let details = HeaderValue::try_from(STANDARD_NO_PAD.encode(body));
            trailers.extend(details.ok().map(|details| (DETAILS, details)));
        }
        Self { response: grpc(Vec::new()), trailers }
    }
}

fn grpc(body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,deflate"));
    response
}

fn status(code: Code) -> (HeaderName, HeaderValue) {
    (STATUS, HeaderValue::from(code as u16))
}

/// Source: gRPC over HTTP/2, "Percent-Encoded".
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes().take(MAX_MESSAGE_BYTES) {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("a b"), "a b");
        assert_eq!(percent_encoded("50 % é\n"), "50 %25 %C3%A9%0A");
    }
}
