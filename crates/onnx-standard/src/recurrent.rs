//! `LSTM`, `GRU` and `RNN`. tract runs those of one direction forwards, whichever it is, so a backward one becomes a forward one between two
//! reversals of time. It panics if one begins with no state and any number of rows, so that state is written out as zeros.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use crate::renamed::zero_value;
use crate::replacement::{input, of_integer};

const OPERATORS: [&str; 3] = ["LSTM", "GRU", "RNN"];

/// The place of the weights from state to state among the inputs.
const RECURRENT_WEIGHTS: usize = 2;

/// The place of the sequences' lengths among the inputs.
const LENGTHS: usize = 4;

/// The places of the states that they begin with.
const STATE: usize = 5;
const CELL: usize = 6;

/// What the constants of a reversal are called, after the node that it belongs to.
const FIRST: &str = "plinth_first";
const LAST: &str = "plinth_last";
const STEP: &str = "plinth_step";
const AXIS: &str = "plinth_axis";

/// Rewrites the backward operators of the graph. Those with lengths of their sequences stay, and are refused.
pub(crate) fn run_backwards(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for (idx, node) in nodes.into_iter().enumerate() {
        if is_backward(&node) { forward(node, idx, graph) } else { graph.node.push(node) }
    }
}

/// Gives zeros to the operators that begin with no state, if their weights are in the file.
pub(crate) fn begin_with_zeros(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for (idx, mut node) in nodes.into_iter().enumerate() {
        if let Some((size, datatype)) = hidden_size(&node, graph) {
            let states = if node.op_type == "LSTM" { STATE..=CELL } else { STATE..=STATE };
            for state in states.filter(|state| input(&node, *state).is_empty()).collect::<Vec<_>>() {
                let zeros = format!("plinth_state_{idx}_{state}");
                zero_state(&node, (size, datatype), &zeros, graph);
                node.input.resize(node.input.len().max(state + 1), String::new());
                if let Some(name) = node.input.get_mut(state) {
                    *name = zeros;
                }
            }
        }
        graph.node.push(node);
    }
}

/// The size of an operator's state and its datatype, if it is a recurrent one with weights in the file.
fn hidden_size(node: &NodeProto, graph: &GraphProto) -> Option<(i64, i32)> {
    let weights =
        graph.initializer.iter().find(|initializer| initializer.name == input(node, RECURRENT_WEIGHTS))?;
    let size = weights.dims.get(2).copied();
    size.filter(|_| OPERATORS.contains(&node.op_type.as_str())).map(|size| (size, weights.data_type))
}

/// Adds nodes that make a state of zeros: a row for each of the input's, in each direction.
fn zero_state(node: &NodeProto, (size, data_type): (i64, i32), zeros: &str, graph: &mut GraphProto) {
    let (rows_axis, is_batch_first) = if is_batch_first(node) { (0, true) } else { (1, false) };
    let n_directions = if direction(node) == Some(b"bidirectional") { 2 } else { 1 };
    let name = |what: &str| format!("{zeros}_{what}");
    let constants = [("axis", rows_axis), ("directions", n_directions), ("size", size)];
    graph.initializer.extend(constants.map(|(what, value)| constant(name(what), value)));
    let of = |op_type: &str, input: Vec<String>, output: String| NodeProto {
        name: output.clone(),
        op_type: op_type.to_owned(),
        input,
        output: vec![output],
        ..NodeProto::default()
    };
    let mut filled = of("ConstantOfShape", vec![name("shape")], zeros.to_owned());
    filled.attribute.push(zero_value(data_type));
    let order = if is_batch_first { ["rows", "directions", "size"] } else { ["directions", "rows", "size"] };
    let mut joined = of("Concat", order.map(name).to_vec(), name("shape"));
    joined.attribute.push(of_integer("axis", 0));
    graph.node.extend([
        of("Shape", vec![input(node, 0).to_owned()], name("input_shape")),
        of("Gather", vec![name("input_shape"), name("axis")], name("rows")),
        joined,
        filled,
    ]);
}

fn is_batch_first(node: &NodeProto) -> bool {
    node.attribute.iter().any(|attribute| attribute.name == "layout" && attribute.i == 1)
}

fn is_backward(node: &NodeProto) -> bool {
    let has_lengths = !input(node, LENGTHS).is_empty();
    OPERATORS.contains(&node.op_type.as_str()) && !has_lengths && direction(node) == Some(b"reverse")
}

fn direction(node: &NodeProto) -> Option<&[u8]> {
    node.attribute.iter().find(|attribute| attribute.name == "direction").map(|attribute| &*attribute.s)
}

/// Adds the forward operator with its reversals. The last state is that of the first step, and stays where it is.
fn forward(mut node: NodeProto, idx: usize, graph: &mut GraphProto) {
    let time = i64::from(is_batch_first(&node));
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
