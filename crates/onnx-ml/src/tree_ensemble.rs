//! `TreeEnsemble`: what the trees of an ensemble say of each target, in the type of the input.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html>

use crate::post_transform::POST_TRANSFORMS;
use crate::trees::ensemble::Aggregate;
use crate::trees::forest::Forest;
use crate::trees::{Sums, Trees, layout, version_5};
use crate::{Attributes, Data, ElementType, Error, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct TreeEnsemble {
    forest: Forest,
    aggregate: Aggregate,
    post_transform: PostTransform,
}

/// The operator, laid out for inputs of one type.
#[derive(Clone, Debug)]
pub struct LaidOutEnsemble {
    trees: Trees,
    n_targets: usize,
    post_transform: PostTransform,
}

impl TreeEnsemble {
    /// # Errors
    /// If the attributes describe no trees.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let forest = version_5::forest(attributes)?;
        layout::check(&forest)?;
        let number = attributes.size("post_transform", 0)?;
        let (_, post_transform) = POST_TRANSFORMS
            .get(number)
            .copied()
            .ok_or_else(|| Error::attribute("post_transform", "a number from 0 to 4", number.to_string()))?;
        Ok(Self { forest, aggregate: Aggregate::from_number(attributes)?, post_transform })
    }

    /// How many numbers a row has.
    pub const fn n_targets(&self) -> usize {
        self.forest.n_targets
    }

    /// Lays the trees out for inputs of a type.
    ///
    /// # Errors
    /// If a path in a tree comes back to where it was.
    pub fn lay_out(&self, input: ElementType) -> Result<LaidOutEnsemble> {
        Ok(LaidOutEnsemble {
            trees: Trees::new(&self.forest, self.aggregate, input)?,
            n_targets: self.forest.n_targets,
            post_transform: self.post_transform,
        })
    }
}

impl LaidOutEnsemble {
    /// How many numbers a row has.
    pub const fn n_targets(&self) -> usize {
        self.n_targets
    }

    /// The targets of each row, in the type of the input.
    ///
    /// # Errors
    /// If the input has strings, or fewer columns than a tree asks for.
    #[expect(clippy::cast_possible_truncation, reason = "post transforms are computed in `f32`")]
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        Ok(match self.trees.eval(x)? {
            Sums::F32(mut totals) => {
                self.transform(&mut totals.numbers);
                Data::F32(totals.numbers)
            }
            Sums::F64(totals) if self.post_transform == PostTransform::None => Data::F64(totals.numbers),
            Sums::F64(totals) => {
                let mut numbers: Vec<f32> = totals.numbers.iter().map(|&number| number as f32).collect();
                self.transform(&mut numbers);
                Data::F64(numbers.into_iter().map(f64::from).collect())
            }
        })
    }

    fn transform(&self, numbers: &mut [f32]) {
        numbers.chunks_exact_mut(self.n_targets).for_each(|row| self.post_transform.apply_to_row(row));
    }
}
