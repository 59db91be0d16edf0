//! Recurrence that begins anew with every call, as ONNX has it. tract is made for streams: what `Scan` and the operators built on it
//! (`LSTM`, `GRU`, `RNN`) carry from step to step is carried on from call to call, and an initial state counts for the first call only.
//! Here the first call is the warm-up, so a model would go on from zeros, and from the rows of another request.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::scan::{InputMapping, Scan};
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

/// Makes every recurrence of a model, and of the models inside it, take its initial state whenever it runs: in a body that is itself run
/// step by step, at each step. Call it before the model is decluttered, which unrolls a loop of one step only if it carries nothing on.
///
/// # Errors
/// What tract says of the model.
pub fn begin_anew(model: &mut TypedModel) -> TractResult<()> {
    for node in &mut model.nodes {
        if let Some(scan) = node.op_as_mut::<Scan>() {
            scan.reset_every_turn = true;
            begin_anew(&mut scan.body)?;
        } else if let Some(gru) = node.op_as_mut::<GruSeq>() {
            gru.reset_every_turn = true;
        }
    }
    shield_states(model)
}

/// Whether something of the model runs step by step. If that fails with zeros it is not for their values, and it would fail with other rows.
#[must_use]
pub fn is_in(model: &TypedModel) -> bool {
    model.nodes.iter().any(|node| node.op_is::<Scan>() || node.op_is::<GruSeq>())
}

/// Puts a node before each initial state. Without it tract moves the state's axes into the body of a `Scan` and takes rows for steps.
fn shield_states(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        for slot in state_slots(model.node(id)) {
            let node = model.node(id);
            let state = *node.inputs.get(slot).context("a state has an input")?;
            let inputs: TVec<OutletId> = [state].into_iter().chain(sequence(node)).collect();
            let shielded = model.wire_node(format!("{}.state_{slot}", node.name), Shield, &inputs)?;
            model.add_edge(*shielded.first().context("a node has an output")?, InletId::new(id, slot))?;
        }
    }
    Ok(())
}

fn state_slots(node: &TypedNode) -> Vec<usize> {
    slots(node, |mapping| matches!(mapping, InputMapping::State))
}

/// What the recurrence takes a step of at a time, which is never constant.
fn sequence(node: &TypedNode) -> Option<OutletId> {
    let slots = slots(node, |mapping| matches!(mapping, InputMapping::Scan(_)));
    slots.first().and_then(|&slot| node.inputs.get(slot).copied())
}

fn slots(node: &TypedNode, is_meant: impl Fn(&InputMapping) -> bool) -> Vec<usize> {
    let mapping = node.op_as::<Scan>().map_or(&[][..], |scan| scan.input_mapping.as_slice());
    mapping.iter().enumerate().filter(|(_, mapping)| is_meant(mapping)).map(|(slot, _)| slot).collect()
}

/// Hands on its first input, and tells tract no more of it than its shape. The second one is there so that a state which is in the
/// file is no constant to tract either: it would move the axes of the loop and not those of the constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Shield;

impl Op for Shield {
    fn name(&self) -> StaticName {
        "Shield".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Shield {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        inputs.truncate(1);
        Ok(inputs)
    }
}

impl TypedOp for Shield {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let input = inputs.first().context("it has an input")?;
        Ok(tvec![input.datum_type.fact(input.shape.clone())])
    }

    as_op!();
}
