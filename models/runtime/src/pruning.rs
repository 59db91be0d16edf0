//! Which inputs of a model are asked for: those that are read, and those that say how long something is. Not which nodes stay.

use std::collections::HashSet;

use tract_onnx::prelude::*;

/// Drops the inputs that no kept output depends on. One that is not read may still say how long a dimension is that no other input has.
///
/// # Errors
/// What tract says of the model.
pub(crate) fn prune_inputs(mut model: TypedModel) -> Result<TypedModel, String> {
    let inputs = model.inputs.clone();
    let (mut kept, unread): (Vec<OutletId>, Vec<OutletId>) =
        inputs.iter().partition(|outlet| is_read(&model, **outlet));
    let told = symbols(&model, kept.iter().copied());
    let computed = model.nodes.iter().filter(|node| !node.inputs.is_empty());
    let asked = symbols(&model, computed.map(|node| node.id.into()));
    kept.extend(unread.into_iter().filter(|&outlet| {
        symbols(&model, [outlet]).iter().any(|symbol| asked.contains(symbol) && !told.contains(symbol))
    }));
    let in_order: Vec<OutletId> = inputs.into_iter().filter(|outlet| kept.contains(outlet)).collect();
    model.set_input_outlets(&in_order).map_err(|error| format!("{error:#}"))?;
    Ok(model)
}

fn is_read(model: &TypedModel, input: OutletId) -> bool {
    let outputs = &model.node(input.node).outputs;
    !outputs.iter().all(|output| output.successors.is_empty()) || model.outputs.contains(&input)
}

/// The open dimensions of values.
fn symbols(model: &TypedModel, outlets: impl IntoIterator<Item = OutletId>) -> HashSet<Symbol> {
    let facts = outlets.into_iter().filter_map(|outlet| model.outlet_fact(outlet).ok());
    facts.flat_map(|fact| fact.shape.iter().flat_map(TDim::symbols)).collect()
}
