//! `Mul` of sizes that are symbols. tract's own, when it simplifies, takes such a size for a number and gives up; exporters multiply sizes to
//! count the elements of several axes.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::Zip;
use tract_onnx::tract_core::broadcast::multi_broadcast;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_core::ops::change_axes::wire_rank_broadcast;
use tract_onnx::tract_core::ops::math::Mul;
use tract_onnx::tract_core::{args_2, as_op, op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::binary::InferenceBinOp;
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

/// tract's operator, unless it gets symbols.
#[derive(Debug, Clone)]
struct Multiply(InferenceBinOp);

/// The product of symbolic integers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MultiplySymbols;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Mul`, version 14.
pub(crate) fn multiply(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Multiply(InferenceBinOp(Box::new(Mul)))), Vec::new()))
}

impl Expansion for Multiply {
    fn name(&self) -> StaticName {
        "Mul".into()
    }

    fn validation(&self) -> Validation {
        self.0.validation()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.0.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let types = inputs.iter().map(|input| Ok(model.outlet_fact(*input)?.datum_type));
        let types = types.collect::<TractResult<TVec<DatumType>>>()?;
        let are_integers = types.iter().all(|datum_type| datum_type.is_tdim() || datum_type.is_integer());
        if !are_integers || !types.iter().any(DatumType::is_tdim) {
            return self.0.wire(prefix, model, inputs);
        }
        let inputs = wire_rank_broadcast(prefix, model, inputs)?;
        let inputs = wire_cast(prefix, model, &inputs, DatumType::TDim)?;
        model.wire_node(prefix, MultiplySymbols, &inputs)
    }
}

impl Op for MultiplySymbols {
    fn name(&self) -> StaticName {
        "MultiplySymbols".into()
    }

    op_as_typed_op!();
}

impl EvalOp for MultiplySymbols {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (left, right) = args_2!(inputs);
        let shape: TVec<usize> = multi_broadcast(&[left.shape(), right.shape()])?;
        let (left, right) = (left.to_plain_array_view::<TDim>()?, right.to_plain_array_view::<TDim>()?);
        let broadcast = "dimensions that broadcast";
        let left = left.broadcast(&*shape).context(broadcast)?;
        let right = right.broadcast(&*shape).context(broadcast)?;
        let product = Zip::from(left)
            .and(right)
            .map_collect(|left, right| (left.clone() * right).eval(context.symbols));
        Ok(tvec![product.into_tensor().into_tvalue()])
    }
}

impl TypedOp for MultiplySymbols {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = multi_broadcast(&inputs.iter().map(|input| &input.shape).collect::<TVec<_>>())?;
        Ok(tvec![DatumType::TDim.fact(shape)])
    }

    as_op!();
}
