//! What can be wrong with a tensor, as values; the message names the tensor, what was expected and what was found.

use std::fmt;

use crate::Datatype;

/// The result of checking a tensor.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A tensor whose parts disagree, or that does not fit its [`TensorSpec`](crate::TensorSpec).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum Error {
    /// The shape's product does not fit the address space.
    ShapeOverflow { tensor: String, shape: Vec<u64> },
    /// The data's length is not that of the shape and datatype.
    DataLength { tensor: String, datatype: Datatype, shape: Vec<u64>, expected_bytes: usize, found_bytes: usize },
    /// The length-prefixed elements of a `BYTES` tensor are cut off or too many.
    BytesElements { tensor: String, expected: usize, found: usize },
    /// The datatype is not the one of the model's signature.
    WrongDatatype { tensor: String, expected: Datatype, found: Datatype },
    /// The shape does not fit the one of the model's signature.
    WrongShape { tensor: String, expected: Vec<i64>, found: Vec<u64> },
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
            | Self::WrongShape { tensor, .. } => tensor,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShapeOverflow { tensor, shape } => {
                write!(f, "tensor `{tensor}`: shape {shape:?} has more elements than can be addressed")
            }
            Self::DataLength { tensor, datatype, shape, expected_bytes, found_bytes } => write!(
                f,
                "tensor `{tensor}`: expected {expected_bytes} bytes for {datatype} of shape {shape:?}, found {found_bytes}"
            ),
            Self::BytesElements { tensor, expected, found } => {
                write!(f, "tensor `{tensor}`: expected {expected} length-prefixed elements, found {found}")
            }
            Self::WrongDatatype { tensor, expected, found } => {
                write!(f, "tensor `{tensor}`: expected datatype {expected}, found {found}")
            }
            Self::WrongShape { tensor, expected, found } => {
                write!(f, "tensor `{tensor}`: expected shape {expected:?}, found {found:?}")
            }
        }
    }
}

impl std::error::Error for Error {}
