//! The nodes `LSTM`, `GRU` and `RNN` of a graph: what tract leaves out of them. `onnx_standard` has given them a direction and a state to begin
//! with that tract can take.

use tract_onnx::pb::{AttributeProto, NodeProto};

/// The operators, and the activations that tract computes whatever is asked for.
///
/// Source: ONNX, the defaults of the attribute `activations` of `GRU`, `LSTM` and `RNN`, version 14.
const OPERATORS: [(&str, &[&str]); 3] =
    [("GRU", &["Sigmoid", "Tanh"]), ("LSTM", &["Sigmoid", "Tanh", "Tanh"]), ("RNN", &["Tanh"])];

/// What a node asks for that tract would not do, and not refuse either.
pub(crate) fn unsupported(node: &NodeProto) -> Option<String> {
    let activations = activations(node)?;
    let asks_for = |what: String| Some(format!("{what} is not supported"));
    let direction = text(node, "direction");
    if direction == Some("bidirectional") && integer(node, "layout").is_some_and(|layout| layout != 0) {
        return asks_for("a layout with the batch first in both directions".to_owned());
    }
    if direction == Some("reverse") {
        return asks_for("the direction `reverse` with the lengths of sequences".to_owned());
    }
    if integer(node, "input_forget").is_some_and(|coupled| coupled != 0) {
        return asks_for("coupling the input and the forget gate".to_owned());
    }
    if attribute(node, "clip").is_some() {
        return asks_for("clipping".to_owned());
    }
    let asked = attribute(node, "activations").map_or(&[][..], |attribute| attribute.strings.as_slice());
    let is_default = |(name, default): (&Vec<u8>, &&str)| name.eq_ignore_ascii_case(default.as_bytes());
    let other = asked.iter().zip(activations.iter().cycle()).find(|pair| !is_default(*pair));
    other.and_then(|(name, _)| asks_for(format!("the activation `{}`", String::from_utf8_lossy(name))))
}

/// The default activations of a recurrent operator; `None` for any other.
fn activations(node: &NodeProto) -> Option<&'static [&'static str]> {
    let is_of_onnx = node.domain.is_empty() || node.domain == "ai.onnx";
    let found = OPERATORS.iter().find(|(name, _)| is_of_onnx && *name == node.op_type);
    found.map(|(_, activations)| *activations)
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name).map(|attribute| attribute.i)
}

fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    attribute(node, name).and_then(|attribute| std::str::from_utf8(&attribute.s).ok())
}
