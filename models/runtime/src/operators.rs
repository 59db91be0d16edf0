//! Which of a model's operators can run here. Those that cannot be built are found here; `diagnosis` finds those that fail later.

use std::collections::BTreeMap;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use tract_onnx::tract_core::internal::{DatumType, TractResult};

use crate::bindings::exports::plinth::model::loader;
use crate::onnx::{opset, opset_of};
use crate::recurrent_nodes;

/// The domains whose operators tract registers. It looks operators up by name alone, so another domain's would be taken
/// for a namesake.
const KNOWN_DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// Operators whose result depends on randomness unless they carry a seed.
const RANDOM_OPERATORS: [&str; 5] =
    ["Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// tract's operators, those of `ai.onnx.ml` replaced by the complete ones, and others by those that do what exporters ask for.
pub(crate) fn framework() -> Onnx {
    let mut framework = tract_onnx::onnx();
    onnx_ml::register(&mut framework.op_register);
    onnx_standard::register(&mut framework.op_register);
    framework
}

/// An operator of a file; without a domain, what else a reason is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Operator {
    name: String,
    domain: String,
    opset: i64,
}

/// The operators of a file by the nodes that use them, and what keeps nodes from running: by operator and reason, in a stable order.
#[derive(Default)]
pub(crate) struct Operators {
    of_nodes: BTreeMap<String, Operator>,
    refused: BTreeMap<(Operator, String), Vec<String>>,
}

impl Operators {
    /// Looks at every node of the graph and of its sub-graphs, and refuses those that cannot be built.
    pub(crate) fn of(framework: &Onnx, proto: &ModelProto, graph: &GraphProto) -> Self {
        let context = ParsingContext {
            onnx_operator_set_version: opset(proto),
            framework,
            model: proto,
            parent_graphs: vec![graph],
            model_dir: None,
            template: Default::default(),
        };
        let mut operators = Self::default();
        operators.refuse_values(graph);
        operators.visit(&context, graph);
        operators
    }

    /// Refuses inputs and weights that are no tensors or of a datatype that is not known here.
    fn refuse_values(&mut self, graph: &GraphProto) {
        for weights in &graph.initializer {
            self.refuse_value("weights", &weights.name, unknown_datatype(weights.data_type));
        }
        for input in &graph.input {
            self.refuse_value("input", &input.name, unknown_input(input));
        }
    }

    fn refuse_value(&mut self, what: &str, name: &str, reason: Option<String>) {
        let Some(reason) = reason else { return };
        let value = Operator { name: what.to_owned(), domain: String::new(), opset: 0 };
        self.refused.entry((value, reason)).or_default().push(name.to_owned());
    }

    fn visit(&mut self, context: &ParsingContext<'_>, graph: &GraphProto) {
        for node in &graph.node {
            let operator = Operator {
                name: node.op_type.clone(),
                domain: if node.domain.is_empty() { "ai.onnx".to_owned() } else { node.domain.clone() },
                opset: opset_of(context.model, &node.domain),
            };
            self.of_nodes.insert(node_name(node), operator);
            if let Err(reason) = check_node(context, node) {
                self.refuse(&node_name(node), reason);
            }
            for subgraph in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                self.visit(context, subgraph);
            }
        }
    }

    /// Adds a reason why a node cannot run, if the file has the node.
    pub(crate) fn refuse(&mut self, node: &str, reason: String) {
        if let Some(operator) = self.of_nodes.get(node) {
            self.refused.entry((operator.clone(), reason)).or_default().push(node.to_owned());
        }
    }

    /// The node that an error of tract names, between quotation marks.
    pub(crate) fn node_named_in(&self, error: &str) -> Option<String> {
        self.of_nodes.keys().find(|node| error.contains(&format!("\"{node}\""))).cloned()
    }

    /// Whether every node can run, as far as is known.
    pub(crate) fn can_run(&self) -> bool {
        self.refused.is_empty()
    }

    /// Whether this node, input or weights are among the reasons.
    pub(crate) fn is_refused(&self, name: &str) -> bool {
        self.refused.values().flatten().any(|refused| refused == name)
    }

    /// Every operator that cannot run, and the nodes that use it.
    pub(crate) fn into_error(self) -> loader::Error {
        let to_wit = |((operator, reason), nodes): ((Operator, String), Vec<String>)| {
            let Operator { name, domain, opset } = operator;
            loader::UnsupportedOperator { operator: name, domain, opset, nodes, reason }
        };
        loader::Error::Unsupported(self.refused.into_iter().map(to_wit).collect())
    }
}

fn unknown_input(input: &ValueInfoProto) -> Option<String> {
    match input.r#type.as_ref().and_then(|of| of.value.as_ref()) {
        Some(Value::TensorType(tensor)) => unknown_datatype(tensor.elem_type),
        None => Some("is no tensor, or declares no type".to_owned()),
    }
}

fn unknown_datatype(number: i32) -> Option<String> {
    let datatype = DataType::try_from(number).ok();
    match datatype.filter(|&datatype| DatumType::try_from(datatype).is_ok()) {
        Some(_) => None,
        None => {
            let name = datatype.map_or_else(|| format!("number {number}"), |it| it.as_str_name().to_owned());
            Some(format!("the datatype {name} is not supported"))
        }
    }
}

fn check_node(context: &ParsingContext<'_>, node: &NodeProto) -> Result<(), String> {
    if !KNOWN_DOMAINS.contains(&node.domain.as_str()) {
        return Err("its domain is not supported".to_owned());
    }
    let Some(build) = context.framework.op_register.0.get(&node.op_type) else {
        return Err("not supported".to_owned());
    };
    if is_unseeded_random(node) {
        return Err("draws random numbers without a seed, and a packed model has no randomness".to_owned());
    }
    if let Some(reason) = recurrent_nodes::unsupported(node) {
        return Err(reason);
    }
    if has_subgraph(node) {
        return Ok(());
    }
    let built: TractResult<_> = build(context, node);
    built.map(|_| ()).map_err(|error| format!("{error:#}"))
}

/// A node with sub-graphs is built with the whole model: on its own it lacks the names that it closes over.
fn has_subgraph(node: &NodeProto) -> bool {
    node.attribute.iter().any(|attribute| attribute.g.is_some())
}

fn is_unseeded_random(node: &NodeProto) -> bool {
    RANDOM_OPERATORS.contains(&node.op_type.as_str())
        && !node.attribute.iter().any(|attribute| attribute.name == "seed")
}

/// A node's name, or the name of its first output: exporters leave names out.
pub(crate) fn node_name(node: &NodeProto) -> String {
    if node.name.is_empty() { node.output.first().cloned().unwrap_or_default() } else { node.name.clone() }
}
