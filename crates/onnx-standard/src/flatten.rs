//! `Flatten` of any number of symbolic dimensions: tract's own refuses two, although a batch of sequences has them.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, ShapeFactoid, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

/// Joins the axes before `axis` to one and those from it on to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flatten {
    /// From the end if negative.
    axis: i64,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Flatten`, version 13.
pub(crate) fn flatten(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(1);
    Ok((expand(Flatten { axis }), Vec::new()))
}

impl Flatten {
    /// The dimensions before the axis, and the others.
    fn split<'d>(&self, shape: &'d [TDim]) -> TractResult<(&'d [TDim], &'d [TDim])> {
        let rank = i64::try_from(shape.len())?;
        let axis = if self.axis < 0 { self.axis + rank } else { self.axis };
        let axis = usize::try_from(axis).ok();
        let split = axis.and_then(|axis| shape.split_at_checked(axis));
        split.with_context(|| format!("Flatten: axis {} of an input with {rank} axes", self.axis))
    }
}

impl Expansion for Flatten {
    fn name(&self) -> StaticName {
        "Flatten".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let ([input], [output]) = (inputs, outputs) else { bail!("Flatten has one input and one output") };
        solver.equals(&output.datum_type, &input.datum_type)?;
        solver.given(&input.shape, move |solver, shape| {
            let (before, after) = self.split(&shape)?;
            let joined: TVec<TDim> = tvec![before.iter().product(), after.iter().product()];
            solver.equals(&output.shape, ShapeFactoid::from(joined))
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let input = inputs.first().context("Flatten has one input")?;
        let shape = model.outlet_fact(*input)?.shape.to_tvec();
        let (before, after) = self.split(&shape)?;
        let mut wire = tvec![*input];
        // The last axes first, so that the place of the others stays what it was.
        for (part, at, dims) in [("after", before.len(), after), ("before", 0, before)] {
            let joined = match dims {
                [_] => continue,
                [] => AxisOp::Add(at),
                dims => AxisOp::Reshape(at, dims.iter().cloned().collect(), tvec![dims.iter().product()]),
            };
            wire = model.wire_node(format!("{prefix}.{part}"), joined, &wire)?;
        }
        Ok(wire)
    }
}
