//! `ReduceLogSumExp` of floating-point numbers, less the largest of them before they become powers: tract's are infinite from 88 on.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::math::{add, max, min, sub};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{input, wire_with_number};
use crate::replacement::of_integer;

/// tract's operators of the same axes.
#[derive(Debug, Clone)]
struct LogSums {
    sums: Box<dyn Expansion>,
    largest: Box<dyn Expansion>,
    /// The same with axes of length 1 in the place of those that it goes over.
    kept: Box<dyn Expansion>,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `ReduceLogSumExp`, version 18.
pub(crate) fn reduce(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let largest = NodeProto { op_type: "ReduceMax".to_owned(), ..node.clone() };
    let mut kept = largest.clone();
    kept.attribute.retain(|attribute| attribute.name != KEPT);
    kept.attribute.push(of_integer(KEPT, 1));
    let tracts = |node: &NodeProto| crate::tracts(context, node);
    let sums = LogSums { sums: tracts(node)?, largest: tracts(&largest)?, kept: tracts(&kept)? };
    Ok((expand(sums), Vec::new()))
}

/// The attribute that says whether axes are kept.
const KEPT: &str = "keepdims";

/// The least and the most that numbers of a type are, but for infinity.
fn ends(datum_type: DatumType) -> TractResult<[Tensor; 2]> {
    Ok(match datum_type {
        DatumType::F16 => [tensor0(f16::MIN), tensor0(f16::MAX)],
        DatumType::F32 => [tensor0(f32::MIN), tensor0(f32::MAX)],
        DatumType::F64 => [tensor0(f64::MIN), tensor0(f64::MAX)],
        other => bail!("{other:?} is no type of floating-point numbers"),
    })
}

/// The values, or the finite ones next to them.
fn finite(prefix: &str, model: &mut TypedModel, value: OutletId) -> TractResult<OutletId> {
    let [least, most] = ends(model.outlet_fact(value)?.datum_type)?;
    let above = wire_with_number(&format!("{prefix}.above"), model, max(), value, least)?;
    wire_with_number(&format!("{prefix}.between"), model, min(), above, most)
}

impl Expansion for LogSums {
    fn name(&self) -> StaticName {
        self.sums.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.sums.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let values = *input(inputs, 0)?;
        if !model.outlet_fact(values)?.datum_type.is_float() {
            return self.sums.wire(prefix, model, inputs);
        }
        let name = |what: &str| format!("{prefix}.{what}");
        let kept = *input(&self.kept.wire(&name("kept"), model, inputs)?, 0)?;
        let kept = finite(&name("kept"), model, kept)?;
        let mut less = model.wire_node(name("less"), sub(), &[values, kept])?;
        less.extend(inputs.iter().skip(1).copied());
        let sums = *input(&self.sums.wire(&name("sums"), model, &less)?, 0)?;
        let largest = *input(&self.largest.wire(&name("largest"), model, inputs)?, 0)?;
        let largest = finite(&name("largest"), model, largest)?;
        model.wire_node(prefix, add(), &[sums, largest])
    }
}
