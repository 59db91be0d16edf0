//! `ReduceMax` and `ReduceMin` of floating-point numbers and of truth values. tract's begin with the largest finite number, so an infinity among
//! infinities becomes that, which the masks of attention are full of; and they know no truth values.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::Axis;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::bodies;
use crate::kernel::{Kernel, Port, input, into_computed};
use crate::late::trial;

/// tract's operator, which makes one of these for numbers that have infinities.
#[derive(Debug, Clone)]
struct Extremes(Box<dyn Expansion>);

/// The largest or the smallest element along axes that are kept; not a number if there is one that is none.
#[derive(Debug)]
struct Extreme {
    axes: TVec<usize>,
    is_largest: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operators `ReduceMax` and `ReduceMin`, version 20.
pub(crate) fn reduce(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Extremes(crate::tracts(context, node)?)), Vec::new()))
}

/// What is computed here in the place of tract's reduction, if it is one of these.
fn replacement(node: &TypedNode, model: &TypedModel) -> TractResult<Option<Extreme>> {
    let Some(reduce) = node.op_as::<Reduce>() else { return Ok(None) };
    let is_largest = match reduce.reducer {
        Reducer::Max => true,
        Reducer::Min => false,
        _ => return Ok(None),
    };
    let fact = model.outlet_fact(*input(&node.inputs, 0)?)?;
    Ok(fact.datum_type.is_float().then(|| Extreme { axes: reduce.axes.clone(), is_largest }))
}

impl Expansion for Extremes {
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
        let values = *input(inputs, 0)?;
        if model.outlet_fact(values)?.datum_type != DatumType::Bool {
            return self.numbers(prefix, model, inputs);
        }
        let mut bytes = wire_cast(format!("{prefix}.bytes"), model, &[values], DatumType::U8)?;
        bytes.extend(inputs.iter().skip(1).copied());
        let found = self.numbers(prefix, model, &bytes)?;
        wire_cast(format!("{prefix}.truth"), model, &found, DatumType::Bool)
    }
}

impl Extremes {
    /// Wires tract's nodes apart, where it does not know the numbers: it would answer at once, with its own reduction.
    fn numbers(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let facts = inputs.iter().map(|outlet| Ok(model.outlet_fact(*outlet)?.clone()));
        let mut facts = facts.collect::<TractResult<Vec<TypedFact>>>()?;
        facts.first_mut().into_iter().for_each(|values| *values = values.without_value());
        let (mut apart, sources) = trial(&facts, &model.symbols)?;
        let outlets = self.0.wire(prefix, &mut apart, &sources)?;
        apart.select_output_outlets(&outlets)?;
        bodies::inline("", &apart, model, inputs, |node| {
            Ok(replacement(node, &apart)?.map_or_else(|| node.op.clone(), into_computed))
        })
    }
}

impl Kernel for Extreme {
    fn name(&self) -> &'static str {
        if self.is_largest { "ReduceMax" } else { "ReduceMin" }
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, shape) = input(inputs, 0)?;
        let kept =
            |(axis, dim): (usize, &TDim)| if self.axes.contains(&axis) { 1.to_dim() } else { dim.clone() };
        Ok(tvec![(*datum_type, shape.iter().enumerate().map(kept).collect())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        let end = if self.is_largest { f32::NEG_INFINITY } else { f32::INFINITY };
        Ok(tvec![match values.datum_type() {
            DatumType::F16 => self.of(values, f16::from_f32(end))?,
            DatumType::F32 => self.of(values, end)?,
            DatumType::F64 => self.of(values, f64::from(end))?,
            other => bail!("{other:?} is no type of floating-point numbers"),
        }])
    }

    fn keeps_rows(&self, axis: usize) -> bool {
        !self.axes.contains(&axis)
    }
}

impl Extreme {
    /// The extreme of what is left and `end`, the value beyond all others.
    fn of<T: Datum + Copy + PartialOrd>(&self, values: &Tensor, end: T) -> TractResult<Tensor> {
        let view = values.to_plain_array_view::<T>()?;
        let is_beyond = |value: T, kept: T| if self.is_largest { value > kept } else { value < kept };
        let is_none = |value: &T| value.partial_cmp(value).is_none();
        let further = |&kept: &T, &value: &T| {
            if is_none(&kept) || (!is_none(&value) && !is_beyond(value, kept)) { kept } else { value }
        };
        let mut found = view.to_owned();
        for &axis in &self.axes {
            found = found.fold_axis(Axis(axis), end, further).insert_axis(Axis(axis));
        }
        Ok(found.into_tensor())
    }
}
