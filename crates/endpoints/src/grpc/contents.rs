//! Typed contents, one list of numbers for several datatypes, as the bytes of a tensor.

use tensor::{Datatype, encode_bytes_element};

use super::error::{Error, Result};
use super::messages::InferTensorContents;

/// The elements, row-major and little-endian, as the datatype has them.
///
/// # Errors
/// [`Error::Input`] if an element is out of range, if they stand in the list of another datatype, or if the datatype has no list.
pub(crate) fn to_bytes(input: &str, datatype: Datatype, contents: &InferTensorContents) -> Result<Vec<u8>> {
    check_list(input, datatype, contents)?;
    match datatype {
        Datatype::Bool => Ok(contents.bool_contents.iter().map(|&element| element.into()).collect()),
        Datatype::Int8 => narrowed(input, datatype, &contents.int_contents, i8::to_le_bytes),
        Datatype::Int16 => narrowed(input, datatype, &contents.int_contents, i16::to_le_bytes),
        Datatype::Int32 => Ok(flat(&contents.int_contents, i32::to_le_bytes)),
        Datatype::Int64 => Ok(flat(&contents.int64_contents, i64::to_le_bytes)),
        Datatype::Uint8 => narrowed(input, datatype, &contents.uint_contents, u8::to_le_bytes),
        Datatype::Uint16 => narrowed(input, datatype, &contents.uint_contents, u16::to_le_bytes),
        Datatype::Uint32 => Ok(flat(&contents.uint_contents, u32::to_le_bytes)),
        Datatype::Uint64 => Ok(flat(&contents.uint64_contents, u64::to_le_bytes)),
        Datatype::Fp32 => Ok(flat(&contents.fp32_contents, f32::to_le_bytes)),
        Datatype::Fp64 => Ok(flat(&contents.fp64_contents, f64::to_le_bytes)),
        Datatype::Bytes => {
            let mut data = Vec::new();
            contents.bytes_contents.iter().for_each(|element| encode_bytes_element(&mut data, element));
            Ok(data)
        }
        Datatype::Fp16 | Datatype::Bf16 => Err(Error::Input {
            input: input.to_owned(),
            expected: format!("{} in `raw_input_contents`", datatype.name()),
            found: "`contents`, which has no list for it".to_owned(),
        }),
    }
}

/// Checks that no list but the datatype's own has elements.
fn check_list(input: &str, datatype: Datatype, contents: &InferTensorContents) -> Result<()> {
    let expected = list_of(datatype);
    let filled = [
        ("bool_contents", contents.bool_contents.is_empty()),
        ("int_contents", contents.int_contents.is_empty()),
        ("int64_contents", contents.int64_contents.is_empty()),
        ("uint_contents", contents.uint_contents.is_empty()),
        ("uint64_contents", contents.uint64_contents.is_empty()),
        ("fp32_contents", contents.fp32_contents.is_empty()),
        ("fp64_contents", contents.fp64_contents.is_empty()),
        ("bytes_contents", contents.bytes_contents.is_empty()),
    ];
    match filled.iter().find(|(list, is_empty)| !is_empty && Some(*list) != expected) {
        Some((list, _)) if expected.is_some() => Err(Error::Input {
            input: input.to_owned(),
            expected: format!("{} in `{}`", datatype.name(), expected.unwrap_or_default()),
            found: format!("`{list}`"),
        }),
        _ => Ok(()),
    }
}

/// Source: Open Inference Protocol V2, `InferTensorContents`.
const fn list_of(datatype: Datatype) -> Option<&'static str> {
    match datatype {
        Datatype::Bool => Some("bool_contents"),
        Datatype::Int8 | Datatype::Int16 | Datatype::Int32 => Some("int_contents"),
        Datatype::Int64 => Some("int64_contents"),
        Datatype::Uint8 | Datatype::Uint16 | Datatype::Uint32 => Some("uint_contents"),
        Datatype::Uint64 => Some("uint64_contents"),
        Datatype::Fp32 => Some("fp32_contents"),
        Datatype::Fp64 => Some("fp64_contents"),
        Datatype::Bytes => Some("bytes_contents"),
        Datatype::Fp16 | Datatype::Bf16 => None,
    }
}

fn flat<T: Copy, const SIZE: usize>(elements: &[T], bytes: fn(T) -> [u8; SIZE]) -> Vec<u8> {
    elements.iter().flat_map(|&element| bytes(element)).collect()
}

/// Elements of a datatype that has no list of its own.
fn narrowed<Wide, Narrow, const SIZE: usize>(
    input: &str,
    datatype: Datatype,
    elements: &[Wide],
    bytes: fn(Narrow) -> [u8; SIZE],
) -> Result<Vec<u8>>
where
    Wide: Copy + ToString,
    Narrow: TryFrom<Wide>,
{
    let mut data = Vec::with_capacity(elements.len() * SIZE);
    for (idx, &element) in elements.iter().enumerate() {
        let narrow = Narrow::try_from(element).map_err(|_| Error::Input {
            input: input.to_owned(),
            expected: format!("{} as element {idx}", datatype.name()),
            found: element.to_string(),
        })?;
        data.extend_from_slice(&bytes(narrow));
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(datatype: Datatype, contents: InferTensorContents, expect: &[u8]) {
        assert_eq!(to_bytes("x", datatype, &contents).as_deref(), Ok(expect));
    }

    #[track_caller]
    fn check_error(datatype: Datatype, contents: InferTensorContents, expect: &str) {
        assert_eq!(to_bytes("x", datatype, &contents).unwrap_err().to_string(), expect);
    }

    fn ints(elements: &[i32]) -> InferTensorContents {
        InferTensorContents { int_contents: elements.to_vec(), ..Default::default() }
    }

    #[test]
    fn elements_are_little_endian_and_as_wide_as_their_datatype() {
        check(Datatype::Int8, ints(&[1, -1]), &[1, 255]);
        check(Datatype::Int16, ints(&[258]), &[2, 1]);
        check(Datatype::Int32, ints(&[258]), &[2, 1, 0, 0]);
        check(
            Datatype::Fp32,
            InferTensorContents { fp32_contents: vec![1.0], ..Default::default() },
            &[0, 0, 0x80, 0x3f],
        );
        check(
            Datatype::Bytes,
            InferTensorContents { bytes_contents: vec![b"ab".as_slice().into()], ..Default::default() },
            &[2, 0, 0, 0, b'a', b'b'],
        );
        check(
            Datatype::Bool,
            InferTensorContents { bool_contents: vec![true, false], ..Default::default() },
            &[1, 0],
        );
    }

    #[test]
    fn elements_that_do_not_fit_are_errors() {
        check_error(Datatype::Int8, ints(&[1, 300]), "input `x`: expected INT8 as element 1, found 300");
        check_error(
            Datatype::Fp32,
            ints(&[1]),
            "input `x`: expected FP32 in `fp32_contents`, found `int_contents`",
        );
        check_error(
            Datatype::Fp16,
            InferTensorContents::default(),
            "input `x`: expected FP16 in `raw_input_contents`, found `contents`, which has no list for it",
        );
    }
}
