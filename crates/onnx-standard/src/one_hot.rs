//! `OneHot` that answers an index beyond its places as ONNX says, with no element that is on: tract panics.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, Axis, IxDyn, Zip};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, axis_of, check_room, input, wire_computed};

/// `OneHot`, computed here; tract infers its shape.
#[derive(Debug, Clone)]
struct Marked {
    tract: Box<dyn Expansion>,
    axis: i64,
}

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
    let axis = node.get_attr_opt("axis")?.unwrap_or(-1);
    Ok((expand(Marked { tract: crate::tracts(context, node)?, axis }), Vec::new()))
}

impl Expansion for Marked {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.tract.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let [indices, n_places, values] = inputs else { bail!("OneHot has three inputs") };
        let constant = |outlet: OutletId| -> TractResult<Arc<Tensor>> {
            model
                .outlet_fact(outlet)?
                .konst
                .clone()
                .context("the number of places and the values must be constant")
        };
        let n_places = constant(*n_places)?.cast_to::<i64>()?.to_plain_array_view::<i64>()?.first().copied();
        let n_places = usize::try_from(n_places.context("a number of places")?)?;
        let values = constant(*values)?;
        ensure!(values.shape() == [2], "OneHot: values of the shape {:?}, not [2]", values.shape());
        let axis = axis_of(self.axis, model.outlet_fact(*indices)?.rank() + 1)?;
        let (off, on) = (values.nth(0)?.into_arc_tensor(), values.nth(1)?.into_arc_tensor());
        wire_computed(Marks { axis, n_places, off, on }, prefix, model, &[*indices])
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
        check_room(&shape, self.off.datum_type().size_of())?;
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
