//! From the elements of an array to places in the bytes of a tensor.

use std::fmt::Display;
use std::ops::Range;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::elements::Element;
use crate::scalars::Scalar;
use crate::text::Text;

/// Is told of an element that the input cannot take: its number in the range, and what it is.
pub(crate) type OnBad<'a> = dyn FnMut(usize, &dyn Display) + 'a;

/// Writes the elements of `range` to the places of `data`, `step` elements apart, beginning with the first. `None` if the array has no
/// numbers or is too short.
pub(crate) fn fill<E: Element>(
    array: &dyn Array,
    range: Range<usize>,
    data: &mut [u8],
    step: usize,
    on_bad: &mut OnBad<'_>,
) -> Option<()> {
    let places = E::places(data).iter_mut().step_by(step);
    match array.data_type() {
        DataType::UInt8 => primitives::<UInt8Type, E>(array, range, places, on_bad),
        DataType::UInt16 => primitives::<UInt16Type, E>(array, range, places, on_bad),
        DataType::UInt32 => primitives::<UInt32Type, E>(array, range, places, on_bad),
        DataType::UInt64 => primitives::<UInt64Type, E>(array, range, places, on_bad),
        DataType::Int8 => primitives::<Int8Type, E>(array, range, places, on_bad),
        DataType::Int16 => primitives::<Int16Type, E>(array, range, places, on_bad),
        DataType::Int32 => primitives::<Int32Type, E>(array, range, places, on_bad),
        DataType::Int64 => primitives::<Int64Type, E>(array, range, places, on_bad),
        DataType::Float16 => primitives::<Float16Type, E>(array, range, places, on_bad),
        DataType::Float32 => primitives::<Float32Type, E>(array, range, places, on_bad),
        DataType::Float64 => primitives::<Float64Type, E>(array, range, places, on_bad),
        _ => others::<E>(array, range, places, on_bad),
    }
}

fn primitives<'a, P: ArrowPrimitiveType<Native: Scalar>, E: Element<Bytes: 'a>>(
    array: &dyn Array,
    range: Range<usize>,
    places: impl Iterator<Item = &'a mut E::Bytes>,
    on_bad: &mut OnBad<'_>,
) -> Option<()> {
    let values = array.as_primitive_opt::<P>()?.values().get(range.clone())?.iter().copied();
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => write::<_, E>(values, places, on_bad),
        Some(nulls) => {
            let values = values.zip(range).map(|(value, idx)| valid(nulls, idx).then_some(value));
            write_or_null::<_, E>(values, places, on_bad);
        }
    }
    Some(())
}

fn others<'a, E: Element<Bytes: 'a>>(
    array: &dyn Array,
    range: Range<usize>,
    places: impl Iterator<Item = &'a mut E::Bytes>,
    on_bad: &mut OnBad<'_>,
) -> Option<()> {
    if range.end > array.len() {
        return None;
    }
    let array = array.slice(range.start, range.len());
    match array.data_type() {
        DataType::Boolean => write_or_null::<_, E>(array.as_boolean_opt()?.iter(), places, on_bad),
        DataType::Null => write_or_null::<bool, E>(range.map(|_| None), places, on_bad),
        _ => write_or_null::<_, E>(texts(&array)?.map(|text| text.and_then(Text::new)), places, on_bad),
    }
    Some(())
}

/// The texts of an array, if it is of texts.
pub(crate) fn texts(array: &dyn Array) -> Option<Box<dyn Iterator<Item = Option<&str>> + '_>> {
    Some(match array.data_type() {
        DataType::Utf8 => Box::new(array.as_string_opt::<i32>()?.iter()),
        DataType::LargeUtf8 => Box::new(array.as_string_opt::<i64>()?.iter()),
        DataType::Utf8View => Box::new(array.as_string_view_opt()?.iter()),
        _ => return None,
    })
}

/// The byte strings of an array, if it is of texts or binaries.
pub(crate) fn binaries(array: &dyn Array) -> Option<Box<dyn Iterator<Item = Option<&[u8]>> + '_>> {
    Some(match array.data_type() {
        DataType::Binary => Box::new(array.as_binary_opt::<i32>()?.iter()),
        DataType::LargeBinary => Box::new(array.as_binary_opt::<i64>()?.iter()),
        DataType::BinaryView => Box::new(array.as_binary_view_opt()?.iter()),
        DataType::Null => Box::new((0..array.len()).map(|_| None)),
        _ => Box::new(texts(array)?.map(|text| text.map(str::as_bytes))),
    })
}

fn valid(nulls: &NullBuffer, idx: usize) -> bool {
    idx < nulls.len() && nulls.is_valid(idx)
}

fn write<'a, N: Scalar, E: Element<Bytes: 'a>>(
    numbers: impl Iterator<Item = N>,
    places: impl Iterator<Item = &'a mut E::Bytes>,
    on_bad: &mut OnBad<'_>,
) {
    for (idx, (number, place)) in numbers.zip(places).enumerate() {
        match E::of(number) {
            Some(element) => *place = element.bytes(),
            None => on_bad(idx, &number),
        }
    }
}

fn write_or_null<'a, N: Scalar, E: Element<Bytes: 'a>>(
    numbers: impl Iterator<Item = Option<N>>,
    places: impl Iterator<Item = &'a mut E::Bytes>,
    on_bad: &mut OnBad<'_>,
) {
    for (idx, (number, place)) in numbers.zip(places).enumerate() {
        match number.map_or(E::NULL, E::of) {
            Some(element) => *place = element.bytes(),
            None => match number {
                Some(number) => on_bad(idx, &number),
                None => on_bad(idx, &"null"),
            },
        }
    }
}
