//! `Loop`: a graph run again and again, over values that it carries on. Keras writes its recurrences so. The values keep their number of axes, and
//! those whose sizes change from turn to turn are run without knowing them.

use std::sync::Arc;

use tract_onnx::model::{ParsingContext, optional_inputs, optional_outputs};
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{as_op, not_a_typed_op, not_out_of_plan, op_as_typed_op};
use tract_onnx::tract_hir::infer::{Factoid as _, InferenceFact, InferenceModel, InferenceNode, InferenceOp};

use crate::bodies::{self, Outside};
use crate::kernel::{numbers, plain};

/// Where the inputs of the node are, and how many of each kind there are.
#[derive(Debug, Clone)]
struct Layout {
    n_turns_at_most: Option<usize>,
    condition: Option<usize>,
    /// The place of the first value that is carried on.
    first_carried: usize,
    n_carried: usize,
    /// Which of the outputs the node has.
    outputs: TVec<usize>,
}

/// The node with its body as it was read.
#[derive(Debug, Clone)]
struct Loop {
    body: InferenceModel,
    layout: Layout,
}

/// The node with a body that can run.
#[derive(Debug, Clone)]
struct TypedLoop {
    body: Arc<TypedSimplePlan>,
    layout: Layout,
    outputs: TVec<TypedFact>,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Loop`, version 25.
pub(crate) fn read(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let graph: &GraphProto = node.get_attr("body")?;
    let parsed = context.parse_graph(graph)?;
    let mut places = optional_inputs(node);
    let (n_turns_at_most, condition) = (places.next().flatten(), places.next().flatten());
    let n_outputs = graph.output.len().saturating_sub(1);
    let outputs = (0..n_outputs).zip(optional_outputs(node)).filter(|(_, place)| place.is_some());
    let layout = Layout {
        n_turns_at_most,
        condition,
        first_carried: usize::from(n_turns_at_most.is_some()) + usize::from(condition.is_some()),
        n_carried: graph.input.len().saturating_sub(2),
        outputs: outputs.map(|(output, _)| output).collect(),
    };
    Ok((Box::new(Loop { body: parsed.model, layout }), parsed.unresolved_inputs))
}

impl Loop {
    /// The facts of the body's inputs: the turn, the condition, and what the node has.
    fn facts(&self, inputs: &[TypedFact], outside: &mut Outside<'_>) -> TractResult<TVec<TypedFact>> {
        let turn = [DatumType::I64, DatumType::Bool].map(|datum_type| datum_type.scalar_fact());
        let mut facts: TVec<TypedFact> = turn.into_iter().collect();
        for (idx, fact) in inputs.iter().skip(self.layout.first_carried).enumerate() {
            facts.push(if idx < self.layout.n_carried {
                self.carried(facts.len(), &outside.fact(&fact.without_value()))?
            } else {
                outside.fact(fact)
            });
        }
        Ok(facts)
    }

    /// A value that is carried on, with the sizes that the body says it has where they are open. It has other elements in the next turn.
    fn carried(&self, idx: usize, fact: &TypedFact) -> TractResult<TypedFact> {
        let written = self.body.input_fact(idx)?.shape.dims();
        let written: Vec<Option<TDim>> = written.map(|dim| dim.concretize()).collect();
        let dims = fact.shape.iter().enumerate().map(|(axis, dim)| {
            let written = written.get(axis).cloned().flatten().filter(|written| written.to_i64().is_ok());
            written.filter(|_| dim.to_i64().is_err()).unwrap_or_else(|| dim.clone())
        });
        Ok(fact.datum_type.fact(dims.collect::<TVec<TDim>>()))
    }

    /// The body, with open sizes where a turn changes them, and the facts of its inputs.
    fn body(
        &self,
        inputs: &[TypedFact],
        outside: &mut Outside<'_>,
        symbols: &SymbolScope,
    ) -> TractResult<(TypedModel, TVec<TypedFact>)> {
        let mut facts = self.facts(inputs, outside)?;
        // A size that changes may change others in the next turn.
        for _ in 0..=facts.len() {
            let body = bodies::typed(&self.body, &facts)?;
            let outputs = body.outputs.iter().skip(1).take(self.layout.n_carried);
            let after = outputs.map(|outlet| Ok(body.outlet_fact(*outlet)?.shape.clone()));
            let after = after.collect::<TractResult<Vec<ShapeFact>>>()?;
            let mut is_stable = true;
            for (fact, after) in facts.iter_mut().skip(2).zip(&after) {
                ensure!(fact.rank() == after.rank(), "Loop: a value gets another number of axes");
                let opened = fact.shape.iter().zip(after.iter()).map(|(before, after)| {
                    // A size that is open may be what it says or not: the body is given it anew at each turn.
                    if before == after || before.to_i64().is_err() {
                        return before.clone();
                    }
                    is_stable = false;
                    symbols.new_with_prefix("turn").into()
                });
                *fact = fact.datum_type.fact(opened.collect::<TVec<TDim>>());
            }
            if is_stable {
                return Ok((body, facts));
            }
        }
        bail!("Loop: values whose sizes cannot be told")
    }

    fn outputs(
        &self,
        body: &TypedModel,
        inputs: &[TypedFact],
        outside: &Outside<'_>,
        symbols: &SymbolScope,
    ) -> TractResult<TVec<TypedFact>> {
        let n_turns = TDim::from(symbols.new_with_prefix("turns"));
        let of =
            |&output: &usize| {
                if output < self.layout.n_carried {
                    let before = inputs.get(output + 2).context("Loop: a value that is carried on")?;
                    let after = body.outputs.get(output + 1).context("Loop: an output of the body")?;
                    let after = &body.outlet_fact(*after)?.shape;
                    // A size that a turn changes has no name outside.
                    let sizes =
                        outside.sizes(&before.shape)?.into_iter().zip(before.shape.iter().zip(after.iter()));
                    let sizes = sizes.map(|(size, (before, after))| {
                        if before == after { size } else { symbols.new_with_prefix("turned").into() }
                    });
                    return Ok(before.datum_type.fact(sizes.collect::<TVec<TDim>>()));
                }
                let outlet = body.outputs.get(output + 1).context("Loop: an output of the body")?;
                let fact = body.outlet_fact(*outlet)?;
                let shape = [n_turns.clone()].into_iter().chain(outside.sizes(&fact.shape)?);
                Ok(plain(fact.datum_type).fact(shape.collect::<TVec<TDim>>()))
            };
        self.layout.outputs.iter().map(of).collect()
    }
}

impl Op for Loop {
    fn name(&self) -> StaticName {
        "Loop".into()
    }

    not_a_typed_op!();
}

impl EvalOp for Loop {
    not_out_of_plan!();
}

impl PartialEq for Loop {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

impl Eq for Loop {}

impl InferenceOp for Loop {
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
        Ok(self.layout.outputs.len())
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
        let (outlets, inputs) = bodies::translated(node, target, mapping)?;
        let symbols = target.symbols.clone();
        let mut outside = Outside::new(&symbols);
        let (body, facts) = self.body(&inputs, &mut outside, &symbols)?;
        let outputs = self.outputs(&body, &facts, &outside, &symbols)?;
        let body = bodies::runnable(body)?;
        target.wire_node(&node.name, TypedLoop { body, layout: self.layout.clone(), outputs }, &outlets)
    }
}

impl Op for TypedLoop {
    fn name(&self) -> StaticName {
        "Loop".into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl PartialEq for TypedLoop {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body)
    }
}

impl Eq for TypedLoop {}

impl TypedLoop {
    /// Runs the body until it says so, or as often as it may. Returns what was carried on, and what each turn gave.
    fn turns(
        &self,
        inputs: &[TValue],
        symbols: &SymbolValues,
    ) -> TractResult<(TVec<TValue>, Vec<TVec<TValue>>)> {
        let scalar = |place: Option<usize>| place.and_then(|place| inputs.get(place));
        let n_turns = scalar(self.layout.n_turns_at_most).map(|value| first::<i64>(value)).transpose()?;
        let mut goes_on = scalar(self.layout.condition).map_or(Ok(true), |value| first::<bool>(value))?;
        let (carried, captured) = inputs
            .get(self.layout.first_carried..)
            .and_then(|values| values.split_at_checked(self.layout.n_carried))
            .context("Loop: a value for each that is carried on")?;
        let mut carried: TVec<TValue> = carried.into();
        let mut given = Vec::new();
        let mut turn = 0_i64;
        while goes_on && n_turns.is_none_or(|n_turns| turn < n_turns) {
            let head = [tensor0(turn).into_tvalue(), tensor0(goes_on).into_tvalue()];
            let found =
                self.body.run(head.into_iter().chain(carried).chain(captured.iter().cloned()).collect())?;
            let mut found = found.into_iter().map(|value| numbers(value, symbols));
            let condition = found.next().context("Loop: the body's condition")??;
            goes_on = first::<bool>(&condition)?;
            carried = found.by_ref().take(self.layout.n_carried).collect::<TractResult<_>>()?;
            given.push(found.collect::<TractResult<_>>()?);
            turn += 1;
        }
        Ok((carried, given))
    }
}

/// The only element of a value.
fn first<T: Datum + Copy>(value: &Tensor) -> TractResult<T> {
    let value = value.cast_to::<T>()?;
    value.to_plain_array_view::<T>()?.first().copied().context("Loop: a number")
}

impl EvalOp for TypedLoop {
    not_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs = inputs.into_iter().map(|input| numbers(input, context.symbols));
        let (carried, given) = self.turns(&inputs.collect::<TractResult<TVec<_>>>()?, context.symbols)?;
        let of = |(&output, fact): (&usize, &TypedFact)| {
            let Some(place) = output.checked_sub(self.layout.n_carried) else {
                return carried.get(output).cloned().context("Loop: a value that is carried on");
            };
            let turns = given.iter().map(|given| given.get(place).map(|value| value.clone().into_tensor()));
            let mut turns = turns.collect::<Option<Vec<Tensor>>>().context("Loop: a value of each turn")?;
            if turns.is_empty() {
                let dims =
                    fact.shape.iter().skip(1).map(|dim| dim.eval(context.symbols).to_usize().unwrap_or(0));
                let shape: TVec<usize> = std::iter::once(0).chain(dims).collect();
                return Ok(Tensor::zero_dt(fact.datum_type, &shape)?.into_tvalue());
            }
            turns.iter_mut().try_for_each(|turn| turn.insert_axis(0))?;
            Ok(Tensor::stack_tensors(0, &turns)?.into_tvalue())
        };
        self.layout.outputs.iter().zip(&self.outputs).map(of).collect()
    }
}

impl TypedOp for TypedLoop {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.clone())
    }

    as_op!();
}
