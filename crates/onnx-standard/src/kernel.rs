//! One operator of tract that stands for all of this crate that are computed here, over what tells them apart.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

/// Type and shape of a value.
pub(crate) type Port = (DatumType, TVec<TDim>);

/// What tells an operator from the others.
pub(crate) trait Kernel: std::fmt::Debug + Send + Sync + 'static {
    /// The operator's name in the specification.
    fn name(&self) -> &'static str;

    /// Types and shapes of all outputs that the specification has.
    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>>;

    /// The outputs.
    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>>;

    /// Whether what lies along an axis of the only input that has rows is treated each by itself, and stays where it is.
    fn keeps_rows(&self, _axis: usize) -> bool {
        false
    }
}

/// An operator that is computed here.
#[derive(Clone, Debug)]
pub struct Computed {
    kernel: Arc<dyn Kernel>,
    /// Which of its outputs the node has.
    outputs: TVec<usize>,
}

/// An operator with a single output.
pub(crate) fn computed(kernel: impl Kernel) -> Box<dyn InferenceOp> {
    computed_outputs(kernel, tvec![0])
}

/// An operator of whose outputs the node has `outputs`.
pub(crate) fn computed_outputs(kernel: impl Kernel, outputs: TVec<usize>) -> Box<dyn InferenceOp> {
    expand(Computed { kernel: Arc::new(kernel), outputs })
}

/// Wires an operator with a single output.
pub(crate) fn wire_computed(
    kernel: impl Kernel,
    prefix: &str,
    model: &mut TypedModel,
    inputs: &[OutletId],
) -> TractResult<TVec<OutletId>> {
    model.wire_node(prefix, Computed { kernel: Arc::new(kernel), outputs: tvec![0] }, inputs)
}

/// Wires an operator of a value and of one number, which becomes of the value's type.
pub(crate) fn wire_with_number(
    prefix: &str,
    model: &mut TypedModel,
    operator: impl Into<Box<dyn TypedOp>>,
    value: OutletId,
    number: Tensor,
) -> TractResult<OutletId> {
    let fact = model.outlet_fact(value)?;
    let number = number.cast_to_dt(fact.datum_type)?.into_owned().broadcast_into_rank(fact.rank())?;
    let number = model.add_const(format!("{prefix}.number"), number)?;
    Ok(*input(&model.wire_node(prefix, operator, &[value, number])?, 0)?)
}

/// tract's operator of one with a single output.
pub(crate) fn into_computed(kernel: impl Kernel) -> Box<dyn TypedOp> {
    Box::new(Computed { kernel: Arc::new(kernel), outputs: tvec![0] })
}

impl Computed {
    /// Whether the operator treats each row by itself and leaves it where it is. `axes` has, for each input, the axis that the rows lie
    /// along, if it has rows.
    pub fn keeps_rows(&self, axes: &[Option<usize>]) -> bool {
        match axes {
            [Some(axis), others @ ..] => others.iter().all(Option::is_none) && self.kernel.keeps_rows(*axis),
            _ => false,
        }
    }

    /// Those of all outputs that the node has.
    fn kept<T>(&self, all: impl IntoIterator<Item = T>) -> TractResult<TVec<T>> {
        let mut all: Vec<Option<T>> = all.into_iter().map(Some).collect();
        let kept = self.outputs.iter().map(|&output| all.get_mut(output).and_then(Option::take));
        kept.collect::<Option<_>>().with_context(|| format!("{} has fewer outputs", self.kernel.name()))
    }

    fn ports(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        self.kept(self.kernel.outputs(inputs)?)
    }
}

impl PartialEq for Computed {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel) && self.outputs == other.outputs
    }
}

impl Eq for Computed {}

impl Op for Computed {
    fn name(&self) -> StaticName {
        self.kernel.name().into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Computed {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs = inputs.into_iter().map(|input| numbers(input, context.symbols));
        let inputs = inputs.collect::<TractResult<TVec<TValue>>>()?;
        let all = self.kernel.eval(&inputs).with_context(|| format!("evaluating {}", self.kernel.name()))?;
        Ok(self.kept(all)?.into_iter().map(IntoTValue::into_tvalue).collect())
    }
}

impl TypedOp for Computed {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let ports: TVec<Port> =
            inputs.iter().map(|fact| (plain(fact.datum_type), fact.shape.to_tvec())).collect();
        let outputs = self.ports(&ports)?;
        Ok(outputs.into_iter().map(|(datum_type, shape)| datum_type.fact(shape)).collect())
    }

