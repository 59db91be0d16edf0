//! The larger or smaller of two numbers, and the largest of a window, that are no number (NaN) where one of them is none, as ONNX Runtime has it:
//! `Relu`, `Clip`, `Max`, `Min` and `MaxPool` come to these. tract's take the other number. What a product of matrices does at once is as it
//! should be, in Wasm, and is not seen here.

use tract_onnx::prelude::tract_ndarray::Zip;
use tract_onnx::tract_core::broadcast::multi_broadcast;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{OptBinByScalar, OptBinUnicast, TypedBinOp};
use tract_onnx::tract_core::ops::cnn::{MaxPool, OptMaxPool};
use tract_onnx::tract_core::ops::math::{Max, Min};
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

use crate::kernel::input;

/// tract's larger or smaller of two numbers, unless one is none.
#[derive(Debug, Clone)]
struct OfTwo {
    tract: Box<dyn TypedOp>,
    is_larger: bool,
}

/// tract's largest of each window, and where one of the window is no number, that.
#[derive(Debug, Clone)]
struct OfWindows(Box<dyn TypedOp>);

/// Puts the operators of this file in the place of tract's.
///
/// # Errors
/// What tract says of the model.
pub(crate) fn keep(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = model.node(id);
        let Some(&first) = node.inputs.first() else { continue };
        if !model.outlet_fact(first)?.datum_type.is_float() {
            continue;
        }
        let replacement: Option<Box<dyn TypedOp>> =
            if let Some(is_larger) = is_larger_of_two(node.op.as_ref()) {
                Some(Box::new(OfTwo { tract: node.op.clone(), is_larger }))
            } else if node.op_is::<MaxPool>() || node.op_is::<OptMaxPool>() {
                Some(Box::new(OfWindows(node.op.clone())))
            } else {
                None
            };
        if let Some(op) = replacement {
            model.node_mut(id).op = op;
        }
    }
    Ok(())
}

/// Whether an operator is the larger of two numbers, or the smaller.
fn is_larger_of_two(op: &dyn TypedOp) -> Option<bool> {
    let op = if let Some(of_two) = op.downcast_ref::<TypedBinOp>() {
        &of_two.0
    } else if let Some(of_two) = op.downcast_ref::<OptBinByScalar>() {
        &of_two.binop
    } else {
        &op.downcast_ref::<OptBinUnicast>()?.binop
    };
    (op.is::<Max>() || op.is::<Min>()).then(|| op.is::<Max>())
}

fn is_none<T: PartialOrd>(number: T) -> bool {
    number.partial_cmp(&number).is_none()
}

fn larger<T: PartialOrd>(left: T, right: T) -> T {
    if left > right || is_none(&left) { left } else { right }
}

fn smaller<T: PartialOrd>(left: T, right: T) -> T {
    if left < right || is_none(&left) { left } else { right }
}

/// Whether an element is no number. Without an end before the last it is quick.
fn has_none<T: Datum + Copy + PartialOrd>(values: &Tensor) -> TractResult<bool> {
    let values = values.to_plain_array_view::<T>()?;
    Ok(values.iter().fold(false, |is_any, &value| is_any | is_none(value)))
}

impl OfTwo {
    fn of<T: Datum + Copy + PartialOrd>(
        &self,
        context: &EvalContext,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let (left, right) = (input(&inputs, 0)?, input(&inputs, 1)?);
        if !has_none::<T>(left)? && !has_none::<T>(right)? {
            return self.tract.eval(context, inputs);
        }
        let shape = multi_broadcast(&[left.shape(), right.shape()])?;
        let (left, right) = (left.broadcast_to_shape(&shape)?, right.broadcast_to_shape(&shape)?);
        let pairs = Zip::from(left.to_plain_array_view::<T>()?).and(right.to_plain_array_view::<T>()?);
        let of = if self.is_larger { larger } else { smaller };
        Ok(tvec![pairs.map_collect(|&left, &right| of(left, right)).into_tvalue()])
    }
}

impl PartialEq for OfTwo {
    fn eq(&self, other: &Self) -> bool {
        self.is_larger == other.is_larger && self.tract.as_op() == other.tract.as_op()
    }
}

impl Eq for OfTwo {}

impl Op for OfTwo {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    op_as_typed_op!();
}

impl EvalOp for OfTwo {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        match input(&inputs, 0)?.datum_type() {
            DatumType::F16 => self.of::<f16>(context, inputs),
            DatumType::F32 => self.of::<f32>(context, inputs),
            DatumType::F64 => self.of::<f64>(context, inputs),
            _ => self.tract.eval(context, inputs),
        }
    }
}

impl TypedOp for OfTwo {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.tract.output_facts(inputs)
    }

    as_op!();
}

/// Zero, one and what is no number.
type Marks<T> = [T; 3];

/// Which elements are no numbers, as ones among zeros; none if all are numbers.
fn marked<T: Datum + Copy + PartialOrd>(
    values: &Tensor,
    [zero, one, _]: Marks<T>,
) -> TractResult<Option<Tensor>> {
    if !has_none::<T>(values)? {
        return Ok(None);
    }
    let values = values.to_plain_array_view::<T>()?;
    Ok(Some(values.map(|&value| if is_none(value) { one } else { zero }).into_tensor()))
}

impl OfWindows {
    fn of<T: Datum + Copy + PartialOrd>(
        &self,
        context: &EvalContext,
        inputs: TVec<TValue>,
        marks: Marks<T>,
    ) -> TractResult<TVec<TValue>> {
        let [zero, _, none] = marks;
        let marked = inputs.first().map(|values| marked(values, marks)).transpose()?.flatten();
        let mut outputs = self.0.eval(context, inputs)?;
        if let (Some(marked), Some(output)) = (marked, outputs.first_mut()) {
            let marked = self.0.eval(context, tvec![marked.into_tvalue()])?;
            let marked = input(&marked, 0)?.to_plain_array_view::<T>()?;
            let mut values = output.clone().into_tensor();
            Zip::from(values.try_as_plain_ram_mut()?.to_array_view_mut::<T>()?)
                .and(marked)
                .for_each(|value, &mark| *value = if mark > zero { none } else { *value });
            *output = values.into_tvalue();
        }
        Ok(outputs)
    }
}

impl PartialEq for OfWindows {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_op() == other.0.as_op()
    }
}

impl Eq for OfWindows {}

impl Op for OfWindows {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    op_as_typed_op!();
}

impl EvalOp for OfWindows {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        match inputs.first().map(|values| values.datum_type()) {
            Some(DatumType::F16) => self.of(context, inputs, [f16::ZERO, f16::ONE, f16::NAN]),
            Some(DatumType::F32) => self.of(context, inputs, [0.0, 1.0, f32::NAN]),
            Some(DatumType::F64) => self.of(context, inputs, [0.0, 1.0, f64::NAN]),
            _ => self.0.eval(context, inputs),
        }
    }
}

impl TypedOp for OfWindows {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.0.output_facts(inputs)
    }

    as_op!();
}
