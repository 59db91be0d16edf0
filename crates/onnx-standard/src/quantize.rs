//! `QuantizeLinear`: tract multiplies by the reciprocal of the scale, which rounds to another step now and then, and lets large numbers wrap.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::prelude::tract_ndarray::ArrayD;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed, input};

#[derive(Debug)]
struct Quantize {
    /// The axis that the scales lie along, if there are several.
    axis: i64,
    /// The type of the steps, if no zero point tells it.
    steps: DatumType,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `QuantizeLinear`, version 25.
pub(crate) fn quantize(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    ensure!(
        node.get_attr_opt::<i64>("block_size")?.unwrap_or(0) == 0,
        "QuantizeLinear by blocks is not supported"
    );
    let data_type = node.get_attr_opt::<i64>("output_dtype")?.unwrap_or(0);
    let steps = match DataType::try_from(i32::try_from(data_type)?) {
        Ok(DataType::Undefined | DataType::Uint8) => DatumType::U8,
        Ok(DataType::Int8) => DatumType::I8,
        Ok(DataType::Uint16) => DatumType::U16,
        Ok(DataType::Int16) => DatumType::I16,
        other => bail!("QuantizeLinear to {other:?} is not supported"),
    };
    let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(1);
    Ok((computed(Quantize { axis, steps }), Vec::new()))
}

impl Quantize {
    /// Scales or zero points as an array that broadcasts to the values.
    fn along_axis(&self, given: &TValue, rank: usize) -> TractResult<ArrayD<f32>> {
        let numbers = given.cast_to::<f32>()?;
        let numbers = numbers.to_plain_array_view::<f32>()?.to_owned();
        if numbers.len() == 1 {
            return Ok(numbers.into_shape_with_order(vec![1; rank])?);
        }
        ensure!(numbers.ndim() == 1, "QuantizeLinear: scales with {} axes", numbers.ndim());
        let axis = axis_of(self.axis, rank)?;
        let mut shape = vec![1; rank];
        shape.get_mut(axis).into_iter().for_each(|size| *size = numbers.len());
        Ok(numbers.into_shape_with_order(shape)?)
    }

    fn quantised(&self, inputs: &[TValue]) -> TractResult<ArrayD<f32>> {
        let values = input(inputs, 0)?.cast_to::<f32>()?;
        let mut found = values.to_plain_array_view::<f32>()?.to_owned();
        let rank = found.ndim();
        let scales = self.along_axis(input(inputs, 1)?, rank)?;
        found /= &scales
            .broadcast(found.raw_dim())
            .context("QuantizeLinear: a scale for each place of the axis")?;
        found.mapv_inplace(f32::round_ties_even);
        if let Some(zeros) = inputs.get(2) {
            let zeros = self.along_axis(zeros, rank)?;
            found +=
                &zeros.broadcast(found.raw_dim()).context("QuantizeLinear: a zero point for each scale")?;
        }
        Ok(found)
    }
}

impl Kernel for Quantize {
    fn name(&self) -> &'static str {
        "QuantizeLinear"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, shape) = input(inputs, 0)?.clone();
        let steps = inputs.get(2).map_or(self.steps, |(datum_type, _)| *datum_type);
        Ok(tvec![(steps, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let found = self.quantised(inputs)?;
        let steps = inputs.get(2).map_or(self.steps, |zeros| zeros.datum_type());
        Ok(tvec![match steps {
            DatumType::U8 => found.mapv(saturated::<u8>).into_tensor(),
            DatumType::I8 => found.mapv(saturated::<i8>).into_tensor(),
            DatumType::U16 => found.mapv(saturated::<u16>).into_tensor(),
            DatumType::I16 => found.mapv(saturated::<i16>).into_tensor(),
            other => bail!("QuantizeLinear to {other:?} is not supported"),
        }])
    }

    fn keeps_rows(&self, axis: usize) -> bool {
        axis == 0 && self.axis > 0
    }
}

/// A type of steps.
trait Step {
    /// The nearest step.
    fn of(number: f32) -> Self;
}

macro_rules! step {
    ($($type:ty),*) => {$(
        impl Step for $type {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
            fn of(number: f32) -> Self {
                let whole = number as i32;
                Self::try_from(whole).unwrap_or(if whole < 0 { Self::MIN } else { Self::MAX })
            }
        }
    )*};
}

step!(u8, i8, u16, i16);

fn saturated<T: Step>(number: f32) -> T {
    T::of(number)
}
