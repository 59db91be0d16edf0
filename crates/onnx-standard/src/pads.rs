//! `Pad`: by less than nothing, which cuts; around truth values; and in the modes `wrap` and `reflect`, which need as many elements as they
//! repeat: tract panics if there are fewer.

use std::sync::Arc;

use tract_onnx::model::{ParsingContext, optional_inputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{Pad, PadMode, Slice, TypedConcat};
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{axis_of, input, whole_numbers};
use crate::misfits::{self, Fit};

/// The version of ONNX from which on the pads are an input.
const WITH_INPUTS: i64 = 11;

/// What is put around a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Constant,
    /// The element at the end, again and again.
    Edge,
    /// The elements before it, backwards.
    Reflect,
    /// Those at the other end.
    Wrap,
}

#[derive(Debug, Clone)]
struct Padding {
    mode: Mode,
    /// In the node before version 11, after that in the second input.
    pads: Option<Vec<i64>>,
    /// What the node has for the constant.
    value: f32,
    /// The places of other inputs.
    constant: Option<usize>,
    axes: Option<usize>,
}

/// How much there is before and after each axis.
type Pads = Vec<(i64, i64)>;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Pad`, version 25.
pub(crate) fn pad(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let mode = match node.get_attr_opt::<&str>("mode")? {
        None | Some("constant") => Mode::Constant,
        Some("edge") => Mode::Edge,
        Some("reflect") => Mode::Reflect,
        Some("wrap") => Mode::Wrap,
        Some(other) => bail!("Pad: the mode `{other}` is not supported"),
    };
    let value = node.get_attr_opt("value")?.unwrap_or(0.0);
    let padding = if context.onnx_operator_set_version < WITH_INPUTS {
        Padding { mode, pads: Some(node.get_attr_vec("pads")?), value, constant: None, axes: None }
    } else {
        let mut places = optional_inputs(node).skip(2);
        let (constant, axes) = (places.next().flatten(), places.next().flatten());
        Padding { mode, pads: None, value, constant, axes }
    };
    Ok((expand(padding), Vec::new()))
}

/// The pads of all axes, of which some may not be named.
fn of_axes(pads: &[i64], axes: Option<&[i64]>, rank: usize) -> TractResult<Pads> {
    let axes = match axes {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, rank)).collect::<TractResult<Vec<usize>>>()?,
        None => (0..rank).collect(),
    };
    ensure!(pads.len() == 2 * axes.len(), "Pad: {} pads for {} axes", pads.len(), axes.len());
    let (before, after) = pads.split_at(axes.len());
    let mut of_axes = vec![(0, 0); rank];
    for ((axis, &before), &after) in axes.into_iter().zip(before).zip(after) {
        *of_axes.get_mut(axis).context("an axis of the value")? = (before, after);
    }
    Ok(of_axes)
}

/// A value while it is padded.
struct Padded<'m> {
    prefix: &'m str,
    model: &'m mut TypedModel,
    wire: OutletId,
}

impl Padded<'_> {
    fn dim(&self, axis: usize) -> TractResult<TDim> {
        let fact = self.model.outlet_fact(self.wire)?;
        fact.shape.get(axis).cloned().context("an axis of the value")
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}_{}", self.prefix, self.model.nodes.len())
    }

    fn of(
        &mut self,
        what: &str,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> TractResult<OutletId> {
        let name = self.name(what);
        Ok(*input(&self.model.wire_node(name, op, inputs)?, 0)?)
    }

    /// Sees that an axis has so many elements: now, or when the model runs.
    fn need(&mut self, axis: usize, n: usize) -> TractResult<()> {
        let dim = self.dim(axis)?;
        if let Ok(dim) = dim.to_usize() {
            ensure!(dim >= n, "Pad: {dim} elements along axis {axis}, at least {n} are needed");
            return Ok(());
        }
        if n > 0 {
            let name = self.name("fit");
            let fit = Fit::AtLeast { axis, n };
            self.wire = misfits::wire(self.prefix, fit, &name, self.model, &[self.wire])?;
        }
        Ok(())
    }

    /// Cuts where there are fewer elements than none.
    fn cut(&mut self, pads: &Pads) -> TractResult<()> {
        for (axis, &(before, after)) in pads.iter().enumerate() {
            let (before, after) = (before.min(0), after.min(0));
            if before < 0 || after < 0 {
                self.need(axis, usize::try_from(before.saturating_add(after).saturating_neg())?)?;
                let end = self.dim(axis)? + after;
                self.wire = self.of("cut", Slice { axis, start: (-before).to_dim(), end }, &[self.wire])?;
            }
        }
        Ok(())
    }

    /// Puts the end of each axis before it and its beginning after it.
    fn wrap(&mut self, pads: &[(usize, usize)]) -> TractResult<()> {
        for (axis, &(before, after)) in pads.iter().enumerate() {
            self.need(axis, before.max(after))?;
            let (whole, dim) = (self.wire, self.dim(axis)?);
            let mut parts = tvec![whole];
            if before > 0 {
                let end = Slice { axis, start: dim.clone() - before, end: dim };
                parts.insert(0, self.of("before", end, &[whole])?);
            }
            if after > 0 {
                let start = Slice { axis, start: 0.to_dim(), end: after.to_dim() };
                parts.push(self.of("after", start, &[whole])?);
            }
            if parts.len() > 1 {
                self.wire = self.of("wrapped", TypedConcat { axis }, &parts)?;
            }
        }
        Ok(())
    }

    fn pad(&mut self, mode: Mode, constant: Arc<Tensor>, pads: Vec<(usize, usize)>) -> TractResult<()> {
        let mode = match mode {
            Mode::Constant => PadMode::Constant(constant),
            Mode::Edge => PadMode::Edge,
            Mode::Reflect => PadMode::Reflect,
            Mode::Wrap => return self.wrap(&pads),
        };
        for (axis, &(before, after)) in pads.iter().enumerate() {
            if before > 0 || after > 0 {
                match mode {
                    PadMode::Constant(_) => {}
                    PadMode::Edge => self.need(axis, 1)?,
                    PadMode::Reflect => self.need(axis, before.max(after).saturating_add(1))?,
                }
            }
        }
        if pads.iter().any(|&pads| pads != (0, 0)) {
            self.wire = self.of("padded", Pad { pads, mode }, &[self.wire])?;
        }
        Ok(())
    }
}

impl Padding {
    /// The constant, of which tract makes the value's type.
    fn constant(&self, model: &TypedModel, inputs: &[OutletId]) -> TractResult<Arc<Tensor>> {
        let Some(place) = self.constant else { return Ok(Arc::new(tensor0(self.value))) };
        let constant = model.outlet_fact(*input(inputs, place)?)?.konst.clone();
        let constant = constant.context("Pad: a value that is constant")?;
        if constant.datum_type() == DatumType::Bool {
            return Ok(Arc::new(constant.cast_to::<u8>()?.into_owned()));
        }
        Ok(constant)
    }

    fn pads(&self, model: &TypedModel, inputs: &[OutletId], rank: usize) -> TractResult<Pads> {
        let konst = |place: usize| {
            let konst = model.outlet_fact(*input(inputs, place)?)?.konst.clone();
            let konst = konst.context("Pad: arguments that are constant")?;
            whole_numbers(&konst)
        };
        let axes = self.axes.map(konst).transpose()?;
        let pads = self.pads.clone().map_or_else(|| konst(1), Ok)?;
        of_axes(&pads, axes.as_deref(), rank)
    }
}

impl Expansion for Padding {
    fn name(&self) -> StaticName {
        "Pad".into()
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
        let places = self.pads.is_none().then_some(1).into_iter().chain(self.axes);
        let values = places.map(|place| Ok(&input(inputs, place)?.value));
        let values = values.collect::<TractResult<Vec<_>>>()?;
        solver.given(&given.shape, move |solver, shape| {
            solver.given_all(values.clone(), move |solver, values: Vec<Arc<Tensor>>| {
                let mut values = values.iter().map(|value| whole_numbers(value));
                let pads = self.pads.clone().map(Ok).or_else(|| values.next()).context("pads")??;
                let axes = values.next().transpose()?;
                let pads = of_axes(&pads, axes.as_deref(), shape.len())?;
                let padded =
                    shape.iter().zip(pads).map(|(dim, (before, after))| dim.clone() + before + after);
                solver.equals(&output.shape, padded.collect::<TVec<TDim>>())
            })
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let values = *input(inputs, 0)?;
        let fact = model.outlet_fact(values)?;
        let (rank, is_truth) = (fact.rank(), fact.datum_type == DatumType::Bool);
        let (pads, constant) = (self.pads(model, inputs, rank)?, self.constant(model, inputs)?);
        let mut padded = Padded { prefix, model, wire: values };
        padded.cut(&pads)?;
        let more = pads
            .into_iter()
            .map(|(before, after)| Ok((usize::try_from(before.max(0))?, usize::try_from(after.max(0))?)));
        let more = more.collect::<TractResult<Vec<_>>>()?;
        if is_truth && self.mode != Mode::Wrap {
            let bytes = wire_cast(format!("{prefix}.bytes"), padded.model, &[padded.wire], DatumType::U8)?;
            padded.wire = *input(&bytes, 0)?;
        }
        padded.pad(self.mode, constant, more)?;
        let wire = padded.wire;
        wire_cast(
            format!("{prefix}.truth"),
            model,
            &[wire],
            if is_truth { DatumType::Bool } else { model.outlet_fact(wire)?.datum_type },
        )
    }
}
