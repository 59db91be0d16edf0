//! Nodes that another node answers: `Upsample`, which `Resize` has replaced, `Pad` that repeats its input, which is a matter of cutting and
//! joining, and `ConstantOfShape` that does not say of what: tract takes it for zeros of FP64.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{Slice, TypedConcat};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::input;

/// The version of ONNX whose `Resize` is asked.
const OPSET: i64 = 13;

/// `Pad` with the end of an axis before it and its beginning after it.
#[derive(Debug, Clone)]
struct Wrap;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `ConstantOfShape`, version 9: zeros of FP32 unless the node says otherwise.
pub(crate) fn constant_of_shape(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let mut node = node.clone();
    if node.attribute.iter().all(|attribute| attribute.name != "value") {
        let data_type = DataType::Float as i32;
        let zero = TensorProto { dims: vec![1], data_type, float_data: vec![0.0], ..TensorProto::default() };
        node.attribute.push(AttributeProto {
            name: "value".to_owned(),
            r#type: AttributeType::Tensor as i32,
            t: Some(zero),
            ..AttributeProto::default()
        });
    }
    crate::before(crate::CORRECTED, context, &node)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Upsample`, version 9.
pub(crate) fn upsample(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let [x, scales] = node.input.as_slice() else { bail!("Upsample without scales among its inputs") };
    let mut resize = node.clone();
    resize.op_type = "Resize".to_owned();
    resize.input = vec![x.clone(), String::new(), scales.clone()];
    let text = |name: &str, value: &str| AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::String as i32,
        s: value.as_bytes().to_vec(),
        ..AttributeProto::default()
    };
    resize.attribute.push(text("coordinate_transformation_mode", "asymmetric"));
    resize.attribute.push(text("nearest_mode", "floor"));
    let mut context = context.clone();
    context.onnx_operator_set_version = OPSET;
    let builder = context.framework.op_register.0.get("Resize").context("`Resize` is registered")?;
    builder(&context, &resize)
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Pad`, version 25.
pub(crate) fn pad(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    if node.get_attr_opt::<&str>("mode")? != Some("wrap") {
        return crate::before(crate::CORRECTED, context, node);
    }
    let is_over_all_axes = node.input.get(3).is_none_or(String::is_empty);
    ensure!(is_over_all_axes, "Pad: the mode `wrap` over some axes is not supported");
    Ok((expand(Wrap), Vec::new()))
}

fn pads(given: &Tensor, rank: usize) -> TractResult<Vec<(usize, usize)>> {
    let given = given.cast_to::<i64>()?;
    let numbers: Vec<i64> = given.to_plain_array_view::<i64>()?.iter().copied().collect();
    let (before, after) = numbers.split_at_checked(rank).context("Pad: pads for each axis")?;
    ensure!(after.len() == rank, "Pad: {} pads for {rank} axes", numbers.len());
    before
        .iter()
        .zip(after)
        .map(|(&before, &after)| Ok((usize::try_from(before)?, usize::try_from(after)?)))
        .collect()
}

impl Expansion for Wrap {
    fn name(&self) -> StaticName {
        "Pad".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (given, output) = (input(inputs, 0)?, input(outputs, 0)?);
        solver.equals(&output.datum_type, &given.datum_type)?;
        solver.equals(&output.rank, &given.rank)?;
        solver.given_2(&given.shape, &input(inputs, 1)?.value, move |solver, shape, numbers| {
            let pads = pads(&numbers, shape.len())?;
            let padded = shape.iter().zip(pads).map(|(dim, (before, after))| dim.clone() + before + after);
            solver.equals(&output.shape, padded.collect::<TVec<TDim>>())
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let mut wire = *input(inputs, 0)?;
        let konst =
            model.outlet_fact(*input(inputs, 1)?)?.konst.clone().context("Pad: pads that are constant")?;
        let shape = model.outlet_fact(wire)?.shape.to_tvec();
        for (axis, (before, after)) in pads(&konst, shape.len())?.into_iter().enumerate() {
            let dim = input(&shape, axis)?.clone();
            let mut parts = tvec![wire];
            if before > 0 {
                let end = Slice { axis, start: dim.clone() - before, end: dim };
                let part = model.wire_node(format!("{prefix}.{axis}.before"), end, &[wire])?;
                parts.insert(0, *input(&part, 0)?);
            }
            if after > 0 {
                let start = Slice { axis, start: 0.to_dim(), end: after.to_dim() };
                let part = model.wire_node(format!("{prefix}.{axis}.after"), start, &[wire])?;
                parts.push(*input(&part, 0)?);
            }
            if parts.len() > 1 {
                wire =
                    *input(&model.wire_node(format!("{prefix}.{axis}"), TypedConcat { axis }, &parts)?, 0)?;
            }
        }
        Ok(tvec![wire])
    }
}
