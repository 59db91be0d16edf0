//! `OneHotEncoder`: a row of zeros with a one at the category's place.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html>

use crate::labels::Labels;
use crate::lookup::Keys;
use crate::{Attributes, Data, ElementType, Error, Result, Slice};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct OneHotEncoder {
    categories: Keys,
    n_categories: usize,
    /// Whether what is no category becomes zeros, not an error.
    zeros: bool,
}

impl OneHotEncoder {
    /// # Errors
    /// If there are no categories, or both integers and strings.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let categories = Labels::from_attributes(attributes, "cats_int64s", "cats_strings")?;
        Ok(Self {
            categories: Keys::new(categories.data()),
            n_categories: categories.len(),
            zeros: attributes.int("zeros")?.unwrap_or(1) != 0,
        })
    }

    /// How many numbers an element becomes.
    pub const fn n_categories(&self) -> usize {
        self.n_categories
    }

    /// For each element, as many numbers as there are categories. Numbers are compared as integers.
    ///
    /// # Errors
    /// If strings meet integer categories or the other way round, or if an element is no category and `zeros` is 0.
    pub fn eval(&self, x: Slice<'_>) -> Result<Data> {
        let places = match self.categories.element_type() {
            ElementType::String => self.categories.places(x)?,
            _ => self.categories.places(Slice::I64(&x.to_i64("X")?))?,
        };
        let mut ones = vec![0.0; places.len() * self.n_categories];
        for (row, place) in ones.chunks_exact_mut(self.n_categories).zip(places) {
            match place.and_then(|place| row.get_mut(place)) {
                Some(one) => *one = 1.0,
                None if self.zeros => {}
                None => {
                    return Err(Error::input("X", "one of the categories, since `zeros` is 0", "another"));
                }
            }
        }
        Ok(Data::F32(ones))
    }
}
