//! `Slice` by numbers in the file over an axis whose length is open: it takes what there is, as ONNX has it. tract takes the axis to be long
//! enough, and panics if the end is before the start. An axis is taken to have one element at least, so that the first and the last are there.

use std::sync::Arc;

use tract_onnx::model::{ParsingContext, optional_inputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{Slice as Cut, StridedSlice};
use tract_onnx::tract_core::ops::downsample::Downsample;
use tract_onnx::tract_hir::infer::{
    InferenceOp, InferenceResult, InferenceRulesOp as _, Solver, TensorProxy,
};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{axis_of, input, whole_numbers};

/// Numbers from here on stand for the end of an axis, whichever length it has; their opposites for its start.
const BEYOND: i64 = i32::MAX as i64;

/// What is cut along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    axis: usize,
    start: i64,
    end: i64,
    step: i64,
}

/// Where the bounds are.
#[derive(Debug, Clone)]
enum Given {
    /// In the node: starts, ends and axes.
    Attributes(Vec<i64>, Vec<i64>, Option<Vec<i64>>),
    /// Starts and ends are the second and third input; axes and steps may be others.
    Inputs { axes: Option<usize>, steps: Option<usize> },
}

#[derive(Debug, Clone)]
pub(crate) struct Slice {
    given: Given,
    /// tract's operator, for bounds that are symbols.
    tract: StridedSlice,
    /// Whether axes are long enough, so that what follows knows how long the part is.
    is_trusting: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Slice`, version 13; before version 10 it had attributes.
pub(crate) fn slice(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let given = if context.onnx_operator_set_version < 10 {
        let (starts, ends) = (node.get_attr_vec("starts")?, node.get_attr_vec("ends")?);
        Given::Attributes(starts, ends, node.get_attr_opt_vec("axes")?)
    } else {
        let mut places = optional_inputs(node).skip(3);
        Given::Inputs { axes: places.next().flatten(), steps: places.next().flatten() }
    };
    let (optional_axes_input, optional_steps_input) = match given {
        Given::Inputs { axes, steps } => (axes, steps),
        Given::Attributes(..) => (None, None),
    };
    let tract = StridedSlice {
        optional_axes_input,
        optional_steps_input,
        begin_mask: 0,
        end_mask: 0,
        shrink_axis_mask: 0,
    };
    Ok((expand(Slice { given, tract, is_trusting: false }), Vec::new()))
}

/// The bounds of each axis. Without axes they are those of the first ones, without steps those are 1.
fn bounds(
    starts: &[i64],
    ends: &[i64],
    axes: Option<&[i64]>,
    steps: Option<&[i64]>,
    rank: usize,
) -> TractResult<Vec<Bounds>> {
    let bounds = |(idx, (&start, &end)): (usize, (&i64, &i64))| {
        let axis = match axes {
            Some(axes) => axis_of(*input(axes, idx)?, rank)?,
            None => axis_of(i64::try_from(idx)?, rank)?,
        };
        let step = steps.map_or(Ok(1), |steps| input(steps, idx).copied())?;
        ensure!(step != 0, "Slice: a step of 0 along axis {axis}");
        Ok(Bounds { axis, start, end, step })
    };
    starts.iter().zip(ends).enumerate().map(bounds).collect()
}

impl Bounds {
    /// The elements that are cut out, before those that a step passes over are left out: from one on, up to another.
    fn range(&self, dim: &TDim, is_trusting: bool) -> (TDim, TDim) {
        if self.step > 0 { self.forwards(dim, is_trusting) } else { self.backwards(dim, is_trusting) }
    }

    fn forwards(&self, dim: &TDim, is_trusting: bool) -> (TDim, TDim) {
        let Self { start, end, .. } = *self;
        let (from, to) = (bound(start, dim, is_trusting), bound(end, dim, is_trusting));
        let is_empty = (start >= 0) == (end >= 0) && start > end;
        let is_ordered = (start >= 0) == (end >= 0) || start == 0 || start <= -BEYOND || end >= BEYOND;
        let to = if is_empty {
            from.clone()
        } else if is_ordered {
            to
        } else {
            after(&from, to, is_trusting)
        };
        (from, to)
    }

    /// The start is the last that is taken, and the end is not. An end beyond the other end is none, as ONNX Runtime has it.
    fn backwards(&self, dim: &TDim, is_trusting: bool) -> (TDim, TDim) {
        let from = match self.end {
            -1 => dim.clone(),
            end if end.saturating_abs() >= BEYOND => 0.to_dim(),
            end => bound(end + 1, dim, is_trusting),
        };
        let to = match self.start {
            -1 => dim.clone(),
            start if start >= BEYOND => dim.clone(),
            start if start <= -BEYOND => 1.to_dim(),
            start if start < 0 => bound(start + 1, dim, is_trusting).maxi(1.to_dim()),
            start => bound(start + 1, dim, is_trusting),
        };
        let to = if from == 0.to_dim() { to } else { after(&from, to, is_trusting) };
        (from, to)
    }

    fn length(&self, dim: &TDim, is_trusting: bool) -> TDim {
        let (from, to) = self.range(dim, is_trusting);
        (to - from).divceil(usize::try_from(self.step.unsigned_abs()).unwrap_or(usize::MAX))
    }
}

/// The end of a part that is empty if it would end before it begins.
fn after(from: &TDim, to: TDim, is_trusting: bool) -> TDim {
    let length = to.clone() - from;
    if length.prove_strict_negative() {
        from.clone()
    } else if is_trusting || length.prove_positive_or_zero() {
        to
    } else {
        to.maxi(from.clone())
    }
}

/// A number that counts elements, from the end if it is negative, within an axis.
fn bound(number: i64, dim: &TDim, is_trusting: bool) -> TDim {
    if number >= BEYOND {
        return dim.clone();
    }
    if number <= -BEYOND {
        return 0.to_dim();
    }
    let is_there = dim.to_i64().is_err() && (is_trusting || number.abs() <= 1);
    match (number >= 0, is_there) {
        (true, true) => number.to_dim(),
        (true, false) => number.to_dim().mini(dim.clone()),
        (false, true) => dim.clone() + number,
        (false, false) => (dim.clone() + number).maxi(0.to_dim()),
    }
}

impl Slice {
    /// Trusts axes to be long enough.
    pub(crate) const fn trust(&mut self) {
        self.is_trusting = true;
    }

    /// The bounds, if they are numbers. The values are those of the inputs from the second on.
    fn bounds(&self, values: &[Option<Arc<Tensor>>], rank: usize) -> TractResult<Option<Vec<Bounds>>> {
        let (axes, steps) = match &self.given {
            Given::Attributes(starts, ends, axes) => {
                return bounds(starts, ends, axes.as_deref(), None, rank).map(Some);
            }
            Given::Inputs { axes, steps } => (axes, steps),
        };
        let of = |place: usize| {
            input(values, place - 1).map(|value| value.as_deref().and_then(|value| whole_numbers(value).ok()))
        };
        let (Some(starts), Some(ends)) = (of(1)?, of(2)?) else { return Ok(None) };
        let (axes, steps) = (axes.map(of).transpose()?, steps.map(of).transpose()?);
        if axes == Some(None) || steps == Some(None) {
            return Ok(None);
        }
        bounds(&starts, &ends, axes.flatten().as_deref(), steps.flatten().as_deref(), rank).map(Some)
    }

    fn shape(&self, shape: &[TDim], bounds: &[Bounds]) -> TVec<TDim> {
        let mut cut: TVec<TDim> = shape.into();
        for bounds in bounds {
            if let Some(dim) = cut.get_mut(bounds.axis) {
                *dim = bounds.length(dim, self.is_trusting);
            }
        }
        cut
    }
}

impl Expansion for Slice {
    fn name(&self) -> StaticName {
        "Slice".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (given, output) = (input(inputs, 0)?, input(outputs, 0)?);
        solver.equals(&output.datum_type, &given.datum_type)?;
        solver.equals(&output.rank, &given.rank)?;
        if let Some(axes) = self.tract.optional_axes_input {
            solver.given_2(&input(inputs, axes)?.value, &given.rank, move |solver, axes, rank| {
                let axes = whole_numbers(&axes).unwrap_or_default();
                let is_cut = |axis: i64| axes.iter().any(|&cut| cut == axis || cut + rank == axis);
                for axis in (0..rank).filter(|&axis| !is_cut(axis)) {
                    let axis = usize::try_from(axis)?;
                    solver.equals(&output.shape[axis], &given.shape[axis])?;
                }
                Ok(())
            })?;
        }
        solver.given(&given.shape, move |solver, shape| {
            let values = inputs.iter().skip(1).map(|input| &input.value);
            solver.given_all(values, move |solver, values: Vec<Arc<Tensor>>| {
                let values: Vec<_> = values.into_iter().map(Some).collect();
                match self.bounds(&values, shape.len())? {
                    Some(bounds) => solver.equals(&output.shape, self.shape(&shape, &bounds)),
                    None => self.tract.rules(solver, inputs, outputs),
                }
            })
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let mut wire = *input(inputs, 0)?;
        let shape = model.outlet_fact(wire)?.shape.to_tvec();
        let values = inputs.iter().skip(1).map(|input| Ok(model.outlet_fact(*input)?.konst.clone()));
        let values = values.collect::<TractResult<Vec<_>>>()?;
        let Some(bounds) = self.bounds(&values, shape.len())? else {
            ensure!(values.iter().all(Option::is_some), "Slice: bounds that are constant");
            return model.wire_node(prefix, self.tract.clone(), inputs);
        };
        for bounds @ Bounds { axis, step, .. } in bounds {
            let (start, end) = bounds.range(input(&shape, axis)?, self.is_trusting);
            let name = format!("{prefix}.axis_{axis}");
            wire = *input(&model.wire_node(name, Cut { axis, start, end }, &[wire])?, 0)?;
            if step != 1 {
                let stride = isize::try_from(step)?;
                let name = format!("{prefix}.step_{axis}");
                wire = *input(&model.wire_node(name, Downsample { axis, stride, modulo: 0 }, &[wire])?, 0)?;
            }
        }
        Ok(tvec![wire])
    }
}
