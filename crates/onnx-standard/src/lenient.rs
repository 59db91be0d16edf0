//! A model whose sizes are known to tract: with everything that its file says of them, or if that does not go together, with less.

use tract_onnx::prelude::{InferenceModel, TractResult, TypedModel};
use tract_onnx::tract_hir::infer::{InferenceFact, InferenceModelExt as _};

use crate::{joins, late};

/// The model as tract has it before it simplifies. It is asked again without what the file says of values that nodes compute, whose sizes tools
/// call as they like, and with joined values that may have sizes of other names; and if that does not do, over axes that are long enough for what
/// is cut out of them, as it may have to know how long that is.
///
/// # Errors
/// What tract says of the model as it is.
pub fn typed(mut model: InferenceModel) -> TractResult<TypedModel> {
    model.clone().into_typed().or_else(|error| {
        forget(&mut model);
        joins::see_later(&mut model);
        let forgetful = model.clone().into_typed();
        forgetful.or_else(|_| {
            late::trust_slices(&mut model);
            model.into_typed().map_err(|_| error)
        })
    })
}

/// Forgets what the file says of values that nodes compute.
fn forget(model: &mut InferenceModel) {
    for node in model.nodes_mut().iter_mut().filter(|node| !node.inputs.is_empty()) {
        for output in &mut node.outputs {
            output.fact = InferenceFact::default();
        }
    }
}
