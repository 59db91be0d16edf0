//! Whether the rows of a batch are independent of each other: told from the graph's operators, not by trying.
//!
//! The batch axis is followed from the inputs to the outputs. An operator that mixes what lies along it, or that this file does
//! not know, means no: then nothing is claimed, and a batch runs as it came.

use std::collections::HashMap;

use onnx_ml::MlOp;
use tract_onnx::prelude::{OutletId, TypedModel};
use tract_onnx::tract_core::internal::{AxisOp, Symbol, TDim, TypedFact, TypedNode};
use tract_onnx::tract_core::ops::array::{Slice, TypedConcat};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::cnn::{Conv, MaxPool, PoolSpec, SumPool};
use tract_onnx::tract_core::ops::downsample::Downsample;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Reduce, Softmax};

/// Where the rows lie in every value that has them.
type RowAxes = HashMap<OutletId, usize>;

/// The symbol of the batch, if it leads every input and output of a decluttered model and no row depends on another.
pub(crate) fn independent_rows(model: &TypedModel) -> Option<Symbol> {
    let batch = batch_symbol(model)?;
    let mut axes: RowAxes = model.inputs.iter().map(|&outlet| (outlet, 0)).collect();
    for node_idx in model.eval_order().ok()? {
        let node = model.node(node_idx);
        if model.inputs.contains(&OutletId::new(node_idx, 0)) {
            continue;
        }
        match rows_of(model, node, &axes, &batch)? {
            Rows::None => knows_nothing_of(&batch, node).then_some(())?,
            Rows::Along(axis) => {
                axes.extend((0..node.outputs.len()).map(|slot| (OutletId::new(node_idx, slot), axis)));
            }
        }
    }
    model.outputs.iter().all(|outlet| axes.get(outlet) == Some(&0)).then_some(batch)
}

fn batch_symbol(model: &TypedModel) -> Option<Symbol> {
    let mut leading = model.inputs.iter().map(|&outlet| {
        let dim = model.outlet_fact(outlet).ok()?.shape.first()?.clone();
        dim.symbols().into_iter().next().filter(|symbol| dim == symbol.clone().into())
    });
    let first = leading.next()??;
    leading.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// What a node's outputs have of the rows.
enum Rows {
    None,
    Along(usize),
}

/// `None` if the node mixes rows or may do so.
fn rows_of(model: &TypedModel, node: &TypedNode, axes: &RowAxes, batch: &Symbol) -> Option<Rows> {
    let inputs: Vec<Option<usize>> = node.inputs.iter().map(|outlet| axes.get(outlet).copied()).collect();
    let Some(axis) = inputs.iter().flatten().next().copied() else { return Some(Rows::None) };
    let is_same = inputs.iter().flatten().all(|other| *other == axis);
    let op = &node.op;
    let passes = if let Some(product) = op.downcast_ref::<EinSum>() {
        return kept_by_product(product, &inputs).map(Rows::Along);
    } else if let Some(change) = op.downcast_ref::<AxisOp>() {
        return change.transform_axis(axis).map(Rows::Along);
    } else if let Some(softmax) = op.downcast_ref::<Softmax>() {
        !softmax.axes.contains(&axis)
    } else if let Some(reduce) = op.downcast_ref::<Reduce>() {
        !reduce.axes.contains(&axis)
    } else if let Some(concat) = op.downcast_ref::<TypedConcat>() {
        concat.axis != axis && inputs.iter().all(Option::is_some)
    } else if let Some(slice) = op.downcast_ref::<Slice>() {
        let knows_rows = |bound: &TDim| bound.symbols().contains(batch);
        slice.axis != axis && !knows_rows(&slice.start) && !knows_rows(&slice.end)
    } else if let Some(strides) = op.downcast_ref::<Downsample>() {
        strides.axis != axis
    } else if let Some(conv) = op.downcast_ref::<Conv>() {
        is_batch_of(&conv.pool_spec, axis)
            && inputs.iter().flatten().count() == 1
            && inputs.first().is_some_and(Option::is_some)
    } else if let Some(pool) = op.downcast_ref::<MaxPool>() {
        is_batch_of(&pool.pool_spec, axis)
    } else if let Some(pool) = op.downcast_ref::<SumPool>() {
        is_batch_of(&pool.pool_spec, axis)
    } else if let Some(of_domain) = op.downcast_ref::<MlOp>() {
        of_domain.keeps_rows(&inputs, model.outlet_fact(*node.inputs.first()?).ok()?.rank())
    } else if let Some(computed) = op.downcast_ref::<onnx_standard::Computed>() {
        computed.keeps_rows(&inputs)
    } else if onnx_standard::checks_other_axes(op.as_ref(), axis) {
        inputs.len() == 1
    } else {
        op.is::<ElementWiseOp>()
            || op.is::<TypedBinOp>()
            || op.is::<Cast>()
            || op.is::<Identity>()
            || op.is::<Iff>()
    };
    (passes && is_same).then_some(Rows::Along(axis))
}

/// The rows' axis in the output of a product, if no row is summed with or paired with another.
fn kept_by_product(product: &EinSum, inputs: &[Option<usize>]) -> Option<usize> {
    let mut kept = None;
    for (slot, axis) in inputs.iter().enumerate() {
        let Some(axis) = axis else { continue };
        let mut labels = product.axes.iter_all_axes();
        let label = labels.find(|label| label.inputs.get(slot).is_some_and(|at| at.contains(axis)))?;
        let &[output] = label.outputs.first()?.as_slice() else { return None };
        if kept.is_some_and(|kept| kept != output) {
            return None;
        }
        kept = Some(output);
    }
    kept
}

fn is_batch_of(pool: &PoolSpec, axis: usize) -> bool {
    axis == 0 && pool.data_format.has_n()
}

/// Whether a node without rows has no other way to know how many there are: neither by its shape nor by a number.
fn knows_nothing_of(batch: &Symbol, node: &TypedNode) -> bool {
    let is_free = |fact: &TypedFact| {
        !fact.datum_type.is_tdim() && fact.shape.iter().all(|dim| !dim.symbols().contains(batch))
    };
    node.outputs.iter().all(|output| is_free(&output.fact))
}
