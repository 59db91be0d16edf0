//! `AffineGrid` and `CenterCropPad`, whose sizes are an input.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, Axis, IxDyn, Slice};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, check_room, computed, input, sizes};

/// The most axes of an input whose output has sizes that are not known.
const N_AXES_MAX: usize = 8;

#[derive(Debug)]
struct AffineGrid {
    is_to_corners: bool,
    sizes: Vec<Symbol>,
}

#[derive(Debug)]
struct CenterCropPad {
    /// All if none.
    axes: Option<Vec<i64>>,
    sizes: Vec<Symbol>,
}

fn symbols(context: &ParsingContext<'_>) -> Vec<Symbol> {
    (0..N_AXES_MAX).map(|_| context.template.symbols.new_with_prefix("size")).collect()
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `AffineGrid`, version 20.
pub(crate) fn affine_grid(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let is_to_corners = node.get_attr_opt::<i64>("align_corners")? == Some(1);
    Ok((computed(AffineGrid { is_to_corners, sizes: symbols(context) }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `CenterCropPad`, version 18.
pub(crate) fn center_crop_pad(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axes = node.get_attr_opt_vec::<i64>("axes")?;
    Ok((computed(CenterCropPad { axes, sizes: symbols(context) }), Vec::new()))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of grids are exact")]
const fn number(whole: usize) -> f64 {
    whole as f64
}

impl AffineGrid {
    /// The place of a point along an axis, from minus one to one.
    fn place(&self, point: usize, n_points: usize) -> f64 {
        if self.is_to_corners {
            -1.0 + 2.0 * number(point) / number(n_points.saturating_sub(1).max(1))
        } else {
            (2.0 * number(point) + 1.0) / number(n_points.max(1)) - 1.0
        }
    }
}

impl Kernel for AffineGrid {
    fn name(&self) -> &'static str {
        "AffineGrid"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, theta) = input(inputs, 0)?;
        let [rows, n_axes, _] = theta.as_slice() else {
            bail!("AffineGrid of matrices with {} axes", theta.len())
        };
        let sizes = self.sizes.get(..n_axes.to_usize()?).context("AffineGrid in two or three dimensions")?;
        let mut shape = tvec![rows.clone()];
        shape.extend(sizes.iter().map(|size| TDim::from(size.clone())));
        shape.push(n_axes.clone());
        Ok(tvec![(*datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let given = input(inputs, 0)?;
        let theta = given.cast_to::<f64>()?;
        let theta = theta.to_plain_array_view::<f64>()?;
        let sizes = sizes(input(inputs, 1)?)?;
        let sizes = sizes.get(2..).context("AffineGrid: the sizes of images")?;
        ensure!(theta.shape().get(1) == Some(&sizes.len()), "AffineGrid: matrices of {:?}", theta.shape());
        let n_rows = theta.shape().first().copied().unwrap_or(0);
        let shape: Vec<usize> =
            [n_rows].into_iter().chain(sizes.iter().copied()).chain([sizes.len()]).collect();
        check_room(&shape, size_of::<f64>())?;
        let grid = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            let (row, to) = (at[0], at[sizes.len() + 1]);
            let weight = |from: usize| theta.get([row, to, from]).copied().unwrap_or(f64::NAN);
            let moved = sizes.iter().enumerate().map(|(axis, &size)| {
                // Coordinates are in the other order: the last axis is the first.
                weight(sizes.len() - 1 - axis) * self.place(at[axis + 1], size)
            });
            moved.sum::<f64>() + weight(sizes.len())
        });
        Ok(tvec![grid.into_tensor().cast_to_dt(given.datum_type())?.into_owned()])
    }
}

impl CenterCropPad {
    fn axes(&self, rank: usize) -> TractResult<Vec<usize>> {
        match &self.axes {
            Some(axes) => axes.iter().map(|&axis| axis_of(axis, rank)).collect(),
            None => Ok((0..rank).collect()),
        }
    }

    fn of<T: Datum + Default>(&self, values: &Tensor, sizes: &[usize]) -> TractResult<Tensor> {
        let mut from = values.to_plain_array_view::<T>()?;
        let axes = self.axes(from.ndim())?;
        ensure!(axes.len() == sizes.len(), "CenterCropPad: {} sizes for {} axes", sizes.len(), axes.len());
        let mut shape = from.shape().to_vec();
        for (&axis, &size) in axes.iter().zip(sizes) {
            shape.get_mut(axis).into_iter().for_each(|dim| *dim = size);
        }
        check_room(&shape, size_of::<T>())?;
        let mut found = ArrayD::<T>::default(IxDyn(&shape));
        let mut to = found.view_mut();
        for (&axis, &size) in axes.iter().zip(sizes) {
            let n_given = from.len_of(Axis(axis));
            let middle =
                |outer: usize, inner: usize| Slice::from((outer - inner) / 2..(outer - inner) / 2 + inner);
            if n_given >= size {
                from.slice_axis_inplace(Axis(axis), middle(n_given, size));
            } else {
                to.slice_axis_inplace(Axis(axis), middle(size, n_given));
            }
        }
        ensure!(to.shape() == from.shape(), "CenterCropPad: an axis twice");
        to.assign(&from);
        Ok(found.into_tensor())
    }
}

impl Kernel for CenterCropPad {
    fn name(&self) -> &'static str {
        "CenterCropPad"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, mut shape) = input(inputs, 0)?.clone();
        let rank = shape.len();
        for axis in self.axes(rank)? {
            let size = self.sizes.get(axis).context("CenterCropPad of a value with more than eight axes")?;
            shape.get_mut(axis).into_iter().for_each(|dim| *dim = size.clone().into());
        }
        Ok(tvec![(datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (values, sizes) = (input(inputs, 0)?, sizes(input(inputs, 1)?)?);
        Ok(tvec![dispatch_datum!(Self::of(values.datum_type())(self, values, &sizes))?])
    }
}
