//! Operators as an older version of ONNX has them, whichever version the model imports: what stands in the place of an operator of another domain
//! says itself how it is to be read.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::replacement::{of_integer, of_text};

/// The name of the node's operator, which no ONNX file has.
pub(crate) const VERSIONED: &str = "PlinthVersioned";

/// The operators that are asked for so. A file that names another, this one even, is refused.
const OPERATORS: [&str; 2] = ["Clip", "Softmax"];

/// The attributes that name the operator and the version.
const OPERATOR: &str = "plinth_operator";
const VERSION: &str = "plinth_version";

/// The attributes of a node of that operator and version, which `VERSIONED` is to be called.
pub(crate) fn versioned(
    operator: &str,
    version: i64,
    mut attributes: Vec<AttributeProto>,
) -> Vec<AttributeProto> {
    attributes.extend([of_text(OPERATOR, operator), of_integer(VERSION, version)]);
    attributes
}

/// The operator of such a node.
pub(crate) fn build(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let operator: String = node.get_attr(OPERATOR)?;
    ensure!(OPERATORS.contains(&operator.as_str()), "`{operator}` of an older version");
    let mut context = context.clone();
    context.onnx_operator_set_version = node.get_attr(VERSION)?;
    let builder = context.framework.op_register.0.get(&operator);
    let node = NodeProto { op_type: operator.clone(), ..node.clone() };
    builder.with_context(|| format!("`{operator}` is not registered"))?(&context, &node)
}
