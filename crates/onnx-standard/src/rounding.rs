//! `Round` of FP64, which tract lacks: to the nearest whole number, and to the even one of two as near.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::math::round_half_to_even;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, input, wire_computed};

#[derive(Debug, Clone)]
struct Round;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Round`, version 22.
pub(crate) fn round(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Round), Vec::new()))
}

impl Expansion for Round {
    fn name(&self) -> StaticName {
        "Round".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (given, output) = (input(inputs, 0)?, input(outputs, 0)?);
        solver.equals(&output.datum_type, &given.datum_type)?;
        solver.equals(&output.shape, &given.shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        if model.outlet_fact(*input(inputs, 0)?)?.datum_type == DatumType::F64 {
            return wire_computed(Self, prefix, model, inputs);
        }
        model.wire_node(prefix, round_half_to_even(), inputs)
    }
}

impl Kernel for Round {
    fn name(&self) -> &'static str {
        "Round"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?.to_plain_array_view::<f64>()?;
        Ok(tvec![values.map(|value| libm::rint(*value)).into_tensor()])
    }

    fn keeps_rows(&self, _axis: usize) -> bool {
        true
    }
}
