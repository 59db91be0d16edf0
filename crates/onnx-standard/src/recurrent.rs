//! `LSTM`, `GRU` and `RNN` that run backwards: tract runs those of one direction forwards, whichever it is. They become a forward one between two
//! reversals of time.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

const OPERATORS: [&str; 3] = ["LSTM", "GRU", "RNN"];

/// The place of the sequences' lengths among the inputs.
const LENGTHS: usize = 4;

/// What the constants of a reversal are called, after the node that it belongs to.
const FIRST: &str = "plinth_first";
const LAST: &str = "plinth_last";
const STEP: &str = "plinth_step";
const AXIS: &str = "plinth_axis";

/// Rewrites the backward operators of the graph. Those with lengths of their sequences stay, for tract to refuse.
pub(crate) fn run_backwards(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for (idx, node) in nodes.into_iter().enumerate() {
        if is_backward(&node) { forward(node, idx, graph) } else { graph.node.push(node) }
    }
}

fn is_backward(node: &NodeProto) -> bool {
    let has_lengths = node.input.get(LENGTHS).is_some_and(|input| !input.is_empty());
    OPERATORS.contains(&node.op_type.as_str()) && !has_lengths && direction(node) == Some(b"reverse")
}

fn direction(node: &NodeProto) -> Option<&[u8]> {
    node.attribute.iter().find(|attribute| attribute.name == "direction").map(|attribute| &*attribute.s)
}

/// Adds the forward operator with its reversals. The last state is that of the first step, and stays where it is.
fn forward(mut node: NodeProto, idx: usize, graph: &mut GraphProto) {
    let time =
        i64::from(node.attribute.iter().any(|attribute| attribute.name == "layout" && attribute.i == 1));
    node.attribute.retain(|attribute| attribute.name != "direction");
    let prefix = format!("plinth_backwards_{idx}");
    let constants = [(FIRST, -1), (LAST, i64::MIN + 1), (STEP, -1), (AXIS, time)];
    graph.initializer.extend(constants.map(|(name, value)| constant(format!("{prefix}_{name}"), value)));
    if let Some(input) = node.input.first_mut() {
        let reversed = format!("{prefix}_input");
        graph.node.push(reversal(&prefix, std::mem::replace(input, reversed.clone()), reversed));
    }
    let output = node.output.first_mut().filter(|output| !output.is_empty());
    let after = output.map(|output| {
        let forwards = format!("{prefix}_output");
        let name = std::mem::replace(output, forwards.clone());
        reversal(&prefix, forwards, name)
    });
    graph.node.push(node);
    graph.node.extend(after);
}

fn constant(name: String, value: i64) -> TensorProto {
    let data_type = DataType::Int64 as i32;
    TensorProto { name, data_type, dims: vec![1], int64_data: vec![value], ..TensorProto::default() }
}

/// A node that turns an axis around.
fn reversal(prefix: &str, input: String, output: String) -> NodeProto {
    let parameters = [FIRST, LAST, AXIS, STEP].map(|name| format!("{prefix}_{name}"));
    NodeProto {
        name: format!("{output}_reversed"),
        op_type: "Slice".to_owned(),
        input: [input].into_iter().chain(parameters).collect(),
        output: vec![output],
        ..NodeProto::default()
    }
}
