//! Small models in FP64 between their inputs and outputs. What scikit-learn trains it computes in FP64, and some of that takes large numbers
//! from each other: distances to centres, kernels without their means, weighted sums near the boundary of two classes. In FP32 little is left of
//! the difference, and each implementation rounds it otherwise. Networks are trained in FP32, and stay so.

use std::collections::HashMap;

use tract_onnx::pb::ModelProto;
use tract_onnx::tract_core::internal::translator::Translate;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{
    Gather, GatherElements, MultiBroadcastTo, Slice, Topk, TypedConcat,
};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Reduce, Softmax};
use tract_onnx::tract_core::ops::scan::Scan;
use tract_onnx::tract_core::ops::source::TypedSource;

/// The domain that exporters of classic models import, and others do not.
const CLASSIC_DOMAIN: &str = "ai.onnx.ml";

/// The most numbers that the matrices of a small model have together: beyond, speed matters, and tract multiplies FP32 faster.
const MOST_WEIGHTS: usize = 512;

/// Operators of one or two numbers that tract has for FP64, by its names.
const OF_ONE: [&str; 13] =
    ["Abs", "Ceil", "Exp", "Floor", "Ln", "Neg", "Recip", "Round", "Rsqrt", "Sign", "Sqrt", "Square", "Tanh"];
const OF_TWO: [&str; 14] =
    ["Add", "Div", "Eq", "GT", "GTE", "LT", "LTE", "Max", "Min", "Mul", "NE", "Pow", "Sub", "SubF"];

/// Whether the file is of a classic model, by what it imports.
#[must_use]
pub fn is_classic(proto: &ModelProto) -> bool {
    proto.opset_import.iter().any(|import| import.domain == CLASSIC_DOMAIN)
}

/// The model in FP64 between its inputs and outputs, which stay as they were; none if it is not small or cannot be. An operator that knows
/// only FP32 keeps it. A search for nearest neighbours does so as a whole: which of two is nearer is often a matter of rounding, and an
/// answer that is rounded otherwise has another neighbour.
#[must_use]
pub fn widen(model: &TypedModel) -> Option<TypedModel> {
    let stays = |node: &TypedNode| node.op_is::<Conv>() || node.op_is::<Deconv>() || node.op_is::<Topk>();
    if model.nodes.iter().any(stays) || n_weights(model).ok()? > MOST_WEIGHTS {
        return None;
    }
    Widen { is_body: false }.translate_model(model).ok()
}

/// How many numbers the matrices have that rows are multiplied by: all whose sizes are known.
fn n_weights(model: &TypedModel) -> TractResult<usize> {
    let mut n_weights = 0;
    for node in model.nodes.iter().filter(|node| node.op_is::<EinSum>()) {
        for input in &node.inputs {
            let shape = model.outlet_fact(*input)?.shape.as_concrete();
            n_weights += shape.map_or(0, |shape| shape.iter().product());
        }
    }
    Ok(n_weights)
}

/// From FP32 to FP64. A body's inputs and outputs are FP64 too.
#[derive(Debug)]
struct Widen {
    is_body: bool,
}

impl Translate<TypedFact, Box<dyn TypedOp>, TypedFact, Box<dyn TypedOp>> for Widen {
    fn translate_node(
        &self,
        source: &TypedModel,
        node: &TypedNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let op = self.wide_op(source, node)?;
        let is_output = (0..node.outputs.len()).any(|slot| source.outputs.contains(&(node.id, slot).into()));
        let is_rounded = is_output && !self.is_body && op.is_some() && node.outputs.iter().any(is_fp32);
        let name = if is_rounded { format!("{}.unrounded", node.name) } else { node.name.clone() };
        let inputs = node.inputs.iter().map(|input| {
            let mapped = mapping.get(input).copied().context("nodes come after their inputs")?;
            Ok((mapped, source.outlet_fact(*input)?.datum_type))
        });
        let inputs = inputs.collect::<TractResult<TVec<_>>>()?;
        let inputs = cast(target, &format!("{name}.input"), &inputs, op.is_some())?;
        let outputs = target.wire_node(name, op.unwrap_or_else(|| node.op.clone()), &inputs)?;
        let types = node.outputs.iter().map(|output| output.fact.datum_type);
        let typed: TVec<_> = outputs.iter().copied().zip(types).collect();
        if is_rounded {
            cast(target, &node.name, &typed, false)
        } else if is_output && self.is_body {
            cast(target, &format!("{}.wide", node.name), &typed, true)
        } else {
            Ok(outputs)
        }
    }
}

