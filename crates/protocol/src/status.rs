//! The one map from error to status and code, and where in the request an error is.
//!
//! | status | code |
//! |---|---|
//! | 400 | `malformed_json`, `malformed_request`, `malformed_content_encoding`, `header_length` |
//! | 404 | `unknown_route`, `unknown_model`, `unknown_version` |
//! | 405 | `method_not_allowed` |
//! | 413 | `body_too_large` |
//! | 415 | `unsupported_content_encoding` |
//! | 422, inputs | `missing_input`, `unknown_input`, `duplicate_input`, `missing_data`, `wrong_datatype`, `unknown_datatype`, `wrong_shape`, `shape_overflow`, `wrong_data`, `wrong_element`, `row_counts`, `empty_batch`, `binary_only`, `binary_tensor_data`, `raw_request`, `invalid_input` |
//! | 422, rows | `bare_row`, `unknown_field` |
//! | 422, keys | `missing_key`, `duplicate_key`, `key_count`, `invalid_key`, `missing_client`, `client_count`, `invalid_client` |
//! | 422, outputs | `unknown_output`, `duplicate_output`, `classification` |
//! | 500 | `model_failed`, `rows_changed` |

use http::StatusCode;
use tensor::{CLIENT, Client, KEY, Key};

use crate::Error;

/// Where in the request an error is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Location<'a> {
    pub(crate) input: Option<&'a str>,
    pub(crate) row: Option<usize>,
    pub(crate) client: Option<&'a Client<'static>>,
    pub(crate) key: Option<&'a Key<'static>>,
}

impl<'a> Location<'a> {
    fn input(input: &'a str) -> Self {
        Self { input: Some(input), ..Self::default() }
    }
}

impl Error {
    /// The HTTP status: 4xx for the caller's fault, 5xx for ours.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// The stable name of the error, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// What the log should say and the caller should not read.
    #[must_use]
    pub fn internal_reason(&self) -> Option<&str> {
        match self {
            Self::ModelFailed { reason } => Some(reason),
            _ => None,
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::MalformedJson { .. } => (StatusCode::BAD_REQUEST, "malformed_json"),
            Self::WrongForm { .. } | Self::MissingField { .. } | Self::DuplicateField { .. } => {
                (StatusCode::BAD_REQUEST, "malformed_request")
            }
            Self::UnknownRoute { .. } => (StatusCode::NOT_FOUND, "unknown_route"),
            Self::WrongMethod { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::UnknownModel { .. } => (StatusCode::NOT_FOUND, "unknown_model"),
            Self::UnknownVersion { .. } => (StatusCode::NOT_FOUND, "unknown_version"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::ContentEncoding { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding")
            }
            Self::MalformedEncoding { .. } => (StatusCode::BAD_REQUEST, "malformed_content_encoding"),
            Self::HeaderLength { .. } => (StatusCode::BAD_REQUEST, "header_length"),
            Self::RawRequest { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "raw_request"),
            Self::BinarySize { .. } | Self::SurplusBytes { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "binary_tensor_data")
            }
            Self::DataTwice { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_data"),
            Self::Classification { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "classification"),
            Self::MissingInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "missing_input"),
            Self::UnknownInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_input"),
            Self::DuplicateInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "duplicate_input"),
            Self::MissingData { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "missing_data"),
            Self::UnknownDatatype { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_datatype"),
            Self::BinaryOnlyInput { .. } | Self::BinaryOnlyOutput { .. } | Self::OutputNotUtf8 { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "binary_only")
            }
            Self::WrongElement { input, .. } => (StatusCode::UNPROCESSABLE_ENTITY, wrong_element_code(input)),
            Self::Ragged { .. } | Self::TooDeep { .. } | Self::WrongData { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "wrong_data")
            }
            Self::Tensor(error) => (StatusCode::UNPROCESSABLE_ENTITY, tensor_code(error)),
            Self::Row { error, .. } => error.status_and_code(),
            Self::BareRow { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "bare_row"),
            Self::UnknownField { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_field"),
            Self::WrongRowShape { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_shape"),
            Self::InvalidKey { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_key"),
            Self::InvalidClient { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_client"),
            Self::UnknownOutput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_output"),
            Self::DuplicateOutput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "duplicate_output"),
            Self::EmptyBatch { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "empty_batch"),
            Self::InvalidInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_input"),
            Self::ModelFailed { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "model_failed"),
            Self::RowsChanged { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "rows_changed"),
            Self::KeyNeeded { .. } => (StatusCode::BAD_REQUEST, "missing_key"),
            Self::NoPolicy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_policy"),
            Self::PolicyMismatch { .. } => (StatusCode::SERVICE_UNAVAILABLE, "policy_mismatch"),
            Self::CloudUnreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "cloud_unreachable"),
            Self::BothFields { .. } => (StatusCode::BAD_REQUEST, "malformed_request"),
            Self::InvalidBase64 { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_element"),
        }
    }

    pub(crate) fn location(&self) -> Location<'_> {
        match self {
            Self::MissingInput { input }
            | Self::UnknownInput { input }
            | Self::DuplicateInput { input }
            | Self::MissingData { input }
            | Self::DataTwice { input }
            | Self::BinarySize { input, .. }
            | Self::UnknownDatatype { input, .. }
            | Self::BinaryOnlyInput { input, .. }
            | Self::WrongElement { input, .. }
            | Self::Ragged { input, .. }
            | Self::TooDeep { input, .. }
            | Self::WrongData { input, .. }
            | Self::WrongRowShape { input, .. }
            | Self::InvalidBase64 { input, .. }
            | Self::UnknownField { field: input } => Location::input(input),
            Self::InvalidKey { .. } => Location::input(KEY),
            Self::InvalidClient { .. } => Location::input(CLIENT),
            Self::Tensor(error) => tensor_location(error),
            Self::KeyNeeded { row } => Location { row: Some(*row), ..Location::input(KEY) },
            Self::Row { row, client, key, error } => Location {
                input: error.location().input,
                row: Some(*row),
                client: client.as_ref(),
                key: key.as_ref(),
            },
            _ => Location::default(),
        }
    }
}

/// No input of a model has the name of the keys or of the clients.
fn wrong_element_code(input: &str) -> &'static str {
    match input {
        KEY => "invalid_key",
        CLIENT => "invalid_client",
        _ => "wrong_element",
    }
}

