//! Nodes that another node answers: `Upsample`, which `Resize` has replaced, and `ConstantOfShape` that does not say of what: tract takes it for
//! zeros of FP64.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::replacement::of_text;

/// The version of ONNX whose `Resize` is asked.
const OPSET: i64 = 13;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `ConstantOfShape`, version 9: zeros of FP32 unless the node says otherwise.
pub(crate) fn constant_of_shape(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let mut node = node.clone();
    if node.attribute.iter().all(|attribute| attribute.name != "value") {
        node.attribute.push(zero_value(DataType::Float as i32));
    }
    crate::before(crate::CORRECTED, context, &node)
}

/// The attribute of `ConstantOfShape` that says zero, of a datatype of floating-point numbers.
pub(crate) fn zero_value(data_type: i32) -> AttributeProto {
    let zero = TensorProto {
        dims: vec![1],
        data_type,
        float_data: vec![0.0],
        double_data: vec![0.0],
        int32_data: vec![0],
        ..TensorProto::default()
    };
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(zero),
        ..AttributeProto::default()
    }
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
    resize.attribute.push(of_text("coordinate_transformation_mode", "asymmetric"));
    resize.attribute.push(of_text("nearest_mode", "floor"));
    let mut context = context.clone();
    context.onnx_operator_set_version = OPSET;
    let builder = context.framework.op_register.0.get("Resize").context("`Resize` is registered")?;
    builder(&context, &resize)
}
