//! Indices that a caller sends. tract panics if one lies beyond its axis, which would end the instance: a node before `Gather`, `GatherElements`,
//! `ScatterElements` and `ScatterND` makes it an error, and `OneHot` answers it as ONNX says, with no element that is on.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, Axis, IxDyn, Zip};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::OneHot;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, axis_of, input, into_computed, wire_computed};

/// What the indices of an operator count, and their place among its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Indices {
    /// Elements along the axis of the attribute.
    Along(i64),
    /// In their last axis, elements along the first axes of the data.
    OfAxes,
}

const OPERATORS: [&str; 5] = ["Gather", "GatherElements", "Scatter", "ScatterElements", "ScatterND"];

/// tract's operator, with the indices checked.
#[derive(Debug, Clone)]
struct Checked {
    indices: Indices,
    tract: Box<dyn Expansion>,
}

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

/// Puts the checks before tract's operators.
pub(crate) fn register(register: &mut OnnxOpRegister) {
    for name in OPERATORS {
        crate::replace(register, crate::CORRECTED, name, checked);
    }
    crate::replace(register, crate::CORRECTED, "OneHot", one_hot);
}

fn checked(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(0);
    let indices = if node.op_type == "ScatterND" { Indices::OfAxes } else { Indices::Along(axis) };
    Ok((expand(Checked { indices, tract: crate::tracts(context, node)? }), Vec::new()))
}

fn one_hot(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Marked(crate::tracts(context, node)?)), Vec::new()))
}

impl Expansion for Checked {
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
        let mut inputs: TVec<OutletId> = inputs.into();
        let [data, indices, ..] = inputs.as_mut_slice() else { bail!("data and indices") };
        let fact = model.outlet_fact(*indices)?;
        if fact.konst.is_none() && !fact.datum_type.is_tdim() {
            let of = [*indices, *data];
            *indices = *input(&wire_computed(self.indices, &format!("{prefix}.indices"), model, &of)?, 0)?;
        }
        self.tract.wire(prefix, model, &inputs)
    }
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

impl Indices {
    fn check(self, indices: &Tensor, data: &[usize]) -> TractResult<()> {
        let numbers = indices.cast_to::<i64>()?;
        let numbers = numbers.to_plain_array_view::<i64>()?;
        let is_beyond = |index: i64, n_places: usize| {
            i64::try_from(n_places).is_ok_and(|n_places| index >= n_places || index < -n_places)
        };
        let beyond = |index: i64, n_places: usize| {
            format!("the index {index} lies beyond an axis of {n_places} places")
        };
        match self {
            Self::Along(axis) => {
                let n_places = *input(data, axis_of(axis, data.len())?)?;
                let found = numbers.iter().find(|&&index| is_beyond(index, n_places));
                found.map_or(Ok(()), |&index| bail!(beyond(index, n_places)))
            }
            Self::OfAxes => {
                let last = Axis(numbers.ndim().checked_sub(1).context("indices have axes")?);
                for (places, &n_places) in numbers.axis_iter(last).zip(data) {
                    if let Some(&index) = places.iter().find(|&&index| is_beyond(index, n_places)) {
                        bail!(beyond(index, n_places));
                    }
                }
                Ok(())
            }
        }
    }
}

impl Kernel for Indices {
    fn name(&self) -> &'static str {
        "Indices"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![input(inputs, 0)?.clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let indices = input(inputs, 0)?;
        self.check(indices, input(inputs, 1)?.shape())?;
        Ok(tvec![indices.clone().into_tensor()])
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
