//! What goes wrong, and its status.

use evaluation_store::Error as StoreError;
use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use crate::{Failure, reply};

pub(super) type Result<T> = std::result::Result<T, Error>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no `{path}`")]
    Route { path: String },
    #[error("expected the method {expected}, found {found}")]
    Method { expected: Method, found: Method },
    #[error("parameter `{name}`: expected {expected}, found `{found}`")]
    Parameter { name: &'static str, expected: String, found: String },
    #[error("the body: expected {expected}: {reason}")]
    Body { expected: &'static str, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Evaluation(#[from] evaluation::Error),
}

impl Error {
    pub(super) fn body(expected: &'static str, reason: &impl ToString) -> Self {
        Self::Body { expected, reason: reason.to_string() }
    }

    pub(super) const fn is_missing_baseline(&self) -> bool {
        matches!(self, Self::Store(StoreError::NoBaseline { .. }))
    }

    const fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Route { .. } => (StatusCode::NOT_FOUND, "unknown_route"),
            Self::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "wrong_method"),
            Self::Parameter { .. } => (StatusCode::BAD_REQUEST, "wrong_parameter"),
            Self::Body { .. } => (StatusCode::BAD_REQUEST, "malformed_request"),
            Self::Store(error) => match error {
                StoreError::Row { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "bad_row"),
                StoreError::NoBaseline { .. } => (StatusCode::NOT_FOUND, "no_baseline"),
                StoreError::NoPolicy { .. } => (StatusCode::NOT_FOUND, "no_policy"),
                StoreError::Policy(_) => (StatusCode::UNPROCESSABLE_ENTITY, "cannot_be_watched"),
                StoreError::Database { .. } => (StatusCode::SERVICE_UNAVAILABLE, "database_failed"),
                StoreError::Stored { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "stored_by_another_version"),
                StoreError::Evaluation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "cannot_be_evaluated"),
            },
            Self::Evaluation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "cannot_be_evaluated"),
        }
    }

    pub(super) fn response(&self) -> Response<Vec<u8>> {
        let (status, code) = self.status();
        let body = match self {
            Self::Store(StoreError::Row { row, .. }) => {
                json!({"error": self.to_string(), "code": code, "row": row})
            }
            _ => json!({"error": self.to_string(), "code": code}),
        };
        let mut response = reply::success(body.to_string().into_bytes());
        *response.status_mut() = status;
        if let Self::Method { expected, .. } = self
            && let Ok(allow) = HeaderValue::from_str(expected.as_str())
        {
            response.headers_mut().insert(ALLOW, allow);
        }
        if status.is_server_error() {
            response.extensions_mut().insert(Failure(self.to_string()));
        }
        response
    }
}
