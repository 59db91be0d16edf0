//! `CumSum` of whole numbers that tract holds as symbols, as whatever came of a shape or a cast: its own adds numbers only. Exporters count
//! positions with it.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::CumSum;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

/// Adds up along an axis, which is an input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CumulativeSum {
    reverse: bool,
    exclusive: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `CumSum`, version 14.
pub(crate) fn cumulative_sum(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let flag = |name: &str| Ok::<bool, TractError>(node.get_attr_opt::<i64>(name)? == Some(1));
    let operator = CumulativeSum { reverse: flag("reverse")?, exclusive: flag("exclusive")? };
    Ok((expand(operator), Vec::new()))
}

impl Expansion for CumulativeSum {
    fn name(&self) -> StaticName {
        "CumSum".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let ([x, _], [y]) = (inputs, outputs) else { bail!("CumSum has two inputs and one output") };
        solver.equals(&x.datum_type, &y.datum_type)?;
        solver.equals(&x.shape, &y.shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let [x, axis] = inputs else { bail!("CumSum has two inputs, found {}", inputs.len()) };
        let axis = model.outlet_fact(*axis)?.konst.as_ref().context("the axis must be in the file")?;
        let axis = axis.cast_to::<i64>()?.into_owned().into_shape(&[])?.cast_to_scalar::<i64>()?;
        let fact = model.outlet_fact(*x)?;
        let (rank, datum_type) = (i64::try_from(fact.rank())?, fact.datum_type);
        let axis = Some(if axis < 0 { axis + rank } else { axis }).filter(|axis| (0..rank).contains(axis));
        let axis = usize::try_from(axis.with_context(|| format!("an axis of {rank} expected"))?)?;
        let plain = if datum_type.is_tdim() { DatumType::I64 } else { datum_type };
        let numbers = wire_cast(format!("{prefix}.numbers"), model, &[*x], plain)?;
        let sum = CumSum { axis, exclusive: self.exclusive, reverse: self.reverse };
        let sums = model.wire_node(format!("{prefix}.sums"), sum, &numbers)?;
        wire_cast(prefix, model, &sums, datum_type)
    }
}
