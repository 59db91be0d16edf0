//! What is written in a graph in the place of a node that ONNX Runtime's tools have put there: nodes of the default domain and the constants that
//! they read. Which nodes these are is told in `fused` and `quantized`.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The domain of the operators that are replaced.
const DOMAIN: &str = "com.microsoft";

/// Nodes, the last of which has the outputs of the one that they replace, and the constants among their inputs.
#[derive(Debug)]
pub(crate) struct Replacement {
    prefix: String,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

/// Replaces the nodes of the domain for which there is something else, where they stand.
pub(crate) fn replace(graph: &mut GraphProto, by: fn(&NodeProto, &GraphProto) -> Option<Replacement>) {
    for node in std::mem::take(&mut graph.node) {
        let replacement = if node.domain == DOMAIN { by(&node, graph) } else { None };
        match replacement {
            Some(replacement) => replacement.write(node, graph),
            None => graph.node.push(node),
        }
    }
}

impl Replacement {
    /// Nothing yet. Its values are called after the node's output: no two nodes have the same, in a graph and those inside it.
    pub(crate) fn of(node: &NodeProto) -> Self {
        let output = node.output.iter().find(|output| !output.is_empty());
        let prefix = format!("plinth_{}", output.map_or("", String::as_str));
        Self { prefix, nodes: Vec::new(), constants: Vec::new() }
    }

    /// Adds a constant, and tells its name.
    pub(crate) fn constant(&mut self, what: &str, tensor: TensorProto) -> String {
        let name = format!("{}_{what}", self.prefix);
        self.constants.push(TensorProto { name: name.clone(), ..tensor });
        name
    }

    /// Adds a node with one output, and tells the output's name. `what` names it among those of this replacement.
    pub(crate) fn node(
        &mut self,
        what: &str,
        op_type: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = format!("{}_{what}", self.prefix);
        self.nodes.push(NodeProto {
            name: name.clone(),
            op_type: op_type.to_owned(),
            input: given(inputs),
            output: vec![name.clone()],
            attribute: attributes,
            ..NodeProto::default()
        });
        name
    }

    /// Adds everything to the graph. The last node gets the name and the outputs of the one that is replaced.
    fn write(mut self, replaced: NodeProto, graph: &mut GraphProto) {
        if let Some(last) = self.nodes.last_mut() {
            last.name = replaced.name;
            last.output = replaced.output;
        }
        graph.node.append(&mut self.nodes);
        graph.initializer.append(&mut self.constants);
    }
}

/// Names of inputs, without those that are left out at the end.
fn given(inputs: &[&str]) -> Vec<String> {
    let n_given = inputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    inputs.iter().take(n_given).map(|&name| name.to_owned()).collect()
}

/// The name of an input; empty if the node does not have it.
pub(crate) fn input(node: &NodeProto, place: usize) -> &str {
    node.input.get(place).map_or("", String::as_str)
}

pub(crate) fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// A whole number among the attributes, or what it is if it is left out.
pub(crate) fn integer(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |attribute| attribute.i)
}

/// The attributes without those of these names.
pub(crate) fn attributes_except(node: &NodeProto, names: &[&str]) -> Vec<AttributeProto> {
    let kept = |attribute: &&AttributeProto| !names.contains(&attribute.name.as_str());
    node.attribute.iter().filter(kept).cloned().collect()
}

pub(crate) fn of_float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Float as i32,
        f,
        ..AttributeProto::default()
    }
}

pub(crate) fn of_integer(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i,
        ..AttributeProto::default()
    }
}

pub(crate) fn of_text(name: &str, text: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::String as i32,
        s: text.as_bytes().to_vec(),
        ..AttributeProto::default()
    }
}

/// FP32 numbers of a shape; of none if there is a single number without axes.
pub(crate) fn floats(dims: Vec<i64>, float_data: Vec<f32>) -> TensorProto {
    TensorProto { dims, data_type: DataType::Float as i32, float_data, ..TensorProto::default() }
}
