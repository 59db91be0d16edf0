//! Tensors as every part of Plinth passes them (a name, a datatype, a shape and row-major little-endian bytes), and the
//! keys of their rows.
//!
//! Construction checks that the three agree, so later code trusts them. This crate does no arithmetic on elements, knows
//! no wire format, and depends on nothing.

mod conversions;
mod datatype;
mod error;
mod keys;
mod metadata;
mod spec;
mod tensor;

pub use datatype::Datatype;
pub use error::{Error, Result};
pub use keys::{DuplicateKeys, KEY, Key, Keys, NewKeys};
pub use metadata::Metadata;
pub use spec::TensorSpec;
pub use tensor::{BytesElements, Tensor, encode_bytes_element};
