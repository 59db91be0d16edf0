//! The labels of a classifier: integers or strings.

use crate::{Attributes, Data, Error, Result};

/// The labels of the classes, in the order of their scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels(Data);

impl Labels {
    /// The labels from one of two attributes; exactly one has any.
    ///
    /// # Errors
    /// If neither or both have labels.
    pub fn from_attributes(attributes: &Attributes<'_>, ints: &str, strings: &str) -> Result<Self> {
        let (from_ints, from_strings) = (attributes.ints(ints)?, attributes.texts(strings)?);
        match (from_ints.is_empty(), from_strings.is_empty()) {
            (false, true) => Ok(Self(Data::I64(from_ints.to_vec()))),
            (true, false) => Ok(Self(Data::Strings(owned(from_strings)))),
            (true, true) => Err(Error::attribute(ints, format!("labels here or in `{strings}`"), "none")),
            (false, false) => {
                Err(Error::attribute(ints, format!("labels either here or in `{strings}`"), "both"))
            }
        }
    }

    /// The labels themselves.
    pub const fn data(&self) -> &Data {
        &self.0
    }

    /// How many classes.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.as_slice().len()
    }

    /// The labels of the classes at `indices`.
    pub(crate) fn at(&self, indices: impl Iterator<Item = usize>) -> Data {
        self.0.gather(indices)
    }

    /// The labels that say yes (1) and no (0) where there are not two labels: 1 and 0 for integers, `"1"` and `"0"` for strings.
    pub(crate) fn yes_and_no(&self) -> Self {
        match &self.0 {
            Data::Strings(_) => Self(Data::Strings(owned(&["0", "1"]))),
            _ => Self(Data::I64(vec![0, 1])),
        }
    }
}

/// The strings, owned.
pub(crate) fn owned(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&string| string.to_owned()).collect()
}

/// The index of the greatest score, the first of equals.
pub(crate) fn argmax(scores: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &score) in scores.iter().enumerate() {
        if index == 0 || score > best.1 {
            best = (index, score);
        }
    }
    best.0
}