fn tensor_code(error: &tensor::Error) -> &'static str {
    match error {
        tensor::Error::ShapeOverflow { .. } => "shape_overflow",
        tensor::Error::DataLength { .. } | tensor::Error::BytesElements { .. } => "wrong_data",
        tensor::Error::WrongDatatype { .. } => "wrong_datatype",
        tensor::Error::WrongShape { .. } => "wrong_shape",
        tensor::Error::RowCounts { .. } => "row_counts",
        tensor::Error::MissingKey { .. } | tensor::Error::ClientWithoutKey { .. } => "missing_key",
        tensor::Error::MissingClient { .. } => "missing_client",
        tensor::Error::DuplicateKey { .. } => "duplicate_key",
        tensor::Error::KeyCount { .. } => "key_count",
        tensor::Error::KeyDatatype { .. }
        | tensor::Error::KeyShape { .. }
        | tensor::Error::KeyNotUtf8 { .. } => "invalid_key",
        tensor::Error::ClientCount { .. } => "client_count",
        tensor::Error::ClientDatatype { .. }
        | tensor::Error::ClientShape { .. }
        | tensor::Error::ClientNotText { .. } => "invalid_client",
    }
}

fn tensor_location(error: &tensor::Error) -> Location<'_> {
    let location = Location::input(error.tensor());
    match error {
        tensor::Error::DuplicateKey { client, key, row, .. } => {
            Location { row: Some(*row), client: client.as_ref(), key: Some(key), ..location }
        }
        tensor::Error::MissingKey { row }
        | tensor::Error::MissingClient { row }
        | tensor::Error::ClientWithoutKey { row }
        | tensor::Error::KeyNotUtf8 { row }
        | tensor::Error::ClientNotText { row } => Location { row: Some(*row), ..location },
        tensor::Error::ShapeOverflow { .. }
        | tensor::Error::DataLength { .. }
        | tensor::Error::BytesElements { .. }
        | tensor::Error::WrongDatatype { .. }
        | tensor::Error::WrongShape { .. }
        | tensor::Error::KeyDatatype { .. }
        | tensor::Error::KeyShape { .. }
        | tensor::Error::KeyCount { .. }
        | tensor::Error::ClientDatatype { .. }
        | tensor::Error::ClientShape { .. }
        | tensor::Error::ClientCount { .. }
        | tensor::Error::RowCounts { .. } => location,
    }
}
