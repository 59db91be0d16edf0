//! One operator of tract that stands for all of the domain, over what tells them apart.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use super::convert::tensor;
use crate::Data;

/// Type and shape of a value.
pub(crate) type Port = (DatumType, TVec<TDim>);

/// How an operator treats what lies along the axes of its first input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Each element by itself.
    Elements,
    /// Each row of the first axis by itself, into a row of the first axis.
    FirstAxis,
    /// Along the last axis only.
    AllButLast,
}

/// What tells an operator of the domain from the others.
pub(crate) trait Operator: std::fmt::Debug + Send + Sync + 'static {
    /// The operator's name in the specification.
    fn name(&self) -> &'static str;

    /// Types and shapes of the outputs.
    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>>;

    /// The outputs' elements.
    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Data>>;

    fn rows(&self) -> Rows {
        Rows::FirstAxis
    }

    /// The operator made ready for inputs of known types; none if it is.
    fn for_inputs(&self, _types: &[DatumType]) -> TractResult<Option<Arc<dyn Operator>>> {
        Ok(None)
    }

    /// The labels of columns that stand for a map.
    fn column_labels(&self) -> Option<&Data> {
        None
    }
}

/// An operator of `ai.onnx.ml`.
#[derive(Clone, Debug)]
pub struct MlOp {
    operator: Arc<dyn Operator>,
    /// Which of its outputs the node has.
    outputs: TVec<usize>,
}

impl MlOp {
    pub(crate) fn boxed(operator: Arc<dyn Operator>, outputs: TVec<usize>) -> Box<dyn InferenceOp> {
        expand(Self { operator, outputs })
    }

    /// Whether the operator treats each row by itself and leaves it where it is. `axes` has, for each input, the axis that the rows lie
    /// along, if it has rows; `rank` is the first input's number of axes.
    pub fn keeps_rows(&self, axes: &[Option<usize>], rank: usize) -> bool {
        let Some(&Some(axis)) = axes.first() else { return false };
        match self.operator.rows() {
            Rows::Elements => true,
            Rows::FirstAxis => rank > 1 && axes.iter().all(|axis| *axis == Some(0)),
            Rows::AllButLast => axis + 1 < rank && axes.iter().skip(1).all(Option::is_none),
        }
    }

    /// The labels of the columns that stand for a map: those of a `ZipMap` or the vocabulary of a `DictVectorizer`.
    pub fn column_labels(&self) -> Option<&Data> {
        self.operator.column_labels()
    }

    fn kept<T: Clone>(&self, outputs: &[T]) -> TractResult<TVec<T>> {
        let kept = self.outputs.iter().map(|&output| outputs.get(output).cloned());
        kept.collect::<Option<_>>().with_context(|| format!("{} has fewer outputs", self.operator.name()))
    }
}

impl PartialEq for MlOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator) && self.outputs == other.outputs
    }
}

impl Eq for MlOp {}

impl Op for MlOp {
    fn name(&self) -> StaticName {
        self.operator.name().into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for MlOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs = inputs.into_iter().map(without_symbols).collect::<TractResult<TVec<TValue>>>()?;
        let ports: TVec<Port> = inputs
            .iter()
            .map(|input| (input.datum_type(), input.shape().iter().map(|dim| dim.to_dim()).collect()))
            .collect();
        let data =
            self.operator.eval(&inputs).with_context(|| format!("evaluating {}", self.operator.name()))?;
        let tensors = data.into_iter().zip(self.operator.outputs(&ports)?).map(|(data, (_, shape))| {
            let shape = shape.iter().map(|dim| Ok(dim.to_usize()?)).collect::<TractResult<TVec<usize>>>()?;
            Ok(tensor(data, &shape)?.into_tvalue())
        });
        self.kept(&tensors.collect::<TractResult<TVec<TValue>>>()?)
    }
}

impl TypedOp for MlOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let ports: TVec<Port> =
            inputs.iter().map(|fact| (plain(fact.datum_type), fact.shape.to_tvec())).collect();
        let outputs = self.kept(&self.operator.outputs(&ports)?)?;
        Ok(outputs.into_iter().map(|(datum_type, shape)| datum_type.fact(shape)).collect())
    }

    as_op!();
}

impl Expansion for MlOp {
    fn name(&self) -> StaticName {
        self.operator.name().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs.len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let types = inputs.iter().map(|input| &input.datum_type);
        solver.given_all(types, move |solver, types: Vec<DatumType>| {
            let shapes = inputs.iter().map(|input| &input.shape);
            solver.given_all(shapes, move |solver, shapes: Vec<TVec<TDim>>| {
                let ports: TVec<Port> = types.iter().copied().map(plain).zip(shapes).collect();
                let kept = self.kept(&self.operator.outputs(&ports)?)?;
                for (output, (datum_type, shape)) in outputs.iter().zip(kept) {
                    solver.equals(&output.datum_type, datum_type)?;
                    solver.equals(&output.shape, shape)?;
                }
                Ok(())
            })
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let types = inputs.iter().map(|input| Ok(plain(model.outlet_fact(*input)?.datum_type)));
        let types = types.collect::<TractResult<TVec<DatumType>>>()?;
        let operator = self.operator.for_inputs(&types)?.unwrap_or_else(|| Arc::clone(&self.operator));
        model.wire_node(prefix, Self { operator, outputs: self.outputs.clone() }, inputs)
    }
}

/// The type that ONNX has for it: tract's symbolic integers are integers there.
fn plain(datum_type: DatumType) -> DatumType {
    if datum_type.is_tdim() { DatumType::I64 } else { datum_type }
}

fn without_symbols(input: TValue) -> TractResult<TValue> {
    if input.datum_type().is_tdim() {
        Ok(input.cast_to::<i64>()?.into_owned().into_tvalue())
    } else {
        Ok(input)
    }
}

/// The number of rows of an input: one if it has a single axis.
pub(crate) fn n_rows((_, shape): &Port) -> TDim {
    if shape.len() > 1 { shape.first().cloned().unwrap_or_else(|| 1.to_dim()) } else { 1.to_dim() }
}

/// The only input.
pub(crate) fn only<T>(inputs: &[T]) -> TractResult<&T> {
    match inputs {
        [input] => Ok(input),
        _ => bail!("expected one input, found {}", inputs.len()),
    }
}
