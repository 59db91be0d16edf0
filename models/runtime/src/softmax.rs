//! A softmax whose answer to a row does not depend on where the row lies. tract's own sums a row in groups that begin where memory is aligned,
//! so the same ten numbers had other last bits in another place of a batch. It takes the place of tract's in a plan that is optimised.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};
use tract_onnx::tract_core::{args_1, as_op, op_as_typed_op, op_out_of_plan};

/// How many sums a row has, each of every so many elements.
const LANES: usize = 4;

/// Softmax over the last axes of FP32 numbers.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct RowSoftmax {
    n_axes: usize,
}

/// Puts the softmax of this file in the place of tract's, wherever a row is a run of FP32 numbers.
pub(crate) fn replace(mut model: TypedModel) -> TypedModel {
    for node in &mut model.nodes {
        let is_fp32 = node.outputs.iter().all(|output| output.fact.datum_type == DatumType::F32);
        let rank = node.outputs.first().map_or(0, |output| output.fact.rank());
        if is_fp32
            && let Some(softmax) = node.op_as::<Softmax>()
            && softmax.kind == SoftmaxKind::Softmax
            && is_last(&softmax.axes, rank)
        {
            node.op = Box::new(RowSoftmax { n_axes: softmax.axes.len() });
        }
    }
    model
}

/// Whether the axes are the last ones.
fn is_last(axes: &[usize], rank: usize) -> bool {
    !axes.is_empty() && (rank.saturating_sub(axes.len())..rank).all(|axis| axes.contains(&axis))
}

impl Op for RowSoftmax {
    fn name(&self) -> StaticName {
        "RowSoftmax".into()
    }

    op_as_typed_op!();
}

impl EvalOp for RowSoftmax {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut output = args_1!(inputs).into_tensor();
        let row_axes = output.shape().iter().rev().take(self.n_axes);
        let row_len: usize = row_axes.product();
        if row_len > 0 {
            let mut numbers = output.try_as_plain_ram_mut()?;
            numbers.as_slice_mut::<f32>()?.chunks_mut(row_len).for_each(softmax);
        }
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for RowSoftmax {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let input = inputs.first().context("expected one input, found none")?;
        Ok(tvec!(input.datum_type.fact(input.shape.clone())))
    }

    as_op!();
}

/// Each number's share of the sum of exponentials, in an order that only the row's length decides.
///
/// Source: ONNX, operator `Softmax`, version 13.
fn softmax(row: &mut [f32]) {
    // Not `f32::max`, which is a call in Wasm; a number that is none is not the largest by either.
    let larger = |max: f32, number: f32| if number > max { number } else { max };
    let max = row.iter().copied().fold(f32::NEG_INFINITY, larger);
    for number in &mut *row {
        *number = libm::expf(*number - max);
    }
    let mut sums = [0.0_f32; LANES];
    for numbers in row.chunks(LANES) {
        for (sum, number) in sums.iter_mut().zip(numbers) {
            *sum += number;
        }
    }
    let sum: f32 = sums.iter().sum();
    for number in row {
        *number /= sum;
    }
}
