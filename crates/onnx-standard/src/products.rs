//! `MatMul` of sizes that are open: tract multiplies whatever it gets, so a node before it tells if the columns of the one are not as many as the
//! rows of the other; and of INT64. `Gemm` of FP64 and FP16: tract's factors are FP32. `FusedMatMul` of ONNX Runtime.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::change_axes::wire_with_rank_broadcast;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::{add, mul};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};
use tract_onnx::tract_hir::ops::matmul::{MatMulInference, compute_shapes};

use crate::kernel::{input, wire_with_number};
use crate::misfits::{self, Fit, summed};

/// tract's operator, after the check.
#[derive(Debug, Clone)]
struct Product(Box<dyn Expansion>);

/// tract's operator, and `alpha A B + beta C` where its factors are of another type.
#[derive(Debug, Clone)]
struct Gemm {
    tract: Box<dyn Expansion>,
    alpha: f32,
    beta: f32,
    /// Whether the columns of A and B are their rows.
    are_turned: [bool; 2],
}

/// `alpha A B`, where the last two axes of the factors may be turned.
#[derive(Debug, Clone)]
struct Fused {
    alpha: f32,
    are_turned: [bool; 2],
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `MatMul`, version 13.
pub(crate) fn matrix_product(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Product(crate::tracts(context, node)?)), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Gemm`, version 13.
pub(crate) fn gemm(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let factor = |name: &str| -> TractResult<f32> { Ok(node.get_attr_opt(name)?.unwrap_or(1.0)) };
    let is_turned = |name: &str| -> TractResult<bool> { Ok(node.get_attr_opt(name)?.unwrap_or(false)) };
    let are_turned = [is_turned("transA")?, is_turned("transB")?];
    let tract = crate::tracts(context, node)?;
    Ok((expand(Gemm { tract, alpha: factor("alpha")?, beta: factor("beta")?, are_turned }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX Runtime, `docs/ContribOperators.md`, operator `com.microsoft.FusedMatMul`.
pub(crate) fn fused(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let is_set = |name: &str| -> TractResult<bool> { Ok(node.get_attr_opt(name)?.unwrap_or(false)) };
    for name in ["transBatchA", "transBatchB"] {
        ensure!(!is_set(name)?, "FusedMatMul with `{name}` is not supported");
    }
    let alpha = node.get_attr_opt("alpha")?.unwrap_or(1.0);
    Ok((expand(Fused { alpha, are_turned: [is_set("transA")?, is_set("transB")?] }), Vec::new()))
}

impl Expansion for Product {
    fn name(&self) -> StaticName {
        self.0.name()
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
        let (mut left, right) = (*input(inputs, 0)?, *input(inputs, 1)?);
        let [columns, rows] = summed(&model.outlet_fact(left)?.shape, &model.outlet_fact(right)?.shape)?;
        if columns != rows {
            left = misfits::wire(prefix, Fit::Factors, &format!("{prefix}.fit"), model, &[left, right])?;
        }
        match model.outlet_fact(left)?.datum_type {
            DatumType::I64 | DatumType::U32 | DatumType::U64 => of_whole(prefix, model, [left, right]),
            _ => self.0.wire(prefix, model, &[left, right]),
        }
    }
}

/// The product of whole numbers that tract has no loops for: it panics at them.
fn of_whole(
    prefix: &str,
    model: &mut TypedModel,
    [left, right]: [OutletId; 2],
) -> TractResult<TVec<OutletId>> {
    let left = misfits::wire(prefix, Fit::Pairs, &format!("{prefix}.room"), model, &[left, right])?;
    let ranks = [model.outlet_fact(left)?.rank(), model.outlet_fact(right)?.rank()];
    let (mut rows, mut columns) = (tvec![left], tvec![right]);
    if ranks[1] > 1 {
        rows = model.wire_node(format!("{prefix}.rows"), AxisOp::Add(ranks[0]), &rows)?;
        if ranks[0] > 1 {
            columns = model.wire_node(format!("{prefix}.columns"), AxisOp::Add(ranks[1] - 2), &columns)?;
        }
    }
    let pairs = [*input(&rows, 0)?, *input(&columns, 0)?];
    let pairs = wire_with_rank_broadcast(format!("{prefix}.pairs"), model, mul(), &pairs)?;
    let rank = model.outlet_fact(*input(&pairs, 0)?)?.rank();
    let summed = if ranks[1] > 1 { rank - 2 } else { rank - 1 };
    let sum = Reduce { axes: tvec![summed], reducer: Reducer::Sum };
    let sums = model.wire_node(format!("{prefix}.sums"), sum, &pairs)?;
    model.wire_node(prefix, AxisOp::Rm(summed), &sums)
}

/// A value times a number.
fn times(prefix: &str, model: &mut TypedModel, value: OutletId, factor: f32) -> TractResult<OutletId> {
    wire_with_number(prefix, model, mul(), value, tensor0(factor))
}

impl Expansion for Gemm {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.tract.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let datum_type = model.outlet_fact(*input(inputs, 0)?)?.datum_type;
        if datum_type == DatumType::F32 {
            return self.tract.wire(prefix, model, inputs);
        }
        let [is_left_turned, is_right_turned] = self.are_turned;
        let axes = AxesMapping::for_numpy_matmul(2, is_left_turned, is_right_turned, false)?;
        let factors = [*input(inputs, 0)?, *input(inputs, 1)?];
        let product = EinSum::new(axes, datum_type);
        let product = *input(&model.wire_node(format!("{prefix}.product"), product, &factors)?, 0)?;
        let product = times(&format!("{prefix}.alpha"), model, product, self.alpha)?;
        let Some(&more) = inputs.get(2) else { return Ok(tvec![product]) };
        let more = times(&format!("{prefix}.beta"), model, more, self.beta)?;
        wire_with_rank_broadcast(prefix, model, add(), &[product, more])
    }
}

/// A factor with its last two axes exchanged, if it has two.
fn turned(prefix: &str, model: &mut TypedModel, factor: OutletId) -> TractResult<OutletId> {
    let rank = model.outlet_fact(factor)?.rank();
    if rank < 2 {
        return Ok(factor);
    }
    Ok(*input(&model.wire_node(prefix, AxisOp::Move(rank - 2, rank - 1), &[factor])?, 0)?)
}

impl Expansion for Fused {
    fn name(&self) -> StaticName {
        "FusedMatMul".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let [left, right] = inputs else { bail!("FusedMatMul of {} factors", inputs.len()) };
        let output = input(outputs, 0)?;
        solver.equals(&left.datum_type, &right.datum_type)?;
        solver.equals(&left.datum_type, &output.datum_type)?;
        solver.given_2(&left.shape, &right.shape, move |solver, left, right| {
            let [is_left_turned, is_right_turned] = self.are_turned;
            let (.., shape) = compute_shapes(left, right, is_left_turned, is_right_turned, false)?;
            solver.equals(&output.shape, shape)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let [mut left, mut right] = [*input(inputs, 0)?, *input(inputs, 1)?];
        let [is_left_turned, is_right_turned] = self.are_turned;
        if is_left_turned {
            left = turned(&format!("{prefix}.left"), model, left)?;
        }
        if is_right_turned {
            right = turned(&format!("{prefix}.right"), model, right)?;
        }
        let product = Product(Box::new(MatMulInference::default()));
        let product = product.wire(&format!("{prefix}.product"), model, &[left, right])?;
        Ok(tvec![times(prefix, model, *input(&product, 0)?, self.alpha)?])
    }
}
