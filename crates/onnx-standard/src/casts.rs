//! `BitCast`: the same bytes as another type of the same width.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

#[derive(Debug)]
struct BitCast(DatumType);

/// Reads the operator from its node.
///
/// Source: ONNX, operator `BitCast`, version 26.
pub(crate) fn bit_cast(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((computed(BitCast(node.get_attr("to")?)), Vec::new()))
}

impl Kernel for BitCast {
    fn name(&self) -> &'static str {
        "BitCast"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (from, shape) = input(inputs, 0)?.clone();
        ensure!(from.is_copy() && from.size_of() == self.0.size_of(), "BitCast of {from:?} to {:?}", self.0);
        ensure!(self.0 != DatumType::Bool || from == DatumType::Bool, "BitCast of {from:?} to truth values");
        Ok(tvec![(self.0, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        let mut found = Tensor::zero_dt(self.0, values.shape())?;
        found.as_bytes_mut().copy_from_slice(values.as_bytes());
        Ok(tvec![found])
    }
}
