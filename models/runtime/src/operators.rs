//! Which of a model's operators can run here: all that cannot are found before any is built.

use std::collections::BTreeMap;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::tract_core::internal::TractResult;

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

/// Checks that every node of the graph and of its sub-graphs can be built.
///
/// # Errors
/// `unsupported` with every operator that cannot, and the nodes that use it.
pub(crate) fn check(framework: &Onnx, proto: &ModelProto, graph: &GraphProto) -> Result<(), loader::Error> {
    let context = ParsingContext {
        onnx_operator_set_version: opset(proto),
        framework,
        model: proto,
        parent_graphs: vec![graph],
        model_dir: None,
        template: Default::default(),
    };
    let mut unsupported = Unsupported::default();
    unsupported.visit(&context, graph);
    if unsupported.0.is_empty() {
        Ok(())
    } else {
        Err(loader::Error::Unsupported(unsupported.into_operators(proto)))
    }
}

/// Nodes by operator, domain and reason, in a stable order.
#[derive(Default)]
struct Unsupported(BTreeMap<(String, String, String), Vec<String>>);

impl Unsupported {
    fn visit(&mut self, context: &ParsingContext<'_>, graph: &GraphProto) {
        for node in &graph.node {
            if let Err(reason) = check_node(context, node) {
                let operator = (node.op_type.clone(), node.domain.clone(), reason);
                self.0.entry(operator).or_default().push(node_name(node));
            }
            for subgraph in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                self.visit(context, subgraph);
            }
        }
    }

    fn into_operators(self, proto: &ModelProto) -> Vec<loader::UnsupportedOperator> {
        let to_wit = |((operator, domain, reason), nodes): ((String, String, String), Vec<String>)| {
            loader::UnsupportedOperator {
                opset: opset_of(proto, &domain),
                domain: if domain.is_empty() { "ai.onnx".to_owned() } else { domain },
                operator,
                nodes,
                reason,
            }
        };
        self.0.into_iter().map(to_wit).collect()
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
fn node_name(node: &NodeProto) -> String {
    if node.name.is_empty() { node.output.first().cloned().unwrap_or_default() } else { node.name.clone() }
}
