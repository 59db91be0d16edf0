//! What ends a call without an answer, and its gRPC status.

use http::StatusCode;
use thiserror::Error;

/// A result whose error is one of a call.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The HTTP side gave no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the models cannot be reached: {0}")]
pub struct Unreachable(
    /// Why not.
    pub String,
);

/// Why a call has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Error {
    #[error("unknown method `{path}`: expected one of `inference.GRPCInferenceService`'s {served}")]
    UnknownMethod { path: String, served: String },
    #[error("malformed message: expected {expected}, found {found}")]
    Frame { expected: &'static str, found: String },
    #[error("the message is too long: expected at most {max_bytes} bytes")]
    TooLong { max_bytes: usize },
    #[error("unknown `grpc-encoding`: expected `identity`, `gzip` or `deflate`, found `{found}`")]
    Encoding { found: String },
    #[error("malformed message: expected {message}, found {source}")]
    Message { message: &'static str, source: prost::DecodeError },
    #[error("input `{input}`: expected {expected}, found {found}")]
    Input { input: String, expected: String, found: String },
    #[error("`raw_input_contents`: expected one for each of the {n_inputs} inputs or none, found {found}")]
    RawCount { n_inputs: usize, found: usize },
    #[error("parameter `{name}`: expected a value")]
    NoValue { name: String },
    #[error("model name: expected one that is not empty")]
    NoModel,
    #[error("the request has no path: {0}")]
    Target(String),
    #[error("{text}")]
    Refused { status: StatusCode, text: String, body: Vec<u8> },
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("the models answered with what is no answer: {0}")]
    Answer(String),
}

/// The codes of gRPC that are answered here.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

impl Error {
    /// The status that tells the client.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::UnknownMethod { .. } | Self::Encoding { .. } => Code::Unimplemented,
            Self::TooLong { .. } => Code::ResourceExhausted,
            Self::Frame { .. }
            | Self::Message { .. }
            | Self::Input { .. }
            | Self::RawCount { .. }
            | Self::NoValue { .. }
            | Self::NoModel
            | Self::Target(_) => Code::InvalidArgument,
            Self::Refused { status, .. } => of_status(*status),
            Self::Unreachable(_) => Code::Unavailable,
            Self::Answer(_) => Code::Internal,
        }
    }
}

fn of_status(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => {
            Code::Unavailable
        }
        StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        status if status.is_client_error() => Code::InvalidArgument,
        _ => Code::Internal,
    }
}
