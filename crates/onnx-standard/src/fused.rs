//! `FusedConv` and `FusedGemm` of ONNX Runtime, which its optimiser writes for `Conv` or `Gemm` with the activation that follows: they become these
//! again. `FusedMatMul` is an operator of its own, in `products`.
//!
//! Source: ONNX Runtime, `docs/ContribOperators.md`, operators `com.microsoft.FusedConv` and `com.microsoft.FusedGemm`.

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

use crate::replacement::{Replacement, attribute, attributes_except, input, of_float, replace};
use crate::versions::{VERSIONED, versioned};

/// The activations of `FusedConv`, and what its attribute `activation_params` has for each.
const OF_CONV: [(&str, &[&str]); 6] = [
    ("Clip", &["min", "max"]),
    ("HardSigmoid", &["alpha", "beta"]),
    ("LeakyRelu", &["alpha"]),
    ("Relu", &[]),
    ("Sigmoid", &[]),
    ("Tanh", &[]),
];

/// The activations of `FusedGemm`. Its attributes `activation_alpha`, `activation_beta` and `activation_gamma` are theirs.
const OF_GEMM: [&str; 12] = [
    "Elu",
    "HardSigmoid",
    "LeakyRelu",
    "ParametricSoftplus",
    "Relu",
    "ScaledTanh",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
];

/// How the attributes of an activation begin.
const PREFIX: &str = "activation_";

/// The last version of `Clip` whose limits are attributes.
const CLIP_BY_ATTRIBUTES: i64 = 6;

/// Takes apart what is fused in the graph.
pub(crate) fn take_apart(graph: &mut GraphProto) {
    replace(graph, |node, _| match node.op_type.as_str() {
        "FusedConv" => conv(node),
        "FusedGemm" => gemm(node),
        _ => None,
    });
}

/// The convolution, what is added to it, and the activation; `None` if that one is not known.
fn conv(node: &NodeProto) -> Option<Replacement> {
    let activation = activation(node)?;
    let parameters = match OF_CONV.iter().find(|(name, _)| *name == activation) {
        Some((_, names)) => parameters(node, names)?,
        None if activation.is_empty() => Vec::new(),
        None => return None,
    };
    let mut parts = Replacement::of(node);
    let attributes = attributes_except(node, &["activation", "activation_params"]);
    let mut value = parts.node("conv", "Conv", &[input(node, 0), input(node, 1), input(node, 2)], attributes);
    let added = input(node, 3);
    if !added.is_empty() {
        value = parts.node("sum", "Add", &[&value, added], Vec::new());
    }
    activate(&mut parts, activation, &value, parameters);
    Some(parts)
}

/// The product and the activation; `None` if that one is not known.
fn gemm(node: &NodeProto) -> Option<Replacement> {
    let activation = activation(node)?;
    let is_known = activation.is_empty() || OF_GEMM.contains(&activation);
    let is_of_activation = |attribute: &&AttributeProto| attribute.name.starts_with("activation");
    let (of_activation, of_product): (Vec<_>, Vec<_>) = node.attribute.iter().partition(is_of_activation);
    let mut parts = Replacement::of(node);
    let inputs = [input(node, 0), input(node, 1), input(node, 2)];
    let value = parts.node("product", "Gemm", &inputs, of_product.into_iter().cloned().collect());
    let named = |attribute: &AttributeProto| {
        let name = attribute.name.strip_prefix(PREFIX)?.to_owned();
        Some(AttributeProto { name, ..attribute.clone() })
    };
    activate(&mut parts, activation, &value, of_activation.into_iter().filter_map(named).collect());
    is_known.then_some(parts)
}

/// The name of an activation; empty if there is none.
fn activation(node: &NodeProto) -> Option<&str> {
    attribute(node, "activation").map_or(Some(""), |attribute| std::str::from_utf8(&attribute.s).ok())
}

/// The parameters of an activation by their names, if there is one for each name.
fn parameters(node: &NodeProto, names: &[&str]) -> Option<Vec<AttributeProto>> {
    let numbers = attribute(node, "activation_params").map_or(&[][..], |attribute| &attribute.floats);
    let named = names.iter().zip(numbers).map(|(name, &number)| of_float(name, number));
    (numbers.len() >= names.len()).then(|| named.collect())
}

/// Adds the activation of a value.
fn activate(parts: &mut Replacement, activation: &str, value: &str, attributes: Vec<AttributeProto>) {
    match activation {
        "" => {}
        "Clip" => {
            let attributes = versioned(activation, CLIP_BY_ATTRIBUTES, attributes);
            parts.node("activated", VERSIONED, &[value], attributes);
        }
        _ => {
            parts.node("activated", activation, &[value], attributes);
        }
    }
}
