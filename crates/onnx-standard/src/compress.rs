//! `Compress`: the places of an axis, or of all elements, that are marked.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::Axis;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed, input};

#[derive(Debug)]
struct Compress {
    /// All elements in a row if none.
    axis: Option<i64>,
    n_kept: Symbol,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Compress`, version 11.
pub(crate) fn compress(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let n_kept = context.template.symbols.new_with_prefix("kept");
    Ok((computed(Compress { axis: node.get_attr_opt::<i64>("axis")?, n_kept }), Vec::new()))
}

impl Compress {
    fn of<T: Datum>(&self, values: &Tensor, marks: &Tensor) -> TractResult<Tensor> {
        let marks = marks.to_plain_array_view::<bool>()?;
        let places: Vec<usize> =
            marks.iter().enumerate().filter(|(_, mark)| **mark).map(|(place, _)| place).collect();
        let view = values.to_plain_array_view::<T>()?;
        let flat;
        let (view, axis) = if let Some(axis) = self.axis {
            (view.view(), axis_of(axis, view.ndim())?)
        } else {
            flat = view.flatten().into_dyn();
            (flat.view(), 0)
        };
        let n_places = view.len_of(Axis(axis));
        ensure!(places.iter().all(|&place| place < n_places), "Compress: a mark beyond {n_places} places");
        Ok(view.select(Axis(axis), &places).into_tensor())
    }
}

impl Kernel for Compress {
    fn name(&self) -> &'static str {
        "Compress"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, mut shape) = input(inputs, 0)?.clone();
        let n_kept = TDim::from(self.n_kept.clone());
        match self.axis {
            Some(axis) => {
                let axis = axis_of(axis, shape.len())?;
                shape.get_mut(axis).into_iter().for_each(|dim| *dim = n_kept.clone());
            }
            None => shape = tvec![n_kept],
        }
        Ok(tvec![(datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (values, marks) = (input(inputs, 0)?, input(inputs, 1)?);
        Ok(tvec![dispatch_datum!(Self::of(values.datum_type())(self, values, marks))?])
    }
}
