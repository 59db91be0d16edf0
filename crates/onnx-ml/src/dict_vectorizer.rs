//! `DictVectorizer`: a map's values in the order of a vocabulary.
//!
//! A tensor with a column for each word of the vocabulary says the same as a map, so where maps cannot be had the operator takes such a
//! tensor, and a missing key is its column's zero or empty string.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_DictVectorizer.html>

use crate::labels::Labels;
use crate::lookup::Keys;
use crate::{Attributes, Data, Error, Matrix, Result, Slice, data::Element, data::each};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct DictVectorizer {
    vocabulary: Labels,
}

impl DictVectorizer {
    /// # Errors
    /// If there is no vocabulary, or both of integers and strings.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let vocabulary = Labels::from_attributes(attributes, "int64_vocabulary", "string_vocabulary")?;
        Ok(Self { vocabulary })
    }

    /// The key of each column.
    pub const fn vocabulary(&self) -> &Labels {
        &self.vocabulary
    }

    /// The values of a map, given as keys and values, in the vocabulary's order: zero or the empty string where a key is missing.
    ///
    /// # Errors
    /// If the keys have not the vocabulary's type, or differ from the values in number.
    pub fn eval(&self, keys: Slice<'_>, values: Slice<'_>) -> Result<Data> {
        if keys.len() != values.len() {
            return Err(Error::input("X", format!("{} values", keys.len()), values.len().to_string()));
        }
        let places = Keys::new(self.vocabulary.data()).places(keys)?;
        Ok(each!(Slice, values, values => placed(values, &places, self.vocabulary.len())))
    }

    /// The rows of a tensor that has the vocabulary's columns already.
    ///
    /// # Errors
    /// If it has another number of columns.
    pub fn eval_columns(&self, x: Matrix<'_>) -> Result<Data> {
        if x.n_features != self.vocabulary.len() {
            return Err(Error::input(
                "X",
                format!("{} columns", self.vocabulary.len()),
                x.n_features.to_string(),
            ));
        }
        Ok(each!(Slice, x.data, x => Element::into_data(x.to_vec())))
    }
}

fn placed<T: Element + Default>(values: &[T], places: &[Option<usize>], n_places: usize) -> Data {
    let mut placed = vec![T::default(); n_places];
    for (value, place) in values.iter().zip(places) {
        if let Some(slot) = place.and_then(|place| placed.get_mut(place)) {
            *slot = value.clone();
        }
    }
    T::into_data(placed)
}