fn is_fp32(outlet: &Outlet<TypedFact>) -> bool {
    outlet.fact.datum_type == DatumType::F32
}

/// The type that a value of that type has in a wide model.
fn wide(datum_type: DatumType) -> DatumType {
    if datum_type == DatumType::F32 { DatumType::F64 } else { datum_type }
}

impl Widen {
    /// The operator for FP64; none if it stays as it is.
    fn wide_op(&self, model: &TypedModel, node: &TypedNode) -> TractResult<Option<Box<dyn TypedOp>>> {
        let op: Box<dyn TypedOp> = if let Some(source) = node.op.downcast_ref::<TypedSource>() {
            let mut fact = source.fact.clone();
            if self.is_body {
                fact.datum_type = wide(fact.datum_type);
            }
            Box::new(TypedSource::new(fact))
        } else if let Some(constant) = node.op.downcast_ref::<Const>() {
            let value = constant.val().cast_to_dt(wide(constant.val().datum_type()))?;
            Box::new(Const::new(value.into_owned().into_arc_tensor())?)
        } else if let Some(cast) = node.op.downcast_ref::<Cast>() {
            Box::new(Cast { to: wide(cast.to) })
        } else if let Some(of_one) = node.op.downcast_ref::<ElementWiseOp>() {
            if !OF_ONE.contains(&of_one.0.name().as_str()) {
                return Ok(None);
            }
            Box::new(ElementWiseOp(of_one.0.clone(), of_one.1.map(wide)))
        } else if let Some(of_two) = node.op.downcast_ref::<TypedBinOp>() {
            if !OF_TWO.contains(&of_two.0.name()) || is_power_of_one_number(model, node)? {
                return Ok(None);
            }
            Box::new(TypedBinOp(of_two.0.clone(), of_two.1.map(wide)))
        } else if let Some(product) = node.op.downcast_ref::<EinSum>() {
            Box::new(EinSum { operating_dt: wide(product.operating_dt), ..product.clone() })
        } else if let Some(scan) = node.op.downcast_ref::<Scan>() {
            let body = Self { is_body: true }.translate_model(&scan.body)?;
            Box::new(Scan { body, ..scan.clone() })
        } else if is_of_any_type(node.op.as_ref()) {
            node.op.clone()
        } else {
            return Ok(None);
        };
        Ok(Some(op))
    }
}

/// Whether the operator moves, compares or adds numbers of whichever type.
fn is_of_any_type(op: &dyn TypedOp) -> bool {
    op.is::<AxisOp>()
        || op.is::<Gather>()
        || op.is::<GatherElements>()
        || op.is::<Identity>()
        || op.is::<Iff>()
        || op.is::<MultiBroadcastTo>()
        || op.is::<Reduce>()
        || op.is::<Slice>()
        || op.is::<Softmax>()
        || op.is::<TypedConcat>()
}

/// Whether the node is a power by one exponent, which tract simplifies to an operator that knows no FP64.
fn is_power_of_one_number(model: &TypedModel, node: &TypedNode) -> TractResult<bool> {
    let is_power = node.op_as::<TypedBinOp>().is_some_and(|op| op.0.name() == "Pow");
    let Some(exponent) = node.inputs.get(1).filter(|_| is_power) else { return Ok(false) };
    Ok(model.outlet_fact(*exponent)?.konst.as_ref().is_none_or(|exponent| exponent.is_uniform()))
}

/// The wires of values that had these types, in them or wide.
fn cast(
    model: &mut TypedModel,
    name: &str,
    wires: &[(OutletId, DatumType)],
    are_wide: bool,
) -> TractResult<TVec<OutletId>> {
    let mut casts = TVec::new();
    for (idx, (wire, original)) in wires.iter().enumerate() {
        let to = if are_wide { wide(*original) } else { *original };
        let name = if idx == 0 { name.to_owned() } else { format!("{name}.{idx}") };
        if *original == DatumType::F32 && model.outlet_fact(*wire)?.datum_type != to {
            casts.extend(model.wire_node(name, Cast { to }, &[*wire])?);
        } else {
            casts.push(*wire);
        }
    }
    Ok(casts)
}
