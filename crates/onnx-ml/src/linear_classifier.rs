//! `LinearClassifier`: a weighted sum for each class, and the class of the greatest.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html>

use crate::labels::{Labels, argmax};
use crate::linear::Linear;
use crate::post_transform::SecondClass;
use crate::{Attributes, Data, Error, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct LinearClassifier {
    linear: Linear,
    labels: Labels,
    post_transform: PostTransform,
}

impl LinearClassifier {
    /// # Errors
    /// If there are no coefficients or labels, or their numbers do not fit each other.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let labels = Labels::from_attributes(attributes, "classlabels_ints", "classlabels_strings")?;
        let intercepts = attributes.floats("intercepts")?;
        let n_sums = if intercepts.is_empty() { labels.len() } else { intercepts.len() };
        if n_sums > labels.len() {
            return Err(Error::attribute(
                "intercepts",
                format!("at most {} elements", labels.len()),
                n_sums.to_string(),
            ));
        }
        Ok(Self {
            linear: Linear::new(attributes.floats("coefficients")?, intercepts, n_sums)?,
            labels,
            post_transform: PostTransform::from_attributes(attributes)?,
        })
    }

    /// The labels of the classes.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// How many scores a row has.
    pub fn n_scores(&self) -> usize {
        if self.is_binary() { 2 } else { self.linear.n_sums() }
    }

    /// The label and the scores of each row.
    ///
    /// # Errors
    /// If the input has strings or another number of columns than the coefficients.
    pub fn eval(&self, x: Matrix<'_>) -> Result<(Data, Data)> {
        let mut scores = self.linear.eval(x)?;
        if self.linear.n_sums() != 1 {
            let rows = scores.chunks_exact(self.linear.n_sums());
            let labels = self.labels.at(rows.map(argmax));
            scores.chunks_exact_mut(self.linear.n_sums()).for_each(|row| self.post_transform.apply(row));
            return Ok((labels, Data::F32(scores)));
        }
        let classes = scores.iter().map(|&score| usize::from(score > 0.0));
        if self.is_binary() {
            let pair = |&score: &f32| SecondClass::Complement.pair(self.post_transform, score);
            return Ok((self.labels.at(classes), Data::F32(scores.iter().flat_map(pair).collect())));
        }
        let labels = self.labels.yes_and_no().at(classes);
        scores.chunks_exact_mut(1).for_each(|row| self.post_transform.apply_to_row(row));
        Ok((labels, Data::F32(scores)))
    }

    /// One sum for two classes.
    fn is_binary(&self) -> bool {
        self.linear.n_sums() == 1 && self.labels.len() == 2
    }
}
