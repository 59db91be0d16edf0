//! The larger or smaller of two numbers, and the largest of a window, that are no number (NaN) where one of them is none, as ONNX Runtime has it:
//! `Relu`, `Clip`, `Max`, `Min` and `MaxPool` come to these. tract's take the other number. Behind a product of matrices tract's are as they
//! should be, in Wasm, and stay there.

use tract_onnx::prelude::tract_ndarray::{ArrayViewD, Zip};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, OptBinByScalar, OptBinUnicast, TypedBinOp};
use tract_onnx::tract_core::ops::cnn::{MaxPool, OptMaxPool};
use tract_onnx::tract_core::ops::math::{Max, Min};
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

use crate::kernel::input;

/// The larger or the smaller of two numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OfTwo {
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
                Some(Box::new(TypedBinOp(Box::new(OfTwo { is_larger }), None)))
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

/// Without a branch, as are the next: loops over them are done on several lanes.
#[expect(clippy::eq_op, reason = "what is no number is not equal to itself")]
fn is_none<T: PartialEq>(number: T) -> bool {
    number != number
}

fn larger<T: PartialOrd + Copy>(left: T, right: T) -> T {
    if (left > right) | is_none(left) { left } else { right }
}

fn smaller<T: PartialOrd + Copy>(left: T, right: T) -> T {
    if (left < right) | is_none(left) { left } else { right }
}

/// Does it in the place of the first, whose shape the second fits.
fn in_place<T: Datum + Copy + PartialOrd>(
    values: &mut Tensor,
    others: ArrayViewD<'_, T>,
    of: impl Fn(T, T) -> T + Copy,
) -> TractResult<()> {
    let mut values = values.try_as_plain_ram_mut()?;
    if others.len() == 1
        && let Some(&other) = others.first()
    {
        // The loop over a slice is done on several lanes.
        values.as_slice_mut::<T>()?.iter_mut().for_each(|value| *value = of(*value, other));
        return Ok(());
    }
    Zip::from(values.to_array_view_mut::<T>()?)
        .and_broadcast(others)
        .for_each(|value, &other| *value = of(*value, other));
    Ok(())
}

impl OfTwo {
    fn in_place<T: Datum + Copy + PartialOrd>(
        &self,
        values: &mut Tensor,
        others: &Tensor,
    ) -> TractResult<()> {
        let others = others.to_plain_array_view::<T>()?;
        if self.is_larger { in_place(values, others, larger) } else { in_place(values, others, smaller) }
    }
}

impl BinMiniOp for OfTwo {
    fn name(&self) -> &'static str {
        if self.is_larger { "Max" } else { "Min" }
    }

    fn result_datum_type(&self, left: DatumType, right: DatumType) -> TractResult<DatumType> {
        left.common_super_type(right).with_context(|| format!("{left:?} and {right:?}"))
    }

    fn eval_in_a(&self, left: &mut Tensor, right: &Tensor) -> TractResult<()> {
        match left.datum_type() {
            DatumType::F16 => self.in_place::<f16>(left, right),
            DatumType::F32 => self.in_place::<f32>(left, right),
            DatumType::F64 => self.in_place::<f64>(left, right),
            other => bail!("{other:?} is no type of floating-point numbers"),
        }
    }

    fn eval_out_of_place(&self, output: &mut Tensor, left: &Tensor, right: &Tensor) -> TractResult<()> {
        *output = left.broadcast_to_shape(output.shape())?;
        self.eval_in_a(output, right)
    }
}

/// Zero, one and what is no number.
type Marks<T> = [T; 3];

/// Which elements are no numbers, as ones among zeros; none if all are numbers.
fn marked<T: Datum + Copy + PartialOrd>(
    values: &Tensor,
    [zero, one, _]: Marks<T>,
) -> TractResult<Option<Tensor>> {
    let values = values.to_plain_array_view::<T>()?;
    // Without an end before the last: it is done on several lanes.
    let is_any = values.iter().fold(false, |is_any, &value| is_any | is_none(value));
    Ok(is_any.then(|| values.map(|&value| if is_none(value) { one } else { zero }).into_tensor()))
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
