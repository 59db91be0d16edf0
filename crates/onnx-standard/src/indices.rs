//! Indices that come from the caller, checked before an operator looks something up by them: tract reads past the end of a table, which
//! ends the instance, and two of its operators do not count from the end. Constant indices into a table of a known size are left alone.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{Gather, GatherElements, GatherNd, ScatterElements, ScatterNd};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

/// An index that a table does not have.
#[derive(Debug, thiserror::Error)]
#[error("{of}: the index {found} is not in [-{length}, {length})")]
pub struct OutOfRange {
    of: String,
    found: i64,
    length: usize,
}

/// Puts a check before each operator that looks up by indices which are not constant.
///
/// # Errors
/// What tract says of the model.
pub fn check(mut model: TypedModel) -> TractResult<TypedModel> {
    for id in 0..model.nodes.len() {
        let node = model.node(id);
        let (Some(lengths), &[table, indices, ref updates @ ..]) =
            (Lengths::of(node.op.as_ref()), &*node.inputs)
        else {
            continue;
        };
        let updates = updates.first().copied().filter(|_| node.op_is::<ScatterNd>());
        let fact = model.outlet_fact(indices)?;
        let mut shapes = [Some(table), updates].into_iter().flatten();
        let is_concrete = shapes.try_fold(true, |all, outlet| {
            TractResult::Ok(all && model.outlet_fact(outlet)?.shape.is_concrete())
        })?;
        let is_fixed = fact.konst.is_some() && is_concrete;
        if is_fixed || ![DatumType::I32, DatumType::I64].contains(&fact.datum_type) {
            continue;
        }
        let of = origin(&model, indices).unwrap_or_else(|| format!("node `{}`", node.name));
        let check = Check { lengths, is_gathering: node.op_is::<GatherElements>(), of };
        let inputs: TVec<OutletId> = [table, indices].into_iter().chain(updates).collect();
        let checked = model.wire_node(format!("{}.indices", node.name), check, &inputs)?;
        model.add_edge(*checked.first().context("a node has an output")?, InletId::new(id, 1))?;
    }
    Ok(model)
}

/// The input of the model that the indices are.
fn origin(model: &TypedModel, outlet: OutletId) -> Option<String> {
    let node = model.node(outlet.node);
    match &*node.inputs {
        [] if model.inputs.contains(&outlet) => Some(format!("input `{}`", node.name)),
        [input] if node.op_is::<Cast>() || node.op_is::<AxisOp>() => origin(model, *input),
        _ => None,
    }
}

/// The dimensions of a table that indices count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lengths {
    /// One dimension for all indices.
    Axis(usize),
    /// As many dimensions as the last one of the indices is long, from this one on.
    From(usize),
}

impl Lengths {
    fn of(op: &dyn TypedOp) -> Option<Self> {
        if let Some(gather) = op.downcast_ref::<Gather>() {
            return Some(Self::Axis(gather.axis));
        }
        if let Some(gather) = op.downcast_ref::<GatherElements>() {
            return Some(Self::Axis(gather.axis));
        }
        if let Some(scatter) = op.downcast_ref::<ScatterElements>() {
            return Some(Self::Axis(scatter.axis));
        }
        if let Some(gather) = op.downcast_ref::<GatherNd>() {
            return Some(Self::From(gather.batch_dims));
        }
        op.is::<ScatterNd>().then_some(Self::From(0))
    }

    fn in_table<'a>(&self, table: &'a [usize], indices: &[usize]) -> TractResult<&'a [usize]> {
        let found = match *self {
            Self::Axis(axis) => table.get(axis..=axis),
            Self::From(first) => table.get(first..first + indices.last().copied().unwrap_or_default()),
        };
        found.context("the indices have more columns than the table dimensions")
    }
}

/// Hands on the second input, indices into the first, counted from the start.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Check {
    lengths: Lengths,
    /// Whether each index stands where it looks up along the other axes, which must be there.
    is_gathering: bool,
    /// What the indices are, for an error.
    of: String,
}

impl Check {
    fn check_shapes(&self, table: &[usize], indices: &[usize], updates: Option<&[usize]>) -> TractResult<()> {
        if let (Lengths::Axis(along), true) = (&self.lengths, self.is_gathering) {
            let mut others = indices.iter().zip(table).enumerate().filter(|(axis, _)| axis != along);
            let are_there = others.all(|(_, (indices, table))| indices <= table);
            ensure!(are_there, "{}: indices of the shape {indices:?} into {table:?}", self.of);
        }
        if let (Some(updates), Some((&n_columns, rows))) = (updates, indices.split_last()) {
            let expected = [rows, table.get(n_columns..).unwrap_or_default()].concat();
            ensure!(updates == expected, "{}: updates of the shape {updates:?}, not {expected:?}", self.of);
        }
        Ok(())
    }

    fn index(&self, found: i64, length: usize) -> TractResult<i64> {
        let n_entries = i64::try_from(length)?;
        let from_start = if found < 0 { found.saturating_add(n_entries) } else { found };
        if (0..n_entries).contains(&from_start) {
            Ok(from_start)
        } else {
            Err(OutOfRange { of: self.of.clone(), found, length }.into())
        }
    }
}

impl Op for Check {
    fn name(&self) -> StaticName {
        "CheckIndices".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Check {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [table, indices, updates @ ..] = &*inputs else { bail!("expected a table and indices") };
        self.check_shapes(table.shape(), indices.shape(), updates.first().map(|updates| updates.shape()))?;
        let lengths = self.lengths.in_table(table.shape(), indices.shape())?;
        let datum_type = indices.datum_type();
        let mut checked = indices.cast_to::<i64>()?.into_owned();
        for (index, &length) in
            checked.try_as_plain_ram_mut()?.as_slice_mut::<i64>()?.iter_mut().zip(lengths.iter().cycle())
        {
            *index = self.index(*index, length)?;
        }
        Ok(tvec![checked.cast_to_dt(datum_type)?.into_owned().into_tvalue()])
    }
}

impl TypedOp for Check {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let indices = inputs.get(1).context("expected indices")?;
        Ok(tvec![indices.datum_type.fact(indices.shape.clone())])
    }

    as_op!();
}
