//! `Scaler`: columns shifted and scaled.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html>

use crate::error::check_len;
use crate::{Attributes, Data, Error, Matrix, Result, Slice};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// Offset and scale of each column, or of all.
    columns: Vec<(f32, f32)>,
}

impl Scaler {
    /// # Errors
    /// If there is no scale, or there are not as many offsets as scales.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let (offsets, scales) = (attributes.floats("offset")?, attributes.floats("scale")?);
        if scales.is_empty() {
            return Err(Error::attribute("scale", "one number, or one for each column", "none"));
        }
        check_len("offset", offsets.len(), scales.len(), "`scale`")?;
        Ok(Self { columns: offsets.iter().copied().zip(scales.iter().copied()).collect() })
    }

    /// `(x - offset) * scale`, as `f32`.
    ///
    /// # Errors
    /// If the input has strings, or neither one column nor as many as there are scales.
    #[expect(clippy::cast_possible_truncation, reason = "the output is rounded to the nearest")]
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        let n_columns = self.columns.len();
        if n_columns != 1 && n_columns != x.n_features {
            return Err(Error::input("X", format!("{n_columns} columns"), x.n_features.to_string()));
        }
        let columns = self.columns.iter().cycle();
        Ok(Data::F32(match x.data {
            Slice::F64(x) => {
                let scaled = x
                    .iter()
                    .zip(columns)
                    .map(|(x, (offset, scale))| (x - f64::from(*offset)) * f64::from(*scale));
                scaled.map(|number| number as f32).collect()
            }
            x => {
                let x = x.to_f32("X")?;
                x.iter().zip(columns).map(|(x, (offset, scale))| (x - offset) * scale).collect()
            }
        }))
    }
}
