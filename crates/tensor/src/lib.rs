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
mod per_row;
mod rows;
mod spec;
mod tensor;

pub use datatype::Datatype;
pub use error::{Error, Result};
pub use keys::{
    CLIENT, Client, DuplicateKeys, KEY, Key, Keys, NamesRead, NewKeys, RESERVED_NAMES, ROW_ERROR,
    read_clients, read_keys, with_new_keys,
};
pub use metadata::Metadata;
pub use per_row::PerRow;
pub use rows::{count_rows, has_rows, is_empty_batch, without_rows};
pub use spec::TensorSpec;
pub use tensor::{BytesElements, Tensor, encode_bytes_element};
