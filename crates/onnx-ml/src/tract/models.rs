//! The operators that predict.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;

use super::convert::{datum_type, element_type, matrix};
use super::operator::{Operator, Port, n_rows, only};
use crate::labels::Labels;
use crate::linear_classifier::LinearClassifier;
use crate::linear_regressor::LinearRegressor;
use crate::svm_classifier::SvmClassifier;
use crate::svm_regressor::SvmRegressor;
use crate::tree_ensemble::{LaidOutEnsemble, TreeEnsemble};
use crate::tree_ensemble_classifier::{LaidOutClassifier, TreeEnsembleClassifier};
use crate::tree_ensemble_regressor::{LaidOutRegressor, TreeEnsembleRegressor};
use crate::{Data, Matrix, Result};

/// Outputs of a classifier: a label for each row, and its scores.
fn labels_and_scores(inputs: &[Port], labels: &Labels, n_scores: usize) -> TractResult<TVec<Port>> {
    let n_rows = n_rows(only(inputs)?);
    let label_type = datum_type(labels.data().as_slice().element_type());
    Ok(tvec![(label_type, tvec![n_rows.clone()]), (DatumType::F32, tvec![n_rows, n_scores.to_dim()])])
}

fn classify(inputs: &[TValue], eval: impl Fn(Matrix<'_>) -> Result<(Data, Data)>) -> TractResult<TVec<Data>> {
    let (labels, scores) = eval(matrix(only(inputs)?)?)?;
    Ok(tvec![labels, scores])
}

fn targets(inputs: &[Port], datum_type: DatumType, n_targets: usize) -> TractResult<TVec<Port>> {
    Ok(tvec![(datum_type, tvec![n_rows(only(inputs)?), n_targets.to_dim()])])
}

macro_rules! classifier {
    ($operator:ty, $name:literal, $n_scores:expr) => {
        impl Operator for $operator {
            fn name(&self) -> &'static str {
                $name
            }

            fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
                labels_and_scores(inputs, self.labels(), $n_scores(self))
            }

            fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
                classify(inputs, |x| self.eval(x))
            }
        }
    };
}

classifier!(LinearClassifier, "LinearClassifier", LinearClassifier::n_scores);
classifier!(SvmClassifier, "SVMClassifier", SvmClassifier::n_scores);
classifier!(LaidOutClassifier, "TreeEnsembleClassifier", |it: &LaidOutClassifier| it.labels().len());

macro_rules! regressor {
    ($operator:ty, $name:literal, $n_targets:expr, |$input:ident| $output:expr) => {
        impl Operator for $operator {
            fn name(&self) -> &'static str {
                $name
            }

            fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
                let ($input, _) = only(inputs)?;
                targets(inputs, $output, $n_targets(self))
            }

            fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
                Ok(tvec![self.eval(matrix(only(inputs)?)?)?])
            }
        }
    };
}

regressor!(LinearRegressor, "LinearRegressor", LinearRegressor::n_targets, |_input| DatumType::F32);
regressor!(SvmRegressor, "SVMRegressor", |_: &SvmRegressor| 1, |_input| DatumType::F32);
regressor!(LaidOutRegressor, "TreeEnsembleRegressor", LaidOutRegressor::n_targets, |_input| DatumType::F32);
regressor!(LaidOutEnsemble, "TreeEnsemble", LaidOutEnsemble::n_targets, |input| *input);

/// Trees before the type of their input is known: it decides in how many digits they compare.
macro_rules! trees {
    ($operator:ty, $name:literal, |$self:ident, $inputs:ident| $outputs:expr) => {
        impl Operator for $operator {
            fn name(&self) -> &'static str {
                $name
            }

            fn outputs(&self, $inputs: &[Port]) -> TractResult<TVec<Port>> {
                let $self = self;
                $outputs
            }

            fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
                let input = only(inputs)?;
                Operator::eval(&self.lay_out(element_type(input.datum_type())?)?, inputs)
            }

            fn for_inputs(&self, types: &[DatumType]) -> TractResult<Option<Arc<dyn Operator>>> {
                Ok(Some(Arc::new(self.lay_out(element_type(*only(types)?)?)?)))
            }
        }
    };
}

trees!(TreeEnsembleClassifier, "TreeEnsembleClassifier", |it, inputs| {
    labels_and_scores(inputs, it.labels(), it.labels().len())
});
trees!(TreeEnsembleRegressor, "TreeEnsembleRegressor", |it, inputs| {
    targets(inputs, DatumType::F32, it.n_targets())
});
trees!(TreeEnsemble, "TreeEnsemble", |it, inputs| targets(inputs, only(inputs)?.0, it.n_targets()));
