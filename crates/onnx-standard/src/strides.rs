//! `Slice` that takes every second element, or turns an axis around, over any number of elements: tract wants to know how many there are.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, attribute_proto::AttributeType};
use tract_onnx::prelude::tract_ndarray::{Axis, Slice};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed, input};

/// The name of the node's operator, which no ONNX file has.
pub(crate) const STRIDES: &str = "PlinthStrides";

/// No size is larger: exporters write that an axis is taken to its end by such a number.
const END: i64 = i32::MAX as i64;

/// Whole axes, of which every so manieth element is taken; from the end if negative.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Strides(Vec<(i64, i64)>);

/// Replaces slices of whole axes in the graph, if what they take is written in it.
pub(crate) fn take_strides(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    let mut kept: Vec<NodeProto> = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        if let Some(Strides(strides)) = strides(&node, graph, &kept) {
            node.op_type = STRIDES.to_owned();
            node.domain.clear();
            node.input.truncate(1);
            let ints = |name: &str, ints| AttributeProto {
                name: name.to_owned(),
                r#type: AttributeType::Ints as i32,
                ints,
                ..AttributeProto::default()
            };
            let (axes, steps) = strides.into_iter().unzip();
            node.attribute = vec![ints("axes", axes), ints("steps", steps)];
        }
        kept.push(node);
    }
    graph.node = kept;
}

/// What a node takes, if it is a slice of whole axes with a stride.
fn strides(node: &NodeProto, graph: &GraphProto, before: &[NodeProto]) -> Option<Strides> {
    let [_, starts, ends, axes, steps] = node.input.as_slice() else { return None };
    if node.op_type != "Slice" {
        return None;
    }
    let numbers = |name: &str| integers(written(name, graph, before)?);
    let (starts, ends, axes, steps) = (numbers(starts)?, numbers(ends)?, numbers(axes)?, numbers(steps)?);
    let is_whole = |((start, end), step): ((&i64, &i64), &i64)| {
        let is_forward = *step > 0 && *start == 0 && *end >= END;
        let is_backward = *step < 0 && (*start == -1 || *start >= END) && *end <= -END;
        is_forward || is_backward
    };
    let are_whole = starts.iter().zip(&ends).zip(&steps).all(is_whole);
    let has_stride = steps.iter().any(|&step| step != 1);
    (are_whole && has_stride).then(|| Strides(axes.into_iter().zip(steps).collect()))
}

/// A tensor that is written in the graph: a weight, or what a constant says.
fn written<'g>(name: &str, graph: &'g GraphProto, before: &'g [NodeProto]) -> Option<&'g TensorProto> {
    let weight = graph.initializer.iter().find(|weight| weight.name == name);
    weight.or_else(|| {
        let is_it =
            |node: &&NodeProto| node.op_type == "Constant" && node.output.iter().any(|output| output == name);
        before.iter().find(is_it)?.attribute.iter().find_map(|attribute| attribute.t.as_ref())
    })
}

fn integers(tensor: &TensorProto) -> Option<Vec<i64>> {
    let data_type = DataType::try_from(tensor.data_type).ok()?;
    let of_bytes = |size| tensor.raw_data.chunks_exact(size);
    Some(match data_type {
        DataType::Int64 if !tensor.int64_data.is_empty() => tensor.int64_data.clone(),
        DataType::Int64 => of_bytes(8)
            .map(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?)))
            .collect::<Option<_>>()?,
        DataType::Int32 if !tensor.int32_data.is_empty() => {
            tensor.int32_data.iter().map(|&number| number.into()).collect()
        }
        DataType::Int32 => of_bytes(4)
            .map(|bytes| Some(i32::from_le_bytes(bytes.try_into().ok()?).into()))
            .collect::<Option<_>>()?,
        _ => return None,
    })
}

/// The operator of such a node.
pub(crate) fn build(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let (axes, steps) = (node.get_attr_vec::<i64>("axes")?, node.get_attr_vec::<i64>("steps")?);
    Ok((computed(Strides(axes.into_iter().zip(steps).collect())), Vec::new()))
}

impl Kernel for Strides {
    fn name(&self) -> &'static str {
        "Slice"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, mut shape) = input(inputs, 0)?.clone();
        let rank = shape.len();
        for &(axis, step) in &self.0 {
            let dim = shape.get_mut(axis_of(axis, rank)?).context("an axis of the value")?;
            *dim = dim.clone().divceil(usize::try_from(step.unsigned_abs())?);
        }
        Ok(tvec![(datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        Ok(tvec![dispatch_datum!(take(values.datum_type())(values, &self.0))?])
    }
}

fn take<T: Datum>(values: &Tensor, strides: &[(i64, i64)]) -> TractResult<Tensor> {
    let mut view = values.to_plain_array_view::<T>()?;
    for &(axis, step) in strides {
        let axis = axis_of(axis, view.ndim())?;
        view.slice_axis_inplace(Axis(axis), Slice::new(0, None, isize::try_from(step)?));
    }
    Ok(view.to_owned().into_tensor())
}
