//! The nodes `LSTM`, `GRU` and `RNN` of a graph: what tract leaves out of them, and a state to begin with for those that name none.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The operators, and the activations that tract computes whatever is asked for.
///
/// Source: ONNX, the defaults of the attribute `activations` of `GRU`, `LSTM` and `RNN`, version 14.
const OPERATORS: [(&str, &[&str]); 3] =
    [("GRU", &["Sigmoid", "Tanh"]), ("LSTM", &["Sigmoid", "Tanh", "Tanh"]), ("RNN", &["Tanh"])];

/// The inputs that hold the states to begin with: of the output, and of an LSTM's cell.
const INITIAL_H: usize = 5;
const INITIAL_C: usize = 6;

/// What a node asks for that tract would not do, and not refuse either.
pub(crate) fn unsupported(node: &NodeProto) -> Option<String> {
    let activations = activations(node)?;
    let asks_for = |what: String| Some(format!("{what} is not supported"));
    if integer(node, "layout").is_some_and(|layout| layout != 0) {
        return asks_for("a layout with the batch first".to_owned());
    }
    if text(node, "direction") == Some("reverse") {
        return asks_for("the direction `reverse`".to_owned());
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

/// Gives each node of the graph that names no state to begin with one of zeros, for as many rows as its input has: tract can tell by itself
/// only where the number of rows is fixed.
pub(crate) fn begin_with_zeros(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for mut node in nodes {
        let attributes = node.attribute.iter_mut();
        attributes.filter_map(|attribute| attribute.g.as_mut()).for_each(begin_with_zeros);
        if activations(&node).is_some()
            && let Some(zeros) = Zeros::of(&node)
        {
            name_initial_states(&mut node, zeros.name());
            zeros.add_to(graph);
        }
        graph.node.push(node);
    }
}

/// The default activations of a recurrent operator; `None` for any other.
fn activations(node: &NodeProto) -> Option<&'static [&'static str]> {
    let is_of_onnx = node.domain.is_empty() || node.domain == "ai.onnx";
    let found = OPERATORS.iter().find(|(name, _)| is_of_onnx && *name == node.op_type);
    found.map(|(_, activations)| *activations)
}

fn has_initial_state(node: &NodeProto, slot: usize) -> bool {
    node.input.get(slot).is_some_and(|name| !name.is_empty())
}

fn name_initial_states(node: &mut NodeProto, zeros: String) {
    let last = if node.op_type == "LSTM" { INITIAL_C } else { INITIAL_H };
    node.input.resize(node.input.len().max(last + 1), String::new());
    for input in node.input.iter_mut().take(last + 1).skip(INITIAL_H).filter(|input| input.is_empty()) {
        input.clone_from(&zeros);
    }
}

/// A tensor `[directions, rows, hidden size]` of zeros that a node needs.
struct Zeros {
    /// What the names of its parts begin with: no other node has this output.
    prefix: String,
    input: String,
    n_directions: i64,
    hidden_size: i64,
}

impl Zeros {
    /// `None` if the node needs none, or does not say how large its state is.
    fn of(node: &NodeProto) -> Option<Self> {
        let is_complete = has_initial_state(node, INITIAL_H)
            && (node.op_type != "LSTM" || has_initial_state(node, INITIAL_C));
        let output = node.output.iter().find(|name| !name.is_empty())?;
        (!is_complete).then_some(Self {
            prefix: format!("{output}.initial"),
            input: node.input.first()?.clone(),
            n_directions: if text(node, "direction") == Some("bidirectional") { 2 } else { 1 },
            hidden_size: integer(node, "hidden_size")?,
        })
    }

    fn name(&self) -> String {
        self.part("zeros")
    }

    fn part(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// Adds the nodes that compute it: the input's shape is `[steps, rows, features]`.
    fn add_to(&self, graph: &mut GraphProto) {
        let parts = ["shape", "rows", "dims"].map(|name| self.part(name));
        let [shape, rows, dims] = &parts;
        let numbers = [("at", 1), ("directions", self.n_directions), ("hidden", self.hidden_size)];
        let numbers = numbers.map(|(name, number)| (self.part(name), number));
        graph.initializer.extend(numbers.iter().map(|(name, number)| vector_of_one(name, *number)));
        let [at, directions, hidden] = numbers.map(|(name, _)| name);
        graph.node.extend([
            operator("Shape", &[&self.input], shape, Vec::new()),
            operator("Gather", &[shape, &at], rows, vec![axis_0()]),
            operator("Concat", &[&directions, rows, &hidden], dims, vec![axis_0()]),
            operator("ConstantOfShape", &[dims], &self.name(), vec![value_zero()]),
        ]);
    }
}

fn operator(op_type: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op_type.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..NodeProto::default()
    }
}

fn axis_0() -> AttributeProto {
    AttributeProto { name: "axis".to_owned(), r#type: AttributeType::Int as i32, ..AttributeProto::default() }
}

/// tract takes the value for a double if none is given.
fn value_zero() -> AttributeProto {
    let data_type = DataType::Float as i32;
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(TensorProto { dims: vec![1], data_type, float_data: vec![0.0], ..TensorProto::default() }),
        ..AttributeProto::default()
    }
}

fn vector_of_one(name: &str, number: i64) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: vec![1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![number],
        ..TensorProto::default()
    }
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
