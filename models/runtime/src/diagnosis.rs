//! Why a model cannot be built, node by node: tract stops at the first that fails. Each node is built here on its own, from what is known of
//! its inputs. It is asked only of models that were refused, and says nothing about nodes whose inputs are not known.

use tract_onnx::Onnx;
use tract_onnx::pb::{GraphProto, ModelProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid as _;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::konst::Const;
use tract_onnx::tract_hir::ops::unimpl::UnimplementedOp;

use crate::bindings::exports::plinth::model::loader;
use crate::operators::{Operators, node_name};
use crate::signature::name_open_dimensions;

/// What tract says before the reason: which node it was at, and what it was doing.
const STEPS: [&str; 4] = ["Failed analyse for node", "Translating node", "Infering facts", "Applying rule"];

/// Operators with bodies, which tract builds as models of their own: what is wrong in one is told of the whole.
const OF_BODIES: [&str; 3] = ["If", "Loop", "Scan"];

/// Every reason against a file some of whose operators cannot be built: those, and what else would fail.
pub(crate) fn of_file(framework: &Onnx, mut proto: ModelProto, mut operators: Operators) -> loader::Error {
    if let Some(graph) = &mut proto.graph {
        make_unknown(graph, &operators);
    }
    if let Ok(parsed) = framework.parse(&proto, None) {
        let mut model = parsed.model;
        let _of_values_that_were_taken_away = name_open_dimensions(&mut model);
        refuse_nodes(model, &mut operators);
    }
    operators.into_error()
}

/// Every reason against a model that tract could not build, of which it `said` the first.
pub(crate) fn of_model(model: InferenceModel, said: String, mut operators: Operators) -> loader::Error {
    refuse_nodes(model, &mut operators);
    match operators.node_named_in(&said) {
        Some(node) if operators.is_refused(&node) => operators.into_error(),
        Some(node) => {
            operators.refuse(&node, said);
            operators.into_error()
        }
        None => loader::Error::Invalid(said),
    }
}

/// Gives refused nodes an operator that tract does not know, and takes refused inputs and weights away: tract keeps such nodes and values
/// in their places, without their meaning.
fn make_unknown(graph: &mut GraphProto, operators: &Operators) {
    for node in graph.node.iter_mut().filter(|node| operators.is_refused(&node_name(node))) {
        node.op_type = format!("refused {}", node.op_type);
    }
    graph.input.retain(|input| !operators.is_refused(&input.name));
    graph.initializer.retain(|weights| !operators.is_refused(&weights.name));
}

/// Refuses the nodes that cannot be built.
fn refuse_nodes(mut model: InferenceModel, operators: &mut Operators) {
    let _first_failure = model.analyse(true);
    let is_built = |node: &&InferenceNode| {
        !InferenceModel::is_source(&node.op)
            && !node.op_is::<Const>()
            && !node.op_is::<UnimplementedOp>()
            && !OF_BODIES.contains(&node.op.name().as_ref())
    };
    for node in model.nodes().iter().filter(is_built) {
        if let Err(error) = build_alone(&model, node.id) {
            operators.refuse(&node.name, reason(&error));
        }
    }
}

/// Builds a node in a model of its own, as far as its inputs are known.
fn build_alone(model: &InferenceModel, id: usize) -> TractResult<()> {
    let node = model.node(id);
    let mut alone = InferenceModel { symbols: model.symbols.clone(), ..InferenceModel::default() };
    let mut inputs: TVec<OutletId> = tvec![];
    let mut is_known = true;
    for (slot, &input) in node.inputs.iter().enumerate() {
        let fact = model.outlet_fact(input)?;
        is_known &= is_value(fact);
        let name = format!("input {slot}");
        inputs.push(match fact.value.concretize() {
            Some(value) => alone.add_const(name, value)?,
            None => alone.add_source(name, fact.clone())?,
        });
    }
    let outputs = node.outputs.iter().map(|_| InferenceFact::default()).collect();
    let alone_id = alone.add_node(node.name.clone(), node.op.clone(), outputs)?;
    for (slot, input) in inputs.into_iter().enumerate() {
        alone.add_edge(input, InletId::new(alone_id, slot))?;
    }
    alone.select_output_outlets(&[OutletId::new(alone_id, 0)])?;
    alone.analyse(false)?;
    if is_known { alone.into_typed().map(drop) } else { Ok(()) }
}

/// Whether a value can be like that: with a datatype, and without negative dimensions, which an error before it may have led to.
fn is_value(fact: &InferenceFact) -> bool {
    let is_dimension = |dim: &TDim| dim.as_i64().is_none_or(|size| size >= 0);
    fact.datum_type.concretize().is_some()
        && fact.shape.concretize().is_some_and(|dims| dims.iter().all(is_dimension))
}

/// What an error says of its node.
fn reason(error: &TractError) -> String {
    let causes = error.chain().map(ToString::to_string);
    let said = causes.skip_while(|cause| STEPS.iter().any(|step| cause.starts_with(step)));
    said.collect::<Vec<String>>().join(": ")
}
