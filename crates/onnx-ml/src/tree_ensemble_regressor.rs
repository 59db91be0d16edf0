//! `TreeEnsembleRegressor`: what the trees of an ensemble say of each target.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html>

use crate::trees::ensemble::{Aggregate, Totals};
use crate::trees::forest::Forest;
use crate::trees::normal::Number;
use crate::trees::{Trees, each_sum, layout, version_3};
use crate::{Attributes, Data, ElementType, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct TreeEnsembleRegressor {
    forest: Forest,
    aggregate: Aggregate,
    base_values: Vec<f64>,
    post_transform: PostTransform,
}

/// The operator, laid out for inputs of one type.
#[derive(Clone, Debug)]
pub struct LaidOutRegressor {
    trees: Trees,
    n_targets: usize,
    base_values: Vec<f64>,
    post_transform: PostTransform,
}

impl TreeEnsembleRegressor {
    /// # Errors
    /// If the attributes describe no trees.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let n_targets = attributes.size("n_targets", 1)?;
        let forest = version_3::forest(attributes, version_3::TARGETS, n_targets)?;
        layout::check(&forest)?;
        Ok(Self {
            forest,
            aggregate: Aggregate::from_name(attributes)?,
            base_values: version_3::base_values(attributes, &[n_targets])?,
            post_transform: PostTransform::from_attributes(attributes)?,
        })
    }

    /// How many numbers a row has.
    pub const fn n_targets(&self) -> usize {
        self.forest.n_targets
    }

    /// Lays the trees out for inputs of a type.
    ///
    /// # Errors
    /// If a path in a tree comes back to where it was.
    pub fn lay_out(&self, input: ElementType) -> Result<LaidOutRegressor> {
        Ok(LaidOutRegressor {
            trees: Trees::new(&self.forest, self.aggregate, input)?,
            n_targets: self.forest.n_targets,
            base_values: self.base_values.clone(),
            post_transform: self.post_transform,
        })
    }
}

impl LaidOutRegressor {
    /// How many numbers a row has.
    pub const fn n_targets(&self) -> usize {
        self.n_targets
    }

    /// The targets of each row, as `f32`.
    ///
    /// # Errors
    /// If the input has strings, or fewer columns than a tree asks for.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        let mut numbers = each_sum!(self.trees.eval(x)?, totals => self.with_base(&totals));
        numbers.chunks_exact_mut(self.n_targets).for_each(|row| self.post_transform.apply_to_row(row));
        Ok(Data::F32(numbers))
    }

    fn with_base<T: Number>(&self, totals: &Totals<T>) -> Vec<f32> {
        let base: Vec<T> = self.base_values.iter().copied().map(T::from_f64).collect();
        if base.is_empty() {
            return totals.numbers.iter().map(|number| number.to_f32()).collect();
        }
        let numbers = totals.numbers.iter().zip(&totals.is_set).zip(base.iter().cycle());
        // What no leaf has a number for stays 0, as in ONNX Runtime.
        let with_base =
            |((number, is_set), base): ((&T, &bool), &T)| if *is_set { *number + *base } else { *number };
        numbers.map(|number| with_base(number).to_f32()).collect()
    }
}
