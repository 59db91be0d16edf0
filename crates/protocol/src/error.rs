//! What can be wrong with a request or its answer, as values; rows and elements are counted from 0.

use std::fmt;

use http::Method;
use tensor::{Client, Datatype, Key};

/// The result of reading a request or writing an answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request is not answered. [`Error::status`] says whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum Error {
    /// The body is not JSON.
    #[error("malformed JSON: {reason}")]
    MalformedJson { reason: String },
    /// A value of the body has another form than the protocol gives it.
    #[error("`{path}`: expected {expected}, found `{found}`")]
    WrongForm { path: String, expected: &'static str, found: String },
    /// A field that the protocol requires is not there.
    #[error("expected a field `{path}`, found none")]
    MissingField { path: String },
    /// An object has two fields of one name.
    #[error("expected one field `{path}`, found two")]
    DuplicateField { path: String },

    /// No such route.
    #[error("unknown route `{path}`")]
    UnknownRoute { path: String },
    /// The route exists, for another method.
    #[error("expected method `{expected}`, found `{found}`")]
    WrongMethod { expected: Method, found: Method },
    /// No such model.
    #[error("unknown model `{model}`")]
    UnknownModel { model: String },
    /// The model has another version.
    #[error("unknown version `{version}` of model `{model}`")]
    UnknownVersion { model: String, version: String },
    /// The body is longer than allowed.
    #[error("expected a body of at most `{limit}` bytes, found `{found}`")]
    BodyTooLarge { limit: usize, found: usize },
    /// A content encoding that is not undone here.
    #[error("expected content encoding `gzip`, `deflate` or `identity`, found `{found}`")]
    ContentEncoding { found: String },
    /// The body is not what its content encoding says.
    #[error("expected a body in content encoding `{encoding}`: {reason}")]
    MalformedEncoding { encoding: &'static str, reason: String },
    /// The length of the JSON is no number, or longer than the body.
    #[error(
        "header `Inference-Header-Content-Length`: expected a number from 0 to `{body_bytes}`, found `{found}`"
    )]
    HeaderLength { found: String, body_bytes: usize },
    /// A request that is nothing but the bytes of a tensor, for a model whose signature does not tell their shape.
    #[error("expected {expected} for a request without JSON")]
    RawRequest { expected: &'static str },
    /// Fewer bytes after the JSON than an input announced.
    #[error("tensor `{input}`: expected `{expected}` bytes of binary tensor data, found `{found}`")]
    BinarySize { input: String, expected: u64, found: usize },
    /// Bytes after the JSON that no input announced.
    #[error("expected no bytes after the last tensor, found `{found}`")]
    SurplusBytes { found: usize },
    /// An input that is both in the JSON and after it.
    #[error("tensor `{input}`: expected `data` or `binary_data_size`, found both")]
    DataTwice { input: String },

    /// The model needs an input that the request lacks.
    #[error("missing input `{input}`")]
    MissingInput { input: String },
    /// The model has no such input.
    #[error("unknown input `{input}`")]
    UnknownInput { input: String },
    /// Two inputs of one name.
    #[error("expected one input `{input}`, found two")]
    DuplicateInput { input: String },
    /// An input tensor without `data`.
    #[error("tensor `{input}`: expected a field `data`, found none")]
    MissingData { input: String },
    /// No datatype of that name.
    #[error("tensor `{input}`: unknown datatype `{datatype}`")]
    UnknownDatatype { input: String, datatype: String },
    /// An input of a datatype that JSON cannot carry.
    #[error("tensor `{input}`: datatype `{datatype}` has no JSON form, use binary tensor data")]
    BinaryOnlyInput { input: String, datatype: Datatype },
    /// An element that the datatype does not have.
    #[error("tensor `{input}`: expected `{datatype}` at element `{element}`, found `{found}`")]
    WrongElement { input: String, datatype: Datatype, element: usize, found: String },
    /// Nested lists of different lengths or depths.
    #[error(
        "tensor `{input}`: expected nested lists of equal lengths, found a difference at element `{element}`"
    )]
    Ragged { input: String, element: usize },
    /// More nested lists than any tensor has dimensions.
    #[error("tensor `{input}`: expected at most `{limit}` nested lists, found more")]
    TooDeep { input: String, limit: usize },
    /// The data has other sizes than the shape says.
    #[error(
        "tensor `{input}`: expected data for shape `{expected:?}`, flat or nested, found sizes `{found:?}`"
    )]
    WrongData { input: String, expected: Vec<u64>, found: Vec<u64> },
    /// A tensor that disagrees with itself or the model, or keys that do not name the rows.
    #[error(transparent)]
    Tensor(#[from] tensor::Error),

    /// Something wrong with one row.
    #[error("{}: {error}", RowName { row: *row, client: client.as_ref(), key: key.as_ref() })]
    Row { row: usize, client: Option<Client<'static>>, key: Option<Key<'static>>, error: Box<Error> },
    /// A row without names, for a model with several inputs.
    #[error("expected an object that names the inputs, found `{found}`")]
    BareRow { found: String },
    /// A field that is no input of the model.
    #[error("unknown field `{field}`")]
    UnknownField { field: String },
    /// A row's value does not fit the model's input without its first dimension.
    #[error("tensor `{input}`: expected a row of shape `{expected:?}`, found `{found:?}`")]
    WrongRowShape { input: String, expected: Vec<i64>, found: Vec<u64> },
    /// A key that is neither a string nor a whole number.
    #[error("expected a string or a 64-bit integer as key, found `{found}`")]
    InvalidKey { found: String },
    /// A client that is no string, or an empty one.
    #[error("expected a string that is not empty as client, found `{found}`")]
    InvalidClient { found: String },

    /// The model has no such output.
    #[error("unknown output `{output}`")]
    UnknownOutput { output: String },
    /// An output that has no classes.
    #[error("output `{output}`: expected {expected} for a classification, found {found}")]
    Classification { output: String, expected: &'static str, found: String },
    /// An output asked for twice.
    #[error("expected one output `{output}`, found two")]
    DuplicateOutput { output: String },
    /// No rows, and a model whose output shapes without rows are unknown.
    #[error("expected at least one row, found none: output `{output}` has shape `{shape:?}`")]
    EmptyBatch { output: String, shape: Vec<i64> },
    /// An output of a datatype that JSON cannot carry.
    #[error("output `{output}`: datatype `{datatype}` has no JSON form, use binary tensor data")]
    BinaryOnlyOutput { output: String, datatype: Datatype },
    /// An output whose bytes are not a JSON string.
    #[error("output `{output}`: element `{element}` is not UTF-8, use binary tensor data")]
    OutputNotUtf8 { output: String, element: usize },

    /// The model finds the inputs wrong.
    #[error("{reason}")]
    InvalidInput { reason: String },
    /// The model failed. `reason` is for the log, not for the caller.
    #[error("the model failed")]
    ModelFailed { reason: String },
    /// The model's output does not have one row per row of the request.
    #[error("output `{output}`: expected `{expected}` rows, found shape `{found:?}`")]
    RowsChanged { output: String, expected: u64, found: Vec<u64> },

    /// A row without a key, where an answer is asked for again by its key.
    #[error("expected a key, found none on row `{row}`")]
    KeyNeeded { row: usize },
    /// There is no policy to decide by.
    #[error("expected a policy, found none: {reason}")]
    NoPolicy { reason: String },
    /// The policy was made for another model.
    #[error("{reason}")]
    PolicyMismatch { reason: String },
    /// The larger model gave no answer.
    #[error("the cloud cannot be reached: {reason}")]
    CloudUnreachable { reason: String },

    /// Two fields of which a request has one.
    #[error("expected `{first}` or `{second}`, found both")]
    BothFields { first: &'static str, second: &'static str },
    /// A `BYTES` element that is not base64 though it says so.
    #[error("tensor `{input}`: expected padded base64 at element `{element}`, found `{found}`")]
    InvalidBase64 { input: String, element: usize, found: String },
}

struct RowName<'a> {
    row: usize,
    client: Option<&'a Client<'static>>,
    key: Option<&'a Key<'static>>,
}

impl fmt::Display for RowName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row `{}`", self.row)?;
        if let Some(client) = self.client {
            write!(f, ", client `{client}`")?;
        }
        match self.key {
            None => Ok(()),
            Some(key) => write!(f, ", key `{key}`"),
        }
    }
}
