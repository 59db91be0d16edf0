//! Why a chunk is not answered, and why a row of it is not.

use columns::Problem;
use http::StatusCode;
use protocol::RequestNames;
use serde::Serialize;

/// The most problems that a message lists.
const MAX_PROBLEMS: usize = 20;

/// The result of answering a chunk, or a part of it.
pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a chunk has no answer, or none any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// What other functions answer too.
    #[error(transparent)]
    Protocol(#[from] protocol::Error),
    /// A body in a format that is not read here.
    #[error("expected content type {expected}, found `{found}`", expected = super::Format::NAMES)]
    MediaType { found: String },
    /// A parameter of the query that is not as it should be.
    #[error("parameter `{parameter}`: expected {expected}, found `{found}`")]
    Parameter { parameter: &'static str, expected: String, found: String },
    /// A parameter that is not known.
    #[error("unknown parameter `{parameter}`")]
    UnknownParameter { parameter: String },
    /// The columns are not the model's inputs, key and kept columns; or the outputs are no columns.
    #[error("{}", sentences(.0))]
    Columns(Vec<Problem>),
    /// The body is not what its content type says.
    #[error("malformed {format}: {reason}")]
    Malformed { format: &'static str, reason: String },
    /// The body ends before it should, or cannot be decompressed.
    #[error("the body breaks off: {reason}")]
    BrokenOff { reason: String },
    /// Nobody reads the answer.
    #[error("cannot write the answer: {0}")]
    Write(std::io::Error),
}

impl Error {
    /// A problem with one column.
    pub(super) fn column(problem: Problem) -> Self {
        Self::Columns(vec![problem])
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Protocol(error) => error.status(),
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Columns(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Parameter { .. } | Self::UnknownParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Malformed { .. } | Self::BrokenOff { .. } => StatusCode::BAD_REQUEST,
            Self::Write(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Protocol(error) => error.code(),
            Self::MediaType { .. } => "unsupported_media_type",
            Self::Parameter { .. } | Self::UnknownParameter { .. } => "malformed_request",
            Self::Columns(_) => "wrong_columns",
            Self::Malformed { .. } => "malformed_body",
            Self::BrokenOff { .. } => "broken_off",
            Self::Write(_) => "broken_off",
        }
    }

    /// `{"error", "code"}`, and where it applies what other functions say besides.
    pub(super) fn body(&self) -> Vec<u8> {
        match self {
            Self::Protocol(error) => protocol::failure(error, &RequestNames::default()),
            error => to_json(&Body { error: error.to_string(), code: error.code() }),
        }
    }

    /// What the log should say, if it is our fault.
    pub(super) fn internal_reason(&self) -> Option<String> {
        let reason = || match self {
            Self::Protocol(error) => error.internal_reason().map(str::to_owned),
            _ => None,
        };
        self.status().is_server_error().then(|| reason().unwrap_or_else(|| self.to_string()))
    }
}

fn sentences(problems: &[Problem]) -> String {
    let mut sentences: Vec<String> = problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
    if problems.len() > MAX_PROBLEMS {
        sentences.push(format!("and `{}` more", problems.len() - MAX_PROBLEMS));
    }
    sentences.join("; ")
}

#[derive(Serialize)]
struct Body {
    error: String,
    code: &'static str,
}

/// Why a row of a table is not answered.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) input: Option<String>,
    pub(super) message: String,
}

#[derive(Serialize)]
struct FaultBody<'a> {
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    row: u64,
}

impl Fault {
    /// A fault that is no input's.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, input: None, message: message.into() }
    }

    /// `{"error", "code", "input", "row"}`.
    pub(super) fn to_json(&self, row: u64) -> String {
        let body = FaultBody { error: &self.message, code: self.code, input: self.input.as_deref(), row };
        String::from_utf8(to_json(&body)).unwrap_or_default()
    }
}

impl From<columns::RowError> for Fault {
    fn from(error: columns::RowError) -> Self {
        Self { code: error.code, input: Some(error.input), message: error.message }
    }
}

impl From<&protocol::Error> for Fault {
    fn from(error: &protocol::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Texts and numbers alone: always JSON.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
