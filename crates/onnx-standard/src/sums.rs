//! Sums over an axis that may have no elements, which are zero: tract panics at those along the last axis.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

use crate::kernel::input;

/// tract's sum, unless there is nothing to add.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sum(Reduce);

/// Puts the sums of this file in the place of tract's, where the number of elements is open.
///
/// # Errors
/// What tract says of the model.
pub(crate) fn add_nothing(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = model.node(id);
        let Some(reduce) = node.op_as::<Reduce>() else { continue };
        let shape = &model.outlet_fact(*input(&node.inputs, 0)?)?.shape;
        let is_open = |axis: &usize| shape.get(*axis).is_none_or(|dim| dim.to_i64().is_err());
        if matches!(reduce.reducer, Reducer::Sum | Reducer::MeanOfSquares) && reduce.axes.iter().any(is_open)
        {
            let sum = Sum(reduce.clone());
            model.node_mut(id).op = Box::new(sum);
        }
    }
    Ok(())
}

impl Op for Sum {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    op_as_typed_op!();
}

impl EvalOp for Sum {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let values = input(&inputs, 0)?;
        let along = |axis: &usize| values.shape().get(*axis).copied();
        if self.0.axes.iter().all(|axis| along(axis) != Some(0)) {
            return self.0.eval(context, inputs);
        }
        let mut shape: TVec<usize> = values.shape().into();
        for &axis in &self.0.axes {
            *shape.get_mut(axis).context("an axis of the value")? = 1;
        }
        Ok(tvec![Tensor::zero_dt(values.datum_type(), &shape)?.into_tvalue()])
    }
}

impl TypedOp for Sum {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.0.output_facts(inputs)
    }

    as_op!();
}
