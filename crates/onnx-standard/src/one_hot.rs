//! `OneHot` that answers an index beyond its places as ONNX says, with no element that is on: tract panics.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, Axis, IxDyn, Zip};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::OneHot;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, input, into_computed};

/// tract's `OneHot`, computed here.
#[derive(Debug, Clone)]
struct Marked(Box<dyn Expansion>);

/// Elements that are on in the place of the index along a new axis, and off elsewhere.
#[derive(Debug)]
struct Marks {
    axis: usize,
    n_places: usize,
    off: Arc<Tensor>,
    on: Arc<Tensor>,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `OneHot`, version 11.
pub(crate) fn one_hot(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Marked(crate::tracts(context, node)?)), Vec::new()))
}

impl Expansion for Marked {
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
        let n_before = model.nodes.len();
        let outlets = self.0.wire(prefix, model, inputs)?;
        for id in n_before..model.nodes.len() {
            if let Some(op) = model.node(id).op_as::<OneHot>() {
                let places =
                    Marks { axis: op.axis, n_places: op.dim, off: op.off.clone(), on: op.on.clone() };
                model.node_mut(id).op = into_computed(places);
            }
        }
        Ok(outlets)
    }
}

impl Marks {
    fn of<T: Datum>(&self, indices: &Tensor) -> TractResult<Tensor> {
        let indices = indices.cast_to::<i64>()?;
        let indices = indices.to_plain_array_view::<i64>()?;
        let element =
            |value: &Tensor| value.to_plain_array_view::<T>()?.first().cloned().context("an element");
        let (off, on) = (element(&self.off)?, element(&self.on)?);
        let mut shape = indices.shape().to_vec();
        ensure!(self.axis <= shape.len(), "OneHot: axis {} of {} axes", self.axis, shape.len() + 1);
        shape.insert(self.axis, self.n_places);
        let mut found = ArrayD::from_elem(IxDyn(&shape), off);
        for (place, mut marks) in found.axis_iter_mut(Axis(self.axis)).enumerate() {
            let (place, n_places) = (i64::try_from(place)?, i64::try_from(self.n_places)?);
            Zip::from(&mut marks).and(&indices).for_each(|mark, &index| {
                if index == place || index == place - n_places {
                    *mark = on.clone();
                }
            });
        }
        Ok(found.into_tensor())
    }
}

impl Kernel for Marks {
    fn name(&self) -> &'static str {
        "OneHot"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, mut shape) = input(inputs, 0)?.clone();
        ensure!(self.axis <= shape.len(), "OneHot: axis {} of {} axes", self.axis, shape.len() + 1);
        shape.insert(self.axis, self.n_places.to_dim());
        Ok(tvec![(self.off.datum_type(), shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        Ok(tvec![dispatch_datum!(Self::of(self.off.datum_type())(self, input(inputs, 0)?))?])
    }
}
