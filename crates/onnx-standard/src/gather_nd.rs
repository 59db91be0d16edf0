//! `GatherND` that checks its indices: tract panics if one lies beyond its axis.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

#[derive(Debug)]
struct GatherNd {
    /// How many first axes data and indices have in common.
    n_batch: usize,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `GatherND`, version 13.
pub(crate) fn gather_nd(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let n_batch = usize::try_from(node.get_attr_opt::<i64>("batch_dims")?.unwrap_or(0))?;
    Ok((computed(GatherNd { n_batch }), Vec::new()))
}

impl GatherNd {
    /// The shape of the output, and how many axes an index counts.
    fn shape<D: DimLike>(&self, data: &[D], indices: &[D]) -> TractResult<(TVec<D>, usize)> {
        let (last, outer) = indices.split_last().context("GatherND: indices without axes")?;
        let n_counted = last.to_usize()?;
        let inner =
            data.get(self.n_batch + n_counted..).context("GatherND: indices of more axes than there are")?;
        Ok((outer.iter().chain(inner).cloned().collect(), n_counted))
    }

    fn of<T: Datum>(&self, data: &Tensor, indices: &Tensor) -> TractResult<Tensor> {
        let (shape, _) = self.shape(data.shape(), indices.shape())?;
        let (view, indices) = (data.to_plain_array_view::<T>()?, indices.to_plain_array_view::<i64>()?);
        let lanes = indices.lanes(Axis(indices.ndim().saturating_sub(1)));
        let per_batch: usize = indices.shape().iter().skip(self.n_batch).rev().skip(1).product();
        let batch = data.shape().get(..self.n_batch).context("GatherND: fewer axes than batches")?;
        let mut found: Vec<T> = Vec::with_capacity(shape.iter().product());
        for (idx, lane) in lanes.into_iter().enumerate() {
            let mut part = view.view();
            let mut left = idx / per_batch.max(1);
            let mut places: Vec<usize> = Vec::new();
            for &size in batch.iter().rev() {
                places.push(left % size.max(1));
                left /= size.max(1);
            }
            places.reverse();
            for place in places {
                part = at(part, i64::try_from(place)?)?;
            }
            for &index in lane {
                part = at(part, index)?;
            }
            found.extend(part.iter().cloned());
        }
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), found)?.into_tensor())
    }
}

/// What lies in a place of the first axis, counted from the end if it is negative.
fn at<T>(view: ArrayViewD<'_, T>, index: i64) -> TractResult<ArrayViewD<'_, T>> {
    let n_places = view.shape().first().copied().unwrap_or(0);
    let from_front = if index < 0 { index + i64::try_from(n_places)? } else { index };
    let place = usize::try_from(from_front).ok().filter(|&place| place < n_places);
    let place =
        place.with_context(|| format!("the index {index} lies beyond an axis of {n_places} places"))?;
    Ok(view.index_axis_move(Axis(0), place))
}

impl Kernel for GatherNd {
    fn name(&self) -> &'static str {
        "GatherND"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let ((datum_type, data), (_, indices)) = (input(inputs, 0)?, input(inputs, 1)?);
        Ok(tvec![(*datum_type, self.shape(data, indices)?.0)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (data, indices) = (input(inputs, 0)?, input(inputs, 1)?.cast_to::<i64>()?);
        Ok(tvec![dispatch_datum!(Self::of(data.datum_type())(self, data, &indices))?])
    }
}
