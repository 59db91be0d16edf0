//! `FeatureVectorizer`: the columns of several inputs side by side, each cut or filled with zeros to its declared width.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_FeatureVectorizer.html>

use crate::attributes::size;
use crate::error::check_len;
use crate::{Attributes, Data, Error, Matrix, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct FeatureVectorizer {
    /// The width of each input.
    widths: Vec<usize>,
}

impl FeatureVectorizer {
    /// # Errors
    /// If `inputdimensions` is missing or has a negative number.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let widths = attributes.ints("inputdimensions")?;
        if widths.is_empty() {
            return Err(Error::attribute("inputdimensions", "a width for each input", "none"));
        }
        let widths = widths.iter().map(|&width| size("inputdimensions", width)).collect::<Result<_>>()?;
        Ok(Self { widths })
    }

    /// The width of the output.
    pub fn width(&self) -> usize {
        self.widths.iter().sum()
    }

    /// The inputs side by side.
    ///
    /// # Errors
    /// If there are not as many inputs as widths, they differ in rows, or one has strings.
    pub fn eval(&self, inputs: &[Matrix<'_>]) -> Result<Data> {
        check_len("inputdimensions", self.widths.len(), inputs.len(), "the inputs")?;
        let n_rows = inputs.first().map_or(0, |input| input.n_rows);
        let mut joined = vec![0.0_f32; n_rows * self.width()];
        let mut offset = 0;
        for (input, &width) in inputs.iter().zip(&self.widths) {
            if input.n_rows != n_rows {
                return Err(Error::input(
                    "X",
                    format!("{n_rows} rows, as the first"),
                    input.n_rows.to_string(),
                ));
            }
            let numbers = input.data.to_f32("X")?;
            let rows = joined.chunks_exact_mut(self.width().max(1));
            for (joined, row) in rows.zip(numbers.chunks_exact(input.n_features.max(1))) {
                let places = joined.iter_mut().skip(offset).take(width);
                places.zip(row).for_each(|(place, &number)| *place = number);
            }
            offset += width;
        }
        Ok(Data::F32(joined))
    }
}
