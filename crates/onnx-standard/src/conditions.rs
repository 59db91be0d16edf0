//! `If`. One branch takes the place of the node if the file decides which. Otherwise the branches have as many axes, and sizes that may differ:
//! tract wants them alike.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{as_op, not_a_typed_op, not_out_of_plan, op_as_typed_op};
use tract_onnx::tract_hir::infer::{InferenceFact, InferenceModel, InferenceNode, InferenceOp};

use crate::bodies::{self, Outside};
use crate::kernel::{input, numbers, plain};

/// The place of the condition among the inputs.
const CONDITION: usize = 0;

/// A graph, and the places of its inputs among those of the node.
#[derive(Debug, Clone)]
struct Branch<M> {
    body: M,
    places: Vec<usize>,
}

/// What is done if the condition is true, and what if it is not.
#[derive(Debug, Clone)]
struct Branches<M> {
    on_true: Branch<M>,
    on_false: Branch<M>,
}

/// The node as it was read.
#[derive(Debug, Clone)]
struct If(Branches<InferenceModel>);

/// The node with branches that can run.
#[derive(Debug, Clone)]
struct TypedIf {
    branches: Branches<Arc<TypedSimplePlan>>,
    outputs: TVec<TypedFact>,
}

impl<M> Branches<M> {
    const fn of(&self, is_true: bool) -> &Branch<M> {
        if is_true { &self.on_true } else { &self.on_false }
    }
}

impl<M> Branch<M> {
    /// The values that the branch has of the node's.
    fn of<T: Clone>(&self, values: &[T]) -> TractResult<TVec<T>> {
        self.places.iter().map(|&place| input(values, place).cloned()).collect()
    }
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `If`, version 25.
pub(crate) fn read(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    // What the branches have from outside becomes the node's, after the condition.
    let mut names: Vec<String> = Vec::new();
    let mut branch = |name: &str| {
        let graph: &GraphProto = node.get_attr(name)?;
        let parsed = context.parse_graph(graph)?;
        let mut place = |of: String| {
            let place = names.iter().position(|name| *name == of);
            CONDITION
                + 1
                + place.unwrap_or_else(|| {
                    names.push(of);
                    names.len() - 1
                })
        };
        let places = parsed.unresolved_inputs.into_iter().map(&mut place).collect();
        TractResult::Ok(Branch { body: parsed.model, places })
    };
    let branches = Branches { on_true: branch("then_branch")?, on_false: branch("else_branch")? };
    let n_outputs = [&branches.on_true, &branches.on_false].map(|branch| branch.body.outputs.len());
    ensure!(n_outputs[0] == n_outputs[1], "If: branches with {} and {} outputs", n_outputs[0], n_outputs[1]);
    Ok((Box::new(If(branches)), names))
}

/// What is known of a value that one of two branches gives.
fn either(left: &TypedFact, right: &TypedFact, symbols: &SymbolScope) -> TractResult<TypedFact> {
    let types = [plain(left.datum_type), plain(right.datum_type)];
    ensure!(types[0] == types[1], "If: branches with values of {:?} and of {:?}", types[0], types[1]);
    let ranks = [left.rank(), right.rank()];
    ensure!(ranks[0] == ranks[1], "If: branches with values of {} and of {} axes", ranks[0], ranks[1]);
    let dims = left.shape.iter().zip(right.shape.iter());
    let dims = dims.map(
        |(left, right)| {
            if left == right { left.clone() } else { symbols.new_with_prefix("either").into() }
        },
    );
    Ok(types[0].fact(dims.collect::<TVec<TDim>>()))
}

impl If {
    fn branch(&self, is_true: bool, facts: &[TypedFact]) -> TractResult<TypedModel> {
        let branch = self.0.of(is_true);
        bodies::typed(&branch.body, &branch.of(facts)?)
    }
}

impl Op for If {
    fn name(&self) -> StaticName {
        "If".into()
    }

    not_a_typed_op!();
}

impl EvalOp for If {
    not_out_of_plan!();
}

impl PartialEq for If {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

impl Eq for If {}

impl InferenceOp for If {
    /// Nothing: which branch it is may be known later.
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let cloned = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((cloned(inputs), cloned(outputs), cloned(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.0.on_true.body.outputs.len())
    }

    fn as_op(&self) -> &dyn Op {
        self
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self
    }

    fn to_typed(
        &self,
        _source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let (outlets, facts) = bodies::translated(node, target, mapping)?;
        if let Some(condition) = &input(&facts, CONDITION)?.konst {
            let is_true = condition.cast_to_scalar::<bool>()?;
            let inputs = self.0.of(is_true).of(&outlets)?;
            let prefix = format!("{}.", node.name);
            let branch = self.branch(is_true, &facts)?;
            return bodies::inline(&prefix, &branch, target, &inputs, |node| Ok(node.op.clone()));
        }
        let symbols = target.symbols.clone();
        let mut outside = Outside::new(&symbols);
        let facts: TVec<TypedFact> = facts.iter().map(|fact| outside.fact(fact)).collect();
        let [on_true, on_false] = [self.branch(true, &facts)?, self.branch(false, &facts)?];
        let outputs = on_true.outputs.iter().zip(&on_false.outputs).map(|(left, right)| {
            let fact = either(on_true.outlet_fact(*left)?, on_false.outlet_fact(*right)?, &symbols)?;
            Ok(fact.datum_type.fact(outside.sizes(&fact.shape)?))
        });
        let outputs = outputs.collect::<TractResult<_>>()?;
        let runnable = |is_true: bool, body| {
            let places = self.0.of(is_true).places.clone();
            TractResult::Ok(Branch { body: bodies::runnable(body)?, places })
        };
        let branches = Branches { on_true: runnable(true, on_true)?, on_false: runnable(false, on_false)? };
        target.wire_node(&node.name, TypedIf { branches, outputs }, &outlets)
    }
}

impl Op for TypedIf {
    fn name(&self) -> StaticName {
        "If".into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl PartialEq for TypedIf {
    fn eq(&self, other: &Self) -> bool {
        let of = |of: &Self, is_true| of.branches.of(is_true).body.clone();
        [true, false].into_iter().all(|is_true| Arc::ptr_eq(&of(self, is_true), &of(other, is_true)))
    }
}

impl Eq for TypedIf {}

impl EvalOp for TypedIf {
    not_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs = inputs.into_iter().map(|input| numbers(input, context.symbols));
        let inputs = inputs.collect::<TractResult<TVec<TValue>>>()?;
        let branch = self.branches.of(input(&inputs, CONDITION)?.cast_to_scalar::<bool>()?);
        let outputs = branch.body.run(branch.of(&inputs)?)?;
        outputs.into_iter().map(|output| numbers(output, context.symbols)).collect()
    }
}

impl TypedOp for TypedIf {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.clone())
    }

    as_op!();
}
