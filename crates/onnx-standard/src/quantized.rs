//! Operators of ONNX Runtime over quantised values, as its quantiser writes them in the format of operators: they become the operator over FP32
//! between `DequantizeLinear` and `QuantizeLinear`. Where ONNX Runtime computes in whole numbers or looks up a table, an answer may be one step off.
//! Not here: `QLinearConv` and `QLinearMatMul`, which are ONNX's, images with their channels last, and
//! `QLinearReduceMean`, which ONNX Runtime itself does not run.
//!
//! Source: ONNX Runtime, `docs/ContribOperators.md`, operators `com.microsoft.QLinear…` and `com.microsoft.QGemm`.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

use crate::replacement::{
    Replacement, attribute, attributes_except, floats, input, integer, of_integer, replace,
};
use crate::versions::{VERSIONED, versioned};

/// How many inputs a quantised value takes: itself, its scale and its zero point.
const N_INPUTS: usize = 3;

/// The names of a quantised value, of its scale and of its zero point. That one is empty if it is left out.
type Steps<'n> = [&'n str; N_INPUTS];

/// Takes apart the quantised operators of the graph.
pub(crate) fn take_apart(graph: &mut GraphProto) {
    replace(graph, |node, _| match node.op_type.as_str() {
        "QGemm" => Some(product(node)),
        "QLinearAdd" => Some(of_two(node, "Add")),
        "QLinearAveragePool" => pool(node, "AveragePool"),
        "QLinearConcat" => Some(joined(node)),
        "QLinearGlobalAveragePool" => pool(node, "GlobalAveragePool"),
        "QLinearLeakyRelu" => Some(of_one(node, "LeakyRelu", node.attribute.clone())),
        "QLinearMul" => Some(of_two(node, "Mul")),
        "QLinearSigmoid" => Some(of_one(node, "Sigmoid", Vec::new())),
        "QLinearSoftmax" => Some(softmax(node)),
        "QLinearWhere" => Some(chosen(node)),
        _ => None,
    });
}

/// The quantised value that begins at that input.
fn steps(node: &NodeProto, place: usize) -> Steps<'_> {
    [input(node, place), input(node, place + 1), input(node, place + 2)]
}

/// Adds the FP32 numbers of a quantised value.
fn dequantised(parts: &mut Replacement, what: &str, steps: Steps<'_>) -> String {
    parts.node(what, "DequantizeLinear", &steps, Vec::new())
}

/// Adds the quantised value of FP32 numbers. It has the type of its zero point; if that is left out, the type of `like` and a zero point of 0.
fn quantise(parts: &mut Replacement, numbers: &str, [scale, zero]: [&str; 2], like: &str) {
    let mut zero = zero.to_owned();
    if zero.is_empty() {
        let none = parts.constant("none", floats(Vec::new(), vec![0.0]));
        zero = parts.node("zero", "CastLike", &[&none, like], Vec::new());
    }
    parts.node("quantised", "QuantizeLinear", &[numbers, scale, &zero], Vec::new());
}

/// An operator of one value, with these attributes.
fn of_one(node: &NodeProto, op_type: &str, attributes: Vec<AttributeProto>) -> Replacement {
    let mut parts = Replacement::of(node);
    let numbers = dequantised(&mut parts, "numbers", steps(node, 0));
    let found = parts.node("found", op_type, &[&numbers], attributes);
    quantise(&mut parts, &found, [input(node, 3), input(node, 4)], input(node, 0));
    parts
}

/// An operator of two values.
fn of_two(node: &NodeProto, op_type: &str) -> Replacement {
    let mut parts = Replacement::of(node);
    let left = dequantised(&mut parts, "left", steps(node, 0));
    let right = dequantised(&mut parts, "right", steps(node, N_INPUTS));
    let found = parts.node("found", op_type, &[&left, &right], Vec::new());
    quantise(&mut parts, &found, [input(node, 6), input(node, 7)], input(node, 0));
    parts
}

/// A mean of windows, unless the channels are last.
fn pool(node: &NodeProto, op_type: &str) -> Option<Replacement> {
    let has_channels_last = integer(node, "channels_last", 0) != 0;
    (!has_channels_last).then(|| of_one(node, op_type, attributes_except(node, &["channels_last"])))
}

/// A softmax as the version of ONNX that the node names has it.
fn softmax(node: &NodeProto) -> Replacement {
    let axis = of_integer("axis", integer(node, "axis", -1));
    of_one(node, VERSIONED, versioned("Softmax", integer(node, "opset", 1), vec![axis]))
}

/// Values that are joined. The scale and the zero point of what they become come first.
fn joined(node: &NodeProto) -> Replacement {
    let mut parts = Replacement::of(node);
    let places = (2..node.input.len()).step_by(N_INPUTS);
    let values: Vec<String> = places
        .enumerate()
        .map(|(idx, place)| dequantised(&mut parts, &format!("numbers_{idx}"), steps(node, place)))
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let found = parts.node("found", "Concat", &values, node.attribute.clone());
    quantise(&mut parts, &found, [input(node, 0), input(node, 1)], input(node, 2));
    parts
}

/// Each element of the one value or of the other.
fn chosen(node: &NodeProto) -> Replacement {
    let mut parts = Replacement::of(node);
    let left = dequantised(&mut parts, "left", steps(node, 1));
    let right = dequantised(&mut parts, "right", steps(node, 4));
    let found = parts.node("found", "Where", &[input(node, 0), &left, &right], Vec::new());
    quantise(&mut parts, &found, [input(node, 7), input(node, 8)], input(node, 1));
    parts
}

/// A product of matrices. Each column of the second may have a scale; without a scale for what it becomes that stays FP32.
fn product(node: &NodeProto) -> Replacement {
    let mut parts = Replacement::of(node);
    let left = dequantised(&mut parts, "left", steps(node, 0));
    let columns = i64::from(integer(node, "transB", 0) == 0);
    let attributes = vec![of_integer("axis", columns)];
    let right = parts.node("right", "DequantizeLinear", &steps(node, N_INPUTS), attributes);
    let added = added(&mut parts, node);
    let found = parts.node("found", "Gemm", &[&left, &right, &added], node.attribute.clone());
    let scale = input(node, 7);
    if !scale.is_empty() {
        quantise(&mut parts, &found, [scale, input(node, 8)], input(node, 0));
    }
    parts
}

/// Adds the FP32 numbers of what is added to a product, and tells their name; empty if it is nothing. Its steps are those of the product.
fn added(parts: &mut Replacement, node: &NodeProto) -> String {
    let steps = input(node, 6);
    if steps.is_empty() {
        return String::new();
    }
    let to_float = vec![of_integer("to", (DataType::Float as i32).into())];
    let numbers = parts.node("steps", "Cast", &[steps], to_float);
    let mut scale = parts.node("step", "Mul", &[input(node, 1), input(node, 4)], Vec::new());
    if let Some(alpha) = attribute(node, "alpha") {
        let alpha = parts.constant("alpha", floats(Vec::new(), vec![alpha.f]));
        scale = parts.node("scaled_step", "Mul", &[&scale, &alpha], Vec::new());
    }
    parts.node("added", "Mul", &[&numbers, &scale], Vec::new())
}
