//! `CumProd`: products of all elements before, along an axis.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::Axis;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed, input};

#[derive(Debug)]
struct Products {
    /// Whether an element is no part of its own product.
    is_exclusive: bool,
    is_reverse: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `CumProd`, version 26.
pub(crate) fn products(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let is = |name: &str| -> TractResult<bool> { Ok(node.get_attr_opt::<i64>(name)? == Some(1)) };
    Ok((computed(Products { is_exclusive: is("exclusive")?, is_reverse: is("reverse")? }), Vec::new()))
}

impl Products {
    fn of<T: Datum + Copy>(
        &self,
        values: &Tensor,
        axis: usize,
        one: T,
        times: fn(T, T) -> T,
    ) -> TractResult<Tensor> {
        let mut found = values.to_plain_array_view::<T>()?.to_owned();
        for mut lane in found.lanes_mut(Axis(axis)) {
            if self.is_reverse {
                lane.invert_axis(Axis(0));
            }
            let mut product = one;
            for element in &mut lane {
                let next = times(product, *element);
                *element = if self.is_exclusive { product } else { next };
                product = next;
            }
        }
        Ok(found.into_tensor())
    }
}

impl Kernel for Products {
    fn name(&self) -> &'static str {
        "CumProd"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (values, axis) = (input(inputs, 0)?, input(inputs, 1)?.cast_to::<i64>()?);
        let axis = axis.to_plain_array_view::<i64>()?.first().copied().context("CumProd: an axis")?;
        let axis = axis_of(axis, values.rank())?;
        Ok(tvec![match values.datum_type() {
            DatumType::F16 => self.of(values, axis, f16::ONE, |l, r| l * r)?,
            DatumType::F32 => self.of(values, axis, 1.0_f32, |l, r| l * r)?,
            DatumType::F64 => self.of(values, axis, 1.0_f64, |l, r| l * r)?,
            DatumType::I32 => self.of(values, axis, 1_i32, i32::wrapping_mul)?,
            DatumType::I64 => self.of(values, axis, 1_i64, i64::wrapping_mul)?,
            DatumType::U32 => self.of(values, axis, 1_u32, u32::wrapping_mul)?,
            DatumType::U64 => self.of(values, axis, 1_u64, u64::wrapping_mul)?,
            other => bail!("CumProd of {other:?}"),
        }])
    }
}
