//! tract's simplification of a model, without the one of its passes that changes shapes, and its choice of fast operators.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::matmul::optimized::OptMatMul;
use tract_onnx::tract_core::ops::scan::Scan;
use tract_onnx::tract_core::optim::Optimizer;

use crate::{misfits, not_a_number, sums};

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

/// Makes one pass over the elements of several operators, which are then no longer told apart.
const FUSES: &str = "fuse";

/// A decluttered model with the operators that are fast here, behind checks of sizes that come with a request, and which know numbers that are
/// none. If tract cannot make its operators fast, they stay as they are.
///
/// # Errors
/// What tract says of the model.
pub fn optimise(mut model: TypedModel) -> TractResult<TypedModel> {
    prepare_steps(&mut model)?;
    misfits::check(&mut model)?;
    fast(model.clone()).or_else(|_| {
        correct(&mut model)?;
        Ok(model)
    })
}

fn fast(mut model: TypedModel) -> TractResult<TypedModel> {
    let (fusing, making): (Vec<_>, Vec<_>) =
        Optimizer::codegen().passes.into_iter().partition(|pass| format!("{pass:?}").contains(FUSES));
    Optimizer { passes: making, steps: None }.optimize(&mut model)?;
    fuse_products(&mut model)?;
    correct(&mut model)?;
    Optimizer { passes: fusing, steps: None }.optimize(&mut model)?;
    Ok(model)
}

/// Has products of matrices do at once what follows them: there tract's comparisons are right.
fn fuse_products(model: &mut TypedModel) -> TractResult<()> {
    let mut id = 0;
    while id < model.nodes.len() {
        let node = model.node(id);
        let is_used = node.outputs.iter().any(|output| !output.successors.is_empty());
        let patch = if is_used && node.op_is::<OptMatMul>() { node.op.fuse(model, node)? } else { None };
        match patch {
            // What it makes comes after all others, and may be fused again.
            Some(patch) => patch.apply(model)?,
            None => id += 1,
        }
    }
    model.compact()
}

/// Puts operators of this crate in the place of tract's, where those are wrong at times.
fn correct(model: &mut TypedModel) -> TractResult<()> {
    not_a_number::keep(model)?;
    sums::add_nothing(model)
}

/// Does the same, but for what is fast, to the steps of a recurrence: tract makes those fast with the node.
fn prepare_steps(model: &mut TypedModel) -> TractResult<()> {
    for scan in model.nodes.iter_mut().filter_map(|node| node.op_as_mut::<Scan>()) {
        misfits::check(&mut scan.body)?;
        correct(&mut scan.body)?;
        prepare_steps(&mut scan.body)?;
    }
    Ok(())
}
