//! What can be wrong with a tensor, as values; the message names the tensor, what was expected and what was found.

use std::fmt;

use crate::{CLIENT, Client, Datatype, KEY, Key};

/// The result of checking a tensor or keys.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A tensor whose parts disagree or that does not fit its [`TensorSpec`](crate::TensorSpec), or keys that do not name the
/// rows. Rows are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum Error {
    /// The shape has more elements than the 32-bit memory of a function can hold.
    ShapeOverflow { tensor: String, shape: Vec<u64> },
    /// The data's length is not that of the shape and datatype.
    DataLength { tensor: String, datatype: Datatype, shape: Vec<u64>, expected_bytes: u64, found_bytes: u64 },
    /// The length-prefixed elements of a `BYTES` tensor are cut off or too many.
    BytesElements { tensor: String, expected: u64, found: u64 },
    /// The datatype is not the one of the model's signature.
    WrongDatatype { tensor: String, expected: Datatype, found: Datatype },
    /// The shape does not fit the one of the model's signature.
    WrongShape { tensor: String, expected: Vec<i64>, found: Vec<u64> },
    /// Inputs whose first dimensions should count the same rows differ.
    RowCounts { tensor: String, expected: u64, found: u64 },
    /// Other rows have a key, this one has none.
    MissingKey { row: usize },
    /// Other rows have a client, this one has none.
    MissingClient { row: usize },
    /// A client of whose keys there is none.
    ClientWithoutKey { row: usize },
    /// Two rows have the same key, of the same client if they have one.
    DuplicateKey { client: Option<Client<'static>>, key: Key<'static>, first_row: usize, row: usize },
    /// The keys are neither `BYTES` nor of an integer type.
    KeyDatatype { found: Datatype },
    /// The keys' shape is neither `[n]` nor `[n, 1]`.
    KeyShape { found: Vec<u64> },
    /// The number of keys is not the number of rows.
    KeyCount { expected: u64, found: u64 },
    /// The key is not valid UTF-8.
    KeyNotUtf8 { row: usize },
    /// The clients are not `BYTES`.
    ClientDatatype { found: Datatype },
    /// The clients' shape is neither `[n]` nor `[n, 1]`.
    ClientShape { found: Vec<u64> },
    /// The number of clients is not the number of rows.
    ClientCount { expected: u64, found: u64 },
    /// The client is not valid UTF-8, or it is empty.
    ClientNotText { row: usize },
}

impl Error {
    /// The tensor that the error is about.
    #[must_use]
    pub fn tensor(&self) -> &str {
        match self {
            Self::ShapeOverflow { tensor, .. }
            | Self::DataLength { tensor, .. }
            | Self::BytesElements { tensor, .. }
            | Self::WrongDatatype { tensor, .. }
            | Self::WrongShape { tensor, .. }
            | Self::RowCounts { tensor, .. } => tensor,
            Self::MissingKey { .. }
            | Self::DuplicateKey { .. }
            | Self::KeyDatatype { .. }
            | Self::KeyShape { .. }
            | Self::KeyCount { .. }
            | Self::ClientWithoutKey { .. }
            | Self::KeyNotUtf8 { .. } => KEY,
            Self::MissingClient { .. }
            | Self::ClientDatatype { .. }
            | Self::ClientShape { .. }
            | Self::ClientCount { .. }
            | Self::ClientNotText { .. } => CLIENT,
        }
    }
}

impl fmt::Display for Error {
    #[expect(clippy::too_many_lines, reason = "a message for each error")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShapeOverflow { tensor, shape } => {
                write!(f, "tensor `{tensor}`: shape `{shape:?}` has more elements than can be addressed")
            }
            Self::DataLength { tensor, datatype, shape, expected_bytes, found_bytes } => write!(
                f,
                "tensor `{tensor}`: expected `{expected_bytes}` bytes for `{datatype}` of shape `{shape:?}`, found `{found_bytes}`"
            ),
            Self::BytesElements { tensor, expected, found } => {
                write!(
                    f,
                    "tensor `{tensor}`: expected `{expected}` length-prefixed elements, found `{found}`"
                )
            }
            Self::WrongDatatype { tensor, expected, found } => {
                write!(f, "tensor `{tensor}`: expected datatype `{expected}`, found `{found}`")
            }
            Self::WrongShape { tensor, expected, found } => {
                write!(f, "tensor `{tensor}`: expected shape `{expected:?}`, found `{found:?}`")
            }
            Self::RowCounts { tensor, expected, found } => {
                write!(
                    f,
                    "tensor `{tensor}`: expected `{expected}` rows as in the first input, found `{found}`"
                )
            }
            Self::MissingKey { row } => {
                write!(f, "expected a key on every row or on none, found none on row `{row}`")
            }
            Self::MissingClient { row } => {
                write!(f, "expected a client on every row or on none, found none on row `{row}`")
            }
            Self::ClientWithoutKey { row } => {
                write!(f, "expected a key beside the client, found none on row `{row}`")
            }
            Self::DuplicateKey { client: None, key, first_row, row } => {
                write!(f, "expected different keys, found `{key}` on rows `{first_row}` and `{row}`")
            }
            Self::DuplicateKey { client: Some(client), key, first_row, row } => write!(
                f,
                "expected different keys of client `{client}`, found `{key}` on rows `{first_row}` and `{row}`"
            ),
            Self::KeyDatatype { found } => {
                write!(f, "tensor `{KEY}`: expected datatype `BYTES` or an integer type, found `{found}`")
            }
            Self::KeyShape { found } => {
                write!(f, "tensor `{KEY}`: expected one key per row, found shape `{found:?}`")
            }
            Self::KeyCount { expected, found } => {
                write!(f, "expected `{expected}` keys, one per row, found `{found}`")
            }
            Self::KeyNotUtf8 { row } => {
                write!(f, "expected a key in UTF-8 on row `{row}`, found other bytes")
            }
            Self::ClientDatatype { found } => {
                write!(f, "tensor `{CLIENT}`: expected datatype `BYTES`, found `{found}`")
            }
            Self::ClientShape { found } => {
                write!(f, "tensor `{CLIENT}`: expected one client per row, found shape `{found:?}`")
            }
            Self::ClientCount { expected, found } => {
                write!(f, "expected `{expected}` clients, one per row, found `{found}`")
            }
            Self::ClientNotText { row } => {
                write!(
                    f,
                    "expected the client of row `{row}` to be UTF-8 and not empty, found other bytes or none"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
