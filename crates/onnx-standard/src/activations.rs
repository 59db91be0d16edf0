//! `Celu`, `Swish` and `SwiGLU`: tract's leave the factor `alpha` out, or are not there. `LogSoftmax` and `Softplus`: tract takes the logarithm
//! of what has become zero or infinite. `Sigmoid`: tract has none for FP64, and one for FP16 that ends at a thousandth.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_core::ops::change_axes::wire_with_rank_broadcast;
use tract_onnx::tract_core::ops::math::{abs, add, div, exp, ln, max, min, mul, neg, recip, sub};
use tract_onnx::tract_core::ops::nn::{self, Softmax, SoftmaxKind};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{axis_of, input};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Activation {
    /// `max(0, x) + min(0, alpha (exp(x / alpha) - 1))`
    Celu,
    /// `x sigmoid(alpha x)`
    Swish,
    /// The same of the first input, times the second.
    SwiGlu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `max(0, x) + ln(1 + exp(-|x|))`, which is `ln(1 + exp(x))`
    Softplus,
    /// `x - ln(sum(exp(x)))` over an axis, or over it and all after it.
    LogSoftmax { axis: i64, goes_on: bool },
}

#[derive(Debug, Clone, PartialEq)]
struct Scaled {
    activation: Activation,
    alpha: f32,
}

fn scaled(activation: Activation, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let alpha = node.get_attr_opt::<f32>("alpha")?.unwrap_or(1.0);
    Ok((expand(Scaled { activation, alpha }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Celu`, version 12.
pub(crate) fn celu(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    scaled(Activation::Celu, node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Swish`, version 24.
pub(crate) fn swish(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    scaled(Activation::Swish, node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `SwiGLU`, version 28.
pub(crate) fn swiglu(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    scaled(Activation::SwiGlu, node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Sigmoid`, version 13.
pub(crate) fn sigmoid(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    scaled(Activation::Sigmoid, node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Softplus`, version 22.
pub(crate) fn softplus(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    scaled(Activation::Softplus, node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `LogSoftmax`, version 13; before, it went over all axes from one on.
pub(crate) fn log_softmax(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let goes_on = context.onnx_operator_set_version < 13;
    let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(if goes_on { 1 } else { -1 });
    scaled(Activation::LogSoftmax { axis, goes_on }, node)
}

/// Nodes that are added one after another, with names that tell them apart.
struct Wiring<'m> {
    prefix: &'m str,
    model: &'m mut TypedModel,
    datum_type: DatumType,
}

impl Wiring<'_> {
    fn number(&mut self, value: f32) -> TractResult<OutletId> {
        let name = format!("{}.number_{}", self.prefix, self.model.nodes.len());
        self.model.add_const(name, tensor0(value).cast_to_dt(self.datum_type)?.into_owned())
    }

    fn of(&mut self, operator: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> TractResult<OutletId> {
        let name = format!("{}.step_{}", self.prefix, self.model.nodes.len());
        let found = wire_with_rank_broadcast(name, self.model, operator, inputs)?;
        Ok(*input(&found, 0)?)
    }

    fn celu(&mut self, x: OutletId, alpha: f32) -> TractResult<OutletId> {
        let (zero, one, alpha) = (self.number(0.0)?, self.number(1.0)?, self.number(alpha)?);
        let grown = self.of(div(), &[x, alpha])?;
        let grown = self.of(exp(), &[grown])?;
        let below = self.of(sub(), &[grown, one])?;
        let below = self.of(mul(), &[below, alpha])?;
        let below = self.of(min(), &[below, zero])?;
        let above = self.of(max(), &[x, zero])?;
        self.of(add(), &[above, below])
    }

    fn softplus(&mut self, x: OutletId) -> TractResult<OutletId> {
        let (zero, one) = (self.number(0.0)?, self.number(1.0)?);
        let size = self.of(abs(), &[x])?;
        let less = self.of(neg(), &[size])?;
        let shrunk = self.of(exp(), &[less])?;
        let more = self.of(add(), &[shrunk, one])?;
        let rest = self.of(ln(), &[more])?;
        let above = self.of(max(), &[x, zero])?;
        self.of(add(), &[above, rest])
    }

    fn log_softmax(&mut self, x: OutletId, axis: i64, goes_on: bool) -> TractResult<OutletId> {
        let rank = self.model.outlet_fact(x)?.rank();
        let axis = axis_of(axis, rank)?;
        let axes: TVec<usize> = if goes_on { (axis..rank).collect() } else { tvec![axis] };
        self.of(Softmax { axes, quant_output_dt: None, kind: SoftmaxKind::LogSoftmax }, &[x])
    }

    fn sigmoid(&mut self, x: OutletId) -> TractResult<OutletId> {
        match self.datum_type {
            DatumType::F16 => {
                let wide = self.cast(x, DatumType::F32)?;
                let wide = self.of(nn::sigmoid(), &[wide])?;
                self.cast(wide, DatumType::F16)
            }
            DatumType::F64 => {
                let one = self.number(1.0)?;
                let less = self.of(neg(), &[x])?;
                let shrunk = self.of(exp(), &[less])?;
                let more = self.of(add(), &[shrunk, one])?;
                self.of(recip(), &[more])
            }
            _ => self.of(nn::sigmoid(), &[x]),
        }
    }

    fn cast(&mut self, x: OutletId, to: DatumType) -> TractResult<OutletId> {
        let name = format!("{}.cast_{}", self.prefix, self.model.nodes.len());
        Ok(*input(&wire_cast(name, self.model, &[x], to)?, 0)?)
    }

    fn swish(&mut self, x: OutletId, alpha: f32) -> TractResult<OutletId> {
        let alpha = self.number(alpha)?;
        let gate = self.of(mul(), &[x, alpha])?;
        let gate = self.sigmoid(gate)?;
        self.of(mul(), &[x, gate])
    }
}

impl Expansion for Scaled {
    fn name(&self) -> StaticName {
        match self.activation {
            Activation::Celu => "Celu".into(),
            Activation::Swish => "Swish".into(),
            Activation::SwiGlu => "SwiGLU".into(),
            Activation::Sigmoid => "Sigmoid".into(),
            Activation::Softplus => "Softplus".into(),
            Activation::LogSoftmax { .. } => "LogSoftmax".into(),
        }
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let output = input(outputs, 0)?;
        for input in inputs {
            solver.equals(&output.datum_type, &input.datum_type)?;
            solver.equals(&output.shape, &input.shape)?;
        }
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let x = *input(inputs, 0)?;
        let datum_type = model.outlet_fact(x)?.datum_type;
        let mut wiring = Wiring { prefix, model, datum_type };
        let found = match self.activation {
            Activation::Celu => wiring.celu(x, self.alpha)?,
            Activation::Swish => wiring.swish(x, self.alpha)?,
            Activation::Sigmoid => wiring.sigmoid(x)?,
            Activation::Softplus => wiring.softplus(x)?,
            Activation::LogSoftmax { axis, goes_on } => wiring.log_softmax(x, axis, goes_on)?,
            Activation::SwiGlu => {
                let gate = wiring.swish(x, self.alpha)?;
                wiring.of(mul(), &[gate, *input(inputs, 1)?])?
            }
        };
        Ok(tvec![found])
    }
}
