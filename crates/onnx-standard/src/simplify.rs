//! tract's simplification of a model, without the one of its passes that changes shapes.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::optim::Optimizer;

/// Puts a constant of one element where a mask is true throughout, and forgets that the mask had more: a wire that was as long as
/// the mask may then be of length one, and what follows is answered wrongly or not at all. It serves streams, which are not served here.
const CHANGES_SHAPES: &str = "FoldUniformMask";

/// What tract calls decluttering.
///
/// # Errors
/// What tract says of the model.
pub fn declutter(mut model: TypedModel) -> TractResult<TypedModel> {
    let mut optimizer = Optimizer::declutter();
    optimizer.passes.retain(|pass| !format!("{pass:?}").starts_with(CHANGES_SHAPES));
    optimizer.optimize(&mut model)?;
    Ok(model)
}

/// A decluttered model with the operators that are fast here.
///
/// # Errors
/// What tract says of the model.
pub fn optimise(mut model: TypedModel) -> TractResult<TypedModel> {
    model.optimize()?;
    Ok(model)
}
