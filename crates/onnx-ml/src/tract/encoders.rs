//! The operators that prepare columns.

use tract_onnx::tract_core::internal::*;

use super::convert::{datum_type, element_type, matrix, slice};
use super::operator::{Operator, Port, Rows, n_rows, only};
use crate::binarizer::Binarizer;
use crate::dict_vectorizer::DictVectorizer;
use crate::feature_vectorizer::FeatureVectorizer;
use crate::imputer::Imputer;
use crate::label_encoder::LabelEncoder;
use crate::murmur_hash::MurmurHash;
use crate::normalizer::Normalizer;
use crate::one_hot_encoder::OneHotEncoder;
use crate::scaler::Scaler;
use crate::zip_map::ZipMap;
use crate::{Data, ElementType, Matrix, array_feature_extractor};

/// An operator whose output has the shape of its input.
macro_rules! same_shape {
    ($operator:ty, $name:literal, $rows:expr, |$it:pat_param, $input:pat_param| $output:expr, |$self:ident, $x:ident| $eval:expr) => {
        impl Operator for $operator {
            fn name(&self) -> &'static str {
                $name
            }

            fn rows(&self) -> Rows {
                $rows
            }

            fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
                let (input, shape) = only(inputs)?;
                let output: fn(&Self, DatumType) -> TractResult<DatumType> = |$it, $input| $output;
                Ok(tvec![(output(self, *input)?, shape.clone())])
            }

            fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
                let eval: fn(&Self, Matrix<'_>) -> crate::Result<Data> = |$self, $x| $eval;
                Ok(tvec![eval(self, matrix(only(inputs)?)?)?])
            }
        }
    };
}

same_shape!(Binarizer, "Binarizer", Rows::Elements, |_, input| Ok(input), |it, x| it.eval(x.data));
same_shape!(Imputer, "Imputer", Rows::FirstAxis, |_, input| Ok(input), |it, x| it.eval(x));
same_shape!(Normalizer, "Normalizer", Rows::FirstAxis, |_, _| Ok(DatumType::F32), |it, x| it.eval(x));
same_shape!(Scaler, "Scaler", Rows::FirstAxis, |_, _| Ok(DatumType::F32), |it, x| it.eval(x));
same_shape!(
    LabelEncoder,
    "LabelEncoder",
    Rows::Elements,
    |it, input| {
        let output = it.output_type(element_type(input)?);
        Ok(datum_type(
            output.with_context(|| format!("input `X`: expected the keys' type, found {input:?}"))?,
        ))
    },
    |it, x| it.eval(x.data)
);

/// Picks columns by an input of indices.
#[derive(Debug)]
pub(crate) struct ArrayFeatureExtractor;

impl Operator for ArrayFeatureExtractor {
    fn name(&self) -> &'static str {
        "ArrayFeatureExtractor"
    }

    fn rows(&self) -> Rows {
        Rows::AllButLast
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let [(datum_type, x), (_, indices)] = inputs else {
            bail!("expected two inputs, found {}", inputs.len())
        };
        let n_indices: TDim = indices.iter().product();
        let mut shape: TVec<TDim> = x.iter().rev().skip(1).rev().cloned().collect();
        if shape.is_empty() {
            shape.push(1.to_dim());
        }
        shape.push(n_indices);
        Ok(tvec![(*datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        let [x, indices] = inputs else { bail!("expected two inputs, found {}", inputs.len()) };
        let n_features = x.shape().last().copied().unwrap_or(1);
        let indices = indices.cast_to::<i64>()?;
        let indices = slice(&indices)?.to_i64("Y")?;
        Ok(tvec![array_feature_extractor::eval(slice(x)?, n_features, &indices)?])
    }
}

impl Operator for MurmurHash {
    fn name(&self) -> &'static str {
        "MurmurHash3"
    }

    fn rows(&self) -> Rows {
        Rows::Elements
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, shape) = only(inputs)?;
        Ok(tvec![(DatumType::I32, shape.clone())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        Ok(tvec![self.eval(slice(only(inputs)?)?)])
    }
}

impl Operator for OneHotEncoder {
    fn name(&self) -> &'static str {
        "OneHotEncoder"
    }

    fn rows(&self) -> Rows {
        Rows::Elements
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, shape) = only(inputs)?;
        let mut shape = shape.clone();
        shape.push(self.n_categories().to_dim());
        Ok(tvec![(DatumType::F32, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        Ok(tvec![self.eval(slice(only(inputs)?)?)?])
    }
}

impl Operator for FeatureVectorizer {
    fn name(&self) -> &'static str {
        "FeatureVectorizer"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let first = inputs.first().context("expected one input at least, found none")?;
        Ok(tvec![(DatumType::F32, tvec![n_rows(first), self.width().to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        let inputs = inputs.iter().map(|input| matrix(input)).collect::<TractResult<Vec<Matrix<'_>>>>()?;
        Ok(tvec![self.eval(&inputs)?])
    }
}

impl Operator for DictVectorizer {
    fn name(&self) -> &'static str {
        "DictVectorizer"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![only(inputs)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        Ok(tvec![self.eval_columns(matrix(only(inputs)?)?)?])
    }

    fn column_labels(&self) -> Option<&Data> {
        Some(self.vocabulary().data())
    }
}

impl Operator for ZipMap {
    fn name(&self) -> &'static str {
        "ZipMap"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let input = only(inputs)?;
        Ok(tvec![(datum_type(ElementType::F32), tvec![n_rows(input), self.labels().len().to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>> {
        Ok(tvec![self.eval(matrix(only(inputs)?)?)?])
    }

    fn column_labels(&self) -> Option<&Data> {
        Some(self.labels().data())
    }
}
