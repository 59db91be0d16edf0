//! `MatMul` of sizes that are open: tract multiplies whatever it gets. If it is not known that the columns of the one are as many as the rows of the
//! other, a node before it tells.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, input, wire_computed};

/// tract's operator, after the check.
#[derive(Debug, Clone)]
struct Product(Box<dyn Expansion>);

/// Hands on the first of two factors that fit together.
#[derive(Debug)]
struct Fitting;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `MatMul`, version 13.
pub(crate) fn matrix_product(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Product(crate::tracts(context, node)?)), Vec::new()))
}

/// The number of columns of the left factor, and that of rows of the right one.
fn summed<D: Clone>(left: &[D], right: &[D]) -> TractResult<[D; 2]> {
    let rows = if right.len() > 1 { right.iter().rev().nth(1) } else { right.last() };
    let (columns, rows) = (left.last().context("a factor with axes")?, rows.context("a factor with axes")?);
    Ok([columns.clone(), rows.clone()])
}

impl Expansion for Product {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.0.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let mut inputs: TVec<OutletId> = inputs.into();
        let (left, right) = (*input(&inputs, 0)?, *input(&inputs, 1)?);
        let [columns, rows] = summed(&model.outlet_fact(left)?.shape, &model.outlet_fact(right)?.shape)?;
        if columns != rows {
            let checked = wire_computed(Fitting, &format!("{prefix}.fitting"), model, &[left, right])?;
            inputs = checked.into_iter().chain([right]).collect();
        }
        self.0.wire(prefix, model, &inputs)
    }
}

impl Kernel for Fitting {
    fn name(&self) -> &'static str {
        "MatMul"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (left, right) = (input(inputs, 0)?, input(inputs, 1)?);
        let [columns, rows] = summed(left.shape(), right.shape())?;
        ensure!(columns == rows, "matrices of {columns} columns and of {rows} rows cannot be multiplied");
        Ok(tvec![left.clone().into_tensor()])
    }
}
