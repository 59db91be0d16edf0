//! Keys and clients in tensors. A row whose element is no name has none, and an error.

use std::borrow::Cow;

use super::{Client, Key};
use crate::{Datatype, Error, PerRow, Result, Tensor};

/// The names that were read, and the rows where something else stands.
pub type NamesRead<T> = (PerRow<T>, Vec<(usize, Error)>);

/// The keys in a tensor of shape `[n]` or `[n, 1]`, `BYTES` or of an integer type, and the rows where something else stands. Rows
/// in `absent`, which ascend, count, but are not in the tensor.
///
/// # Errors
/// [`Error::KeyDatatype`] or [`Error::KeyShape`].
pub fn read_keys<'a>(tensor: &'a Tensor, absent: &[usize]) -> Result<NamesRead<Key<'a>>> {
    if !is_one_per_row(tensor) {
        return Err(Error::KeyShape { found: tensor.shape().to_vec() });
    }
    match tensor.datatype() {
        Datatype::Bytes => Ok(collect(texts(tensor).map(|text| text.map(Key::Text)), absent, |row| {
            Error::KeyNotUtf8 { row }
        })),
        datatype if datatype.is_integer() => {
            let keys = integers(tensor).into_iter().map(|number| Some(Key::Integer(number)));
            Ok(collect(keys, absent, |row| Error::KeyNotUtf8 { row }))
        }
        found => Err(Error::KeyDatatype { found }),
    }
}

/// The clients in a tensor of shape `[n]` or `[n, 1]`, `BYTES`, and the rows where something else stands. Rows in `absent`, which
/// ascend, count, but are not in the tensor.
///
/// # Errors
/// [`Error::ClientDatatype`] or [`Error::ClientShape`].
pub fn read_clients<'a>(tensor: &'a Tensor, absent: &[usize]) -> Result<NamesRead<Client<'a>>> {
    if !is_one_per_row(tensor) {
        return Err(Error::ClientShape { found: tensor.shape().to_vec() });
    }
    if tensor.datatype() != Datatype::Bytes {
        return Err(Error::ClientDatatype { found: tensor.datatype() });
    }
    let clients = texts(tensor).map(|text| text.and_then(Client::new));
    Ok(collect(clients, absent, |row| Error::ClientNotText { row }))
}

fn is_one_per_row(tensor: &Tensor) -> bool {
    matches!(tensor.shape(), [_] | [_, 1])
}

fn collect<T>(
    mut names: impl Iterator<Item = Option<T>>,
    absent: &[usize],
    error: impl Fn(usize) -> Error,
) -> NamesRead<T> {
    let mut per_row = PerRow::default();
    let mut errors = Vec::new();
    let mut absent = absent.iter().copied().peekable();
    loop {
        let row = per_row.n_rows();
        if absent.next_if_eq(&row).is_some() {
            per_row.push(None);
            continue;
        }
        let Some(name) = names.next() else { return (per_row, errors) };
        if name.is_none() {
            errors.push((row, error(row)));
        }
        per_row.push(name);
    }
}

fn texts(tensor: &Tensor) -> impl Iterator<Item = Option<Cow<'_, str>>> {
    tensor.bytes_elements().map(|element| std::str::from_utf8(element).ok().map(Cow::Borrowed))
}

fn integers(tensor: &Tensor) -> Vec<i128> {
    match tensor.datatype() {
        Datatype::Uint8 => tensor.map_elements(|bytes| u8::from_le_bytes(bytes).into()),
        Datatype::Uint16 => tensor.map_elements(|bytes| u16::from_le_bytes(bytes).into()),
        Datatype::Uint32 => tensor.map_elements(|bytes| u32::from_le_bytes(bytes).into()),
        Datatype::Uint64 => tensor.map_elements(|bytes| u64::from_le_bytes(bytes).into()),
        Datatype::Int8 => tensor.map_elements(|bytes| i8::from_le_bytes(bytes).into()),
        Datatype::Int16 => tensor.map_elements(|bytes| i16::from_le_bytes(bytes).into()),
        Datatype::Int32 => tensor.map_elements(|bytes| i32::from_le_bytes(bytes).into()),
        Datatype::Int64 => tensor.map_elements(|bytes| i64::from_le_bytes(bytes).into()),
        Datatype::Bool
        | Datatype::Fp16
        | Datatype::Bf16
        | Datatype::Fp32
        | Datatype::Fp64
        | Datatype::Bytes => Vec::new(),
    }
}
