//! `ReverseSequence`: the first steps of each row turned around, as many as the row has.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{Axis, Slice};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

#[derive(Debug)]
struct ReverseSequence {
    rows_axis: usize,
    steps_axis: usize,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `ReverseSequence`, version 28.
pub(crate) fn reverse(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = |name: &str, default: i64| -> TractResult<usize> {
        Ok(usize::try_from(node.get_attr_opt::<i64>(name)?.unwrap_or(default))?)
    };
    let (rows_axis, steps_axis) = (axis("batch_axis", 1)?, axis("time_axis", 0)?);
    ensure!(
        rows_axis + steps_axis == 1,
        "ReverseSequence: the axes {rows_axis} and {steps_axis}, not 0 and 1"
    );
    Ok((computed(ReverseSequence { rows_axis, steps_axis }), Vec::new()))
}

impl ReverseSequence {
    fn of<T: Datum>(&self, values: &Tensor, lengths: &[i64]) -> TractResult<Tensor> {
        let view = values.to_plain_array_view::<T>()?;
        ensure!(view.ndim() >= 2, "ReverseSequence of a value with {} axes", view.ndim());
        ensure!(
            lengths.len() == view.len_of(Axis(self.rows_axis)),
            "ReverseSequence: {} lengths",
            lengths.len()
        );
        let mut found = view.to_owned();
        // The axis of the steps, once that of the rows is gone.
        let steps = Axis(self.steps_axis.saturating_sub(1));
        for (row, &length) in lengths.iter().enumerate() {
            let (from, mut to) =
                (view.index_axis(Axis(self.rows_axis), row), found.index_axis_mut(Axis(self.rows_axis), row));
            let length = usize::try_from(length).ok().filter(|&length| length <= from.len_of(steps));
            let length = Slice::from(..length.context("ReverseSequence: a length beyond the steps")?);
            let mut turned = from.slice_axis(steps, length);
            turned.invert_axis(steps);
            to.slice_axis_mut(steps, length).assign(&turned);
        }
        Ok(found.into_tensor())
    }
}

impl Kernel for ReverseSequence {
    fn name(&self) -> &'static str {
        "ReverseSequence"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (values, lengths) = (input(inputs, 0)?, input(inputs, 1)?.cast_to::<i64>()?);
        let lengths: Vec<i64> = lengths.to_plain_array_view::<i64>()?.iter().copied().collect();
        Ok(tvec![dispatch_datum!(Self::of(values.datum_type())(self, values, &lengths))?])
    }
}