    as_op!();
}

impl Expansion for Computed {
    fn name(&self) -> StaticName {
        self.kernel.name().into()
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
        given_ports(solver, inputs, move |solver, ports| {
            for (output, (datum_type, shape)) in outputs.iter().zip(self.ports(&ports)?) {
                solver.equals(&output.datum_type, datum_type)?;
                solver.equals(&output.shape, shape)?;
            }
            Ok(())
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

/// Goes on when the types and shapes of all inputs are known.
pub(crate) fn given_ports<'r, 'p: 'r>(
    solver: &mut Solver<'r>,
    inputs: &'p [TensorProxy],
    go_on: impl Fn(&mut Solver<'r>, TVec<Port>) -> InferenceResult + Clone + 'r,
) -> InferenceResult {
    let types = inputs.iter().map(|input| &input.datum_type);
    solver.given_all(types, move |solver, types: Vec<DatumType>| {
        let shapes = inputs.iter().map(|input| &input.shape);
        let go_on = go_on.clone();
        solver.given_all(shapes, move |solver, shapes: Vec<TVec<TDim>>| {
            go_on(solver, types.iter().copied().map(plain).zip(shapes).collect())
        })
    })
}

/// The type that ONNX has for it: tract's symbolic integers are integers there.
pub(crate) fn plain(datum_type: DatumType) -> DatumType {
    if datum_type.is_tdim() { DatumType::I64 } else { datum_type }
}

/// A value whose symbolic integers have become integers.
pub(crate) fn numbers(value: TValue, symbols: &SymbolValues) -> TractResult<TValue> {
    if !value.datum_type().is_tdim() {
        return Ok(value);
    }
    let sizes = value.to_plain_array_view::<TDim>()?.map(|size| size.eval(symbols));
    Ok(sizes.into_tensor().cast_to::<i64>()?.into_owned().into_tvalue())
}

/// The whole numbers of a value that has no symbols.
pub(crate) fn whole_numbers(value: &Tensor) -> TractResult<Vec<i64>> {
    let numbers = value.cast_to::<i64>()?;
    Ok(numbers.to_plain_array_view::<i64>()?.iter().copied().collect())
}

/// The sizes that a value tells.
pub(crate) fn sizes(value: &TValue) -> TractResult<Vec<usize>> {
    let value = value.cast_to::<i64>()?;
    value.to_plain_array_view::<i64>()?.iter().map(|&size| Ok(usize::try_from(size)?)).collect()
}

/// Refuses a value of these sizes, with so many bytes for each element, that has no room in memory: an allocation that fails ends the instance.
pub(crate) fn check_room(shape: &[usize], n_bytes: usize) -> TractResult<()> {
    let message = || format!("no room for a value of the shape {shape:?}");
    // ndarray counts elements as if no axis were empty.
    let whole = shape.iter().try_fold(n_bytes.max(1), |bytes, &size| bytes.checked_mul(size.max(1)));
    let bytes = whole.filter(|&bytes| isize::try_from(bytes).is_ok()).with_context(message)?;
    if shape.contains(&0) {
        return Ok(());
    }
    let mut room: Vec<u8> = Vec::new();
    room.try_reserve_exact(bytes).with_context(message)?;
    // Otherwise the compiler may take the allocation for granted.
    std::hint::black_box(&room);
    Ok(())
}

/// The input in that place.
pub(crate) fn input<T>(inputs: &[T], place: usize) -> TractResult<&T> {
    inputs.get(place).with_context(|| format!("input {place} is missing"))
}

/// An axis counted from the front.
pub(crate) fn axis_of(axis: i64, rank: usize) -> TractResult<usize> {
    let from_front = if axis < 0 { axis + i64::try_from(rank)? } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&found| found < rank);
    found.with_context(|| format!("axis {axis} of a value with {rank} axes"))
}
