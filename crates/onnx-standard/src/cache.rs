//! `TensorScatter`: new steps written into a cache, in a place of its own for each row.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::Axis;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed, input};

#[derive(Debug)]
struct TensorScatter {
    axis: i64,
    /// Whether what goes beyond the end is written at the beginning.
    is_circular: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `TensorScatter`, version 24.
pub(crate) fn tensor_scatter(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let is_circular = match node.get_attr_opt::<&str>("mode")? {
        None | Some("linear") => false,
        Some("circular") => true,
        Some(other) => bail!("TensorScatter: the mode is `{other}`, expected linear or circular"),
    };
    Ok((
        computed(TensorScatter { axis: node.get_attr_opt::<i64>("axis")?.unwrap_or(-2), is_circular }),
        Vec::new(),
    ))
}

impl TensorScatter {
    fn of<T: Datum>(&self, cache: &Tensor, update: &Tensor, starts: &[i64]) -> TractResult<Tensor> {
        let axis =
            axis_of(self.axis, cache.rank())?.checked_sub(1).context("TensorScatter along the rows")?;
        let mut found = cache.to_plain_array_view::<T>()?.to_owned();
        let update = update.to_plain_array_view::<T>()?;
        let n_rows = found.len_of(Axis(0));
        ensure!(
            update.ndim() == found.ndim() && update.len_of(Axis(0)) == n_rows,
            "TensorScatter: rows that fit"
        );
        for (row, (mut cache, update)) in found.outer_iter_mut().zip(update.outer_iter()).enumerate() {
            let start = usize::try_from(starts.get(row).copied().unwrap_or(0))?;
            let n_steps = cache.len_of(Axis(axis));
            for (idx, step) in update.axis_iter(Axis(axis)).enumerate() {
                let place = start.saturating_add(idx);
                let place =
                    if self.is_circular { (start % n_steps.max(1) + idx) % n_steps.max(1) } else { place };
                ensure!(place < n_steps, "TensorScatter: step {place} of a cache of {n_steps}");
                let mut to = cache.index_axis_mut(Axis(axis), place);
                ensure!(
                    to.shape() == step.shape(),
                    "TensorScatter: steps of {:?} for {:?}",
                    step.shape(),
                    to.shape()
                );
                to.assign(&step);
            }
        }
        Ok(found.into_tensor())
    }
}

impl Kernel for TensorScatter {
    fn name(&self) -> &'static str {
        "TensorScatter"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (cache, update) = (input(inputs, 0)?, input(inputs, 1)?);
        let starts: Vec<i64> = match inputs.get(2) {
            Some(starts) => starts.cast_to::<i64>()?.to_plain_array_view::<i64>()?.iter().copied().collect(),
            None => Vec::new(),
        };
        Ok(tvec![dispatch_datum!(Self::of(cache.datum_type())(self, cache, update, &starts))?])
    }
}
