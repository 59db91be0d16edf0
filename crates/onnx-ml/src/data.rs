//! Elements of a tensor in the types that the domain knows, borrowed and owned. No shapes: whoever calls keeps them.

use std::borrow::Cow;

use crate::{Error, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum ElementType {
    F32,
    F64,
    I16,
    I32,
    I64,
    String,
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::F32 => "float",
            Self::F64 => "double",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::String => "string",
        })
    }
}

/// Elements, owned.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    Strings(Vec<String>),
}

/// Elements, borrowed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Slice<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    Strings(&'a [String]),
}

/// Rows of the same number of elements, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// The elements, row by row.
    pub data: Slice<'a>,
    /// How many rows.
    pub n_rows: usize,
    /// How many elements a row has.
    pub n_features: usize,
}

/// Runs the same expression over the elements, whatever their type.
macro_rules! each {
    ($kind:ident, $value:expr, $elements:ident => $then:expr) => {
        match $value {
            $crate::data::$kind::F32($elements) => $then,
            $crate::data::$kind::F64($elements) => $then,
            $crate::data::$kind::I16($elements) => $then,
            $crate::data::$kind::I32($elements) => $then,
            $crate::data::$kind::I64($elements) => $then,
            $crate::data::$kind::Strings($elements) => $then,
        }
    };
}
pub(crate) use each;

/// A type that elements may have.
pub trait Element: Clone + Sized {
    /// The elements with their type.
    fn into_data(elements: Vec<Self>) -> Data;
}

macro_rules! elements {
    ($($element:ty => $variant:ident),*) => {
        $(impl Element for $element {
            fn into_data(elements: Vec<Self>) -> Data {
                Data::$variant(elements)
            }
        })*
    };
}
elements!(f32 => F32, f64 => F64, i16 => I16, i32 => I32, i64 => I64, String => Strings);

impl Data {
    /// The elements, borrowed.
    pub fn as_slice(&self) -> Slice<'_> {
        match self {
            Self::F32(elements) => Slice::F32(elements),
            Self::F64(elements) => Slice::F64(elements),
            Self::I16(elements) => Slice::I16(elements),
            Self::I32(elements) => Slice::I32(elements),
            Self::I64(elements) => Slice::I64(elements),
            Self::Strings(elements) => Slice::Strings(elements),
        }
    }

    /// The elements at `indices`; an index beyond the end takes the last element.
    pub(crate) fn gather(&self, indices: impl Iterator<Item = usize>) -> Self {
        each!(Data, self, elements => {
            let last = elements.len().saturating_sub(1);
            let taken = indices.filter_map(|index| elements.get(index.min(last)).cloned());
            Element::into_data(taken.collect())
        })
    }
}

#[expect(clippy::len_without_is_empty, reason = "nobody asks")]
impl<'a> Slice<'a> {
    /// The type of the elements.
    pub const fn element_type(self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::Strings(_) => ElementType::String,
        }
    }

    /// How many elements.
    pub const fn len(self) -> usize {
        each!(Slice, self, elements => elements.len())
    }

    /// The elements as `f32`, rounded to the nearest.
    ///
    /// # Errors
    /// If they are strings.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is what is asked for")]
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    pub fn to_f32(self, input: &'static str) -> Result<Cow<'a, [f32]>> {
        Ok(match self {
            Self::F32(elements) => Cow::Borrowed(elements),
            Self::F64(elements) => elements.iter().map(|&element| element as f32).collect(),
            Self::I16(elements) => elements.iter().map(|&element| f32::from(element)).collect(),
            Self::I32(elements) => elements.iter().map(|&element| element as f32).collect(),
            Self::I64(elements) => elements.iter().map(|&element| element as f32).collect(),
            Self::Strings(_) => return Err(not_numbers(input)),
        })
    }

    /// The elements as `f64`, rounded to the nearest.
    ///
    /// # Errors
    /// If they are strings.
    #[expect(clippy::cast_precision_loss, reason = "rounding to the nearest is what is asked for")]
    pub fn to_f64(self, input: &'static str) -> Result<Cow<'a, [f64]>> {
        Ok(match self {
            Self::F32(elements) => elements.iter().map(|&element| f64::from(element)).collect(),
            Self::F64(elements) => Cow::Borrowed(elements),
            Self::I16(elements) => elements.iter().map(|&element| f64::from(element)).collect(),
            Self::I32(elements) => elements.iter().map(|&element| f64::from(element)).collect(),
            Self::I64(elements) => elements.iter().map(|&element| element as f64).collect(),
            Self::Strings(_) => return Err(not_numbers(input)),
        })
    }

    /// The elements as `i64`; numbers with a fraction lose it.
    ///
    /// # Errors
    /// If they are strings.
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped on purpose")]
    pub fn to_i64(self, input: &'static str) -> Result<Cow<'a, [i64]>> {
        Ok(match self {
            Self::F32(elements) => elements.iter().map(|&element| element as i64).collect(),
            Self::F64(elements) => elements.iter().map(|&element| element as i64).collect(),
            Self::I16(elements) => elements.iter().map(|&element| i64::from(element)).collect(),
            Self::I32(elements) => elements.iter().map(|&element| i64::from(element)).collect(),
            Self::I64(elements) => Cow::Borrowed(elements),
            Self::Strings(_) => return Err(not_numbers(input)),
        })
    }
}

fn not_numbers(input: &'static str) -> Error {
    Error::input(input, "numbers", "strings")
}
