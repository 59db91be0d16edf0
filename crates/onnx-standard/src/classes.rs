//! `IsInf` and `IsNaN` of all types of floating-point numbers: tract's know no double precision.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

/// What is asked of a number.
#[derive(Debug)]
enum Class {
    NoNumber,
    Infinite { positive: bool, negative: bool },
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `IsInf`, version 20.
pub(crate) fn is_inf(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let detects = |name: &str| -> TractResult<bool> { Ok(node.get_attr_opt::<i64>(name)? != Some(0)) };
    let class =
        Class::Infinite { positive: detects("detect_positive")?, negative: detects("detect_negative")? };
    Ok((computed(class), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `IsNaN`, version 20.
pub(crate) fn is_nan(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((computed(Class::NoNumber), Vec::new()))
}

impl Class {
    fn has(&self, number: f64) -> bool {
        match *self {
            Self::NoNumber => number.is_nan(),
            Self::Infinite { positive, negative } => {
                (positive && number == f64::INFINITY) || (negative && number == f64::NEG_INFINITY)
            }
        }
    }
}

impl Kernel for Class {
    fn name(&self) -> &'static str {
        match self {
            Self::NoNumber => "IsNaN",
            Self::Infinite { .. } => "IsInf",
        }
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, shape) = input(inputs, 0)?.clone();
        Ok(tvec![(DatumType::Bool, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        Ok(tvec![match values.datum_type() {
            DatumType::F16 =>
                values.to_plain_array_view::<f16>()?.map(|x| self.has(x.to_f64())).into_tensor(),
            DatumType::F32 => values.to_plain_array_view::<f32>()?.map(|&x| self.has(x.into())).into_tensor(),
            DatumType::F64 => values.to_plain_array_view::<f64>()?.map(|&x| self.has(x)).into_tensor(),
            other => bail!("{other:?} is no type of floating-point numbers"),
        }])
    }

    fn keeps_rows(&self, _axis: usize) -> bool {
        true
    }
}
