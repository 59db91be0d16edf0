//! `Concat` of values whose open sizes along the other axes are called otherwise, and may be the same: an image that is halved and doubled is as
//! large as it was if it was even. tract wants that proven; here it is seen when the model runs.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceModel, InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{axis_of, input};
use crate::misfits::{self, Fit};

/// tract's operator, and behind checks if it is to be seen later whether sizes are the same.
#[derive(Debug, Clone)]
struct Concat {
    tract: Box<dyn Expansion>,
    axis: i64,
    is_seen_later: bool,
}

/// Has every `Concat` of the graph see when it runs whether sizes are the same. Until then it tells less of them.
pub(crate) fn see_later(model: &mut InferenceModel) {
    let operators = model.nodes_mut().iter_mut().map(|node| node.op.as_mut());
    operators.filter_map(crate::expansion_mut::<Concat>).for_each(|concat| concat.is_seen_later = true);
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Concat`, version 13.
pub(crate) fn concat(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = node.get_attr::<i64>("axis")?;
    Ok((expand(Concat { tract: crate::tracts(context, node)?, axis, is_seen_later: false }), Vec::new()))
}

/// The sizes that the values have in common: numbers, if one of them says any, otherwise what the first says. Along the axis, that of all together.
fn joined(shapes: &[TVec<TDim>], axis: usize) -> TractResult<TVec<TDim>> {
    let first = input(shapes, 0)?;
    let mut joined = TVec::new();
    for (at, dim) in first.iter().enumerate() {
        let dims = shapes.iter().map(|shape| input(shape, at).cloned());
        let dims = dims.collect::<TractResult<Vec<TDim>>>()?;
        joined.push(if at == axis {
            dims.into_iter().sum()
        } else {
            dims.into_iter().find(|dim| dim.to_i64().is_ok()).unwrap_or_else(|| dim.clone())
        });
    }
    Ok(joined)
}

impl Expansion for Concat {
    fn name(&self) -> StaticName {
        "Concat".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        if !self.is_seen_later {
            return self.tract.rules(solver, inputs, outputs);
        }
        let output = input(outputs, 0)?;
        for given in inputs {
            solver.equals(&output.rank, &given.rank)?;
        }
        let types = inputs.iter().map(|input| &input.datum_type);
        solver.given_all(types, move |solver, types: Vec<DatumType>| {
            let common = DatumType::super_type_for(&types);
            solver.equals(&output.datum_type, common.context("values of types that have one in common")?)
        })?;
        let shapes = inputs.iter().map(|input| &input.shape);
        solver.given_all(shapes, move |solver, shapes: Vec<TVec<TDim>>| {
            let axis = axis_of(self.axis, input(&shapes, 0)?.len())?;
            solver.equals(&output.shape, joined(&shapes, axis)?)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        if !self.is_seen_later {
            return self.tract.wire(prefix, model, inputs);
        }
        let shapes = inputs.iter().map(|outlet| Ok(model.outlet_fact(*outlet)?.shape.to_tvec()));
        let shapes = shapes.collect::<TractResult<Vec<TVec<TDim>>>>()?;
        let axis = axis_of(self.axis, input(&shapes, 0)?.len())?;
        let joined = joined(&shapes, axis)?;
        let mut parts: TVec<OutletId> = inputs.into();
        for (idx, (part, shape)) in parts.iter_mut().zip(&shapes).enumerate() {
            let sizes = joined.iter().zip(shape).enumerate();
            let sizes =
                sizes.filter(|(at, (joined, dim))| *at != axis && joined != dim && dim.to_i64().is_err());
            let sizes: Vec<(usize, TDim)> = sizes.map(|(at, (joined, _))| (at, joined.clone())).collect();
            if !sizes.is_empty() {
                *part = misfits::wire(
                    prefix,
                    Fit::Sizes(sizes),
                    &format!("{prefix}.fit_{idx}"),
                    model,
                    &[*part],
                )?;
            }
        }
        self.tract.wire(prefix, model, &parts)
    }
}
