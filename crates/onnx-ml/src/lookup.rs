//! Where a value stands among keys, by binary search: the half of `LabelEncoder`, `CategoryMapper` and `OneHotEncoder` that they share.
//! Of equal keys the first counts. NaN is a key like any other, and equal to NaN; the two zeros are one.

use std::cmp::Ordering;

use crate::{Data, ElementType, Error, Result, Slice};

/// Keys in order, each with its place in the attribute.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    F32(Vec<(f32, u32)>),
    F64(Vec<(f64, u32)>),
    I16(Vec<(i16, u32)>),
    I32(Vec<(i32, u32)>),
    I64(Vec<(i64, u32)>),
    Strings(Vec<(String, u32)>),
}

impl Keys {
    pub(crate) fn new(keys: &Data) -> Self {
        match keys {
            Data::F32(keys) => Self::F32(sorted(keys, by_f32)),
            Data::F64(keys) => Self::F64(sorted(keys, by_f64)),
            Data::I16(keys) => Self::I16(sorted(keys, i16::cmp)),
            Data::I32(keys) => Self::I32(sorted(keys, i32::cmp)),
            Data::I64(keys) => Self::I64(sorted(keys, i64::cmp)),
            Data::Strings(keys) => Self::Strings(sorted(keys, String::cmp)),
        }
    }

    pub(crate) const fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::Strings(_) => ElementType::String,
        }
    }

    /// The place of each element among the keys.
    ///
    /// # Errors
    /// If the elements are not of the keys' type.
    pub(crate) fn places(&self, x: Slice<'_>) -> Result<Vec<Option<usize>>> {
        Ok(match (self, x) {
            (Self::F32(keys), Slice::F32(x)) => places(keys, x, by_f32),
            (Self::F64(keys), Slice::F64(x)) => places(keys, x, by_f64),
            (Self::I16(keys), Slice::I16(x)) => places(keys, x, i16::cmp),
            (Self::I32(keys), Slice::I32(x)) => places(keys, x, i32::cmp),
            (Self::I64(keys), Slice::I64(x)) => places(keys, x, i64::cmp),
            (Self::Strings(keys), Slice::Strings(x)) => places(keys, x, String::cmp),
            _ => {
                let (expected, found) = (self.element_type(), x.element_type());
                return Err(Error::input("X", expected.to_string(), found.to_string()));
            }
        })
    }
}

fn sorted<T: Clone>(keys: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<(T, u32)> {
    let mut sorted: Vec<(T, u32)> = keys.iter().cloned().zip(0..).collect();
    sorted.sort_by(|a, b| compare(&a.0, &b.0));
    sorted.dedup_by(|later, first| compare(&later.0, &first.0).is_eq());
    sorted
}

fn places<T>(keys: &[(T, u32)], x: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<Option<usize>> {
    let place = |x: &T| {
        let found = keys.binary_search_by(|(key, _)| compare(key, x)).ok()?;
        keys.get(found).and_then(|&(_, place)| usize::try_from(place).ok())
    };
    x.iter().map(place).collect()
}

fn by_f32(a: &f32, b: &f32) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn by_f64(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
