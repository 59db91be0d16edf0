//! The wire: the Open Inference Protocol V2 in JSON, rows (`instances`), and errors with their statuses.
//!
//! Bytes become checked tensors and tensors become bytes; nothing here knows a model or a server. Any bytes give a value
//! or an [`Error`]. The stated policies:
//!
//! - **JSON is strict** (RFC 8259): `NaN` and `Infinity` are not JSON. Members that the protocol does not know are
//!   tolerated around tensors, but not in rows, where they would be inputs that the model ignores.
//! - **`null` in `FP32` and `FP64` data is NaN**, and NaN and the infinities are written as `null`. An infinity cannot be
//!   sent: a number beyond the datatype's range is an error.
//! - **Integers are exact.** `1.0` is not an integer; a value outside the datatype's range is an error. Floats are rounded
//!   once, to the nearest, and written with the fewest digits that read back as the same value.
//! - **`data` is flat or nested**; nested data has exactly the sizes of the shape.
//! - **`FP16` and `BF16` have no JSON form.** They need binary tensor data.
//! - **Keys and clients** follow the rules of [`tensor::Keys`]. In tensors, they are inputs `key` and `client` that come back as the
//!   last outputs unless the request places them. In rows, they are fields `key` and `client` or lists `keys` and `clients`.
//! - **Bad rows** fail the request, or are reported if it asks for that: in rows in their places, in tensors as an output `row_error`.
//!
//! Source: Open Inference Protocol V2, <https://github.com/kserve/open-inference-protocol>; rows after TensorFlow
//! Serving's REST API, <https://www.tensorflow.org/tfx/serving/api_rest>.

mod binary;
mod cursor;
mod describe;
mod elements;
mod error;
mod failure;
mod form;
mod infer;
mod maps;
mod number;
mod openapi;
mod parameters;
mod partition;
mod request_names;
mod response;
mod route;
mod row_errors;
mod rows;
mod status;
mod write;

pub use binary::Body;
pub use describe::{
    health, model_config, model_metadata, model_ready, models, repository_index, rows_metadata, rows_status,
    server_metadata,
};
pub use error::{Error, Result};
pub use failure::failure;
pub use infer::{InferRequest, Input, RequestedOutput};
pub use maps::Maps;
pub use openapi::openapi;
pub use partition::{BadRows, OnRowError, Partition, stacked};
pub use request_names::RequestNames;
pub use response::{Encoded, InferResponse, Output};
pub use route::{ModelPath, Route};
pub use row_errors::row_errors;
pub use rows::{Answer, RowRead, RowReader, RowWriter, Rows, read_key_text, write_key_text, write_row_error};
