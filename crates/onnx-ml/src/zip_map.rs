//! `ZipMap`: a classifier's scores, each under the label of its class.
//!
//! A tensor of scores and the labels say the same as the specification's sequence of maps, so the operator hands the tensor on, and
//! keeps the labels for whoever names the scores.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html>

use crate::labels::Labels;
use crate::{Attributes, Data, Error, Matrix, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct ZipMap {
    labels: Labels,
}

impl ZipMap {
    /// # Errors
    /// If there are no labels, or both integers and strings.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let labels = Labels::from_attributes(attributes, "classlabels_int64s", "classlabels_strings")?;
        Ok(Self { labels })
    }

    /// The label of each column.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The scores as they are.
    ///
    /// # Errors
    /// If there are not as many columns as labels.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        if x.n_features != self.labels.len() {
            return Err(Error::input(
                "X",
                format!("{} columns", self.labels.len()),
                x.n_features.to_string(),
            ));
        }
        Ok(Data::F32(x.data.to_f32("X")?.into_owned()))
    }
}
