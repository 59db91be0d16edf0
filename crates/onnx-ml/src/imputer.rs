//! `Imputer`: a value in the place of another, which stands for a missing one.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_Imputer.html>

use crate::{Attributes, Data, Error, Matrix, Result, Slice};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub enum Imputer {
    /// Imputed values for all columns or for each, and what they replace: a number or NaN.
    Floats(Vec<f32>, f32),
    /// The same for integers.
    Ints(Vec<i64>, i64),
}

impl Imputer {
    /// # Errors
    /// If there are no imputed values, or both numbers and integers.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let floats = attributes.floats("imputed_value_floats")?;
        let ints = attributes.ints("imputed_value_int64s")?;
        match (floats.is_empty(), ints.is_empty()) {
            (false, true) => {
                Ok(Self::Floats(floats.to_vec(), attributes.float("replaced_value_float")?.unwrap_or(0.0)))
            }
            (true, false) => {
                Ok(Self::Ints(ints.to_vec(), attributes.int("replaced_value_int64")?.unwrap_or(0)))
            }
            (is_none, _) => Err(Error::attribute(
                "imputed_value_floats",
                "values either here or in `imputed_value_int64s`",
                if is_none { "none" } else { "both" },
            )),
        }
    }

    /// The input with every replaced value imputed: by the value of its column if there are as many as columns, else by the first.
    ///
    /// # Errors
    /// If numbers meet integer values or the other way round.
    pub fn eval(&self, x: Matrix<'_>) -> Result<Data> {
        let n_features = x.n_features;
        Ok(match (self, x.data) {
            (Self::Floats(values, replaced), Slice::F32(x)) => {
                Data::F32(impute(x, n_features, values, |x| is_same(f64::from(*x), f64::from(*replaced))))
            }
            (Self::Floats(values, replaced), Slice::F64(x)) => {
                let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
                Data::F64(impute(x, n_features, &values, |x| is_same(*x, f64::from(*replaced))))
            }
            (Self::Ints(values, replaced), Slice::I64(x)) => {
                Data::I64(impute(x, n_features, values, |x| x == replaced))
            }
            (Self::Ints(values, replaced), Slice::I32(x)) => {
                let narrow = |value: &i64| i32::try_from(*value).unwrap_or_default();
                let values: Vec<i32> = values.iter().map(narrow).collect();
                Data::I32(impute(x, n_features, &values, |x| i64::from(*x) == *replaced))
            }
            (_, found) => {
                let expected =
                    if matches!(self, Self::Floats(..)) { "float or double" } else { "int64 or int32" };
                return Err(Error::input("X", expected, found.element_type().to_string()));
            }
        })
    }
}

fn impute<T: Copy>(x: &[T], n_features: usize, values: &[T], is_replaced: impl Fn(&T) -> bool) -> Vec<T> {
    let first = values.get(..1).unwrap_or_default();
    let values = if values.len() == n_features { values } else { first };
    x.iter().zip(values.iter().cycle()).map(|(x, value)| if is_replaced(x) { *value } else { *x }).collect()
}

#[expect(clippy::float_cmp, reason = "the specification compares for equality")]
fn is_same(x: f64, replaced: f64) -> bool {
    x == replaced || (x.is_nan() && replaced.is_nan())
}
