//! Sizes that come with a request and do not fit an operator, told before it runs: tract panics at some, and answers others with what is not
//! there. What is known from the file is left alone, but for boxes and their scores.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::Topk;
use tract_onnx::tract_core::ops::cnn::{Conv, MaxPool, PaddingSpec, PoolSpec, SumPool};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{axis_of, check_room, input};

/// An input whose sizes an operator has no answer for.
#[derive(Debug, thiserror::Error)]
#[error("node `{node}`: {problem}")]
pub struct Misfit {
    node: String,
    problem: String,
}

/// What the sizes of a value have to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    /// At least so many elements along an axis.
    AtLeast { axis: usize, n: usize },
    /// As many elements along an axis as the parts of it have together.
    Parts { axis: usize, n: usize },
    /// These sizes along these axes, as they are called from then on.
    Sizes(Vec<(usize, TDim)>),
    /// An image over which a window goes at least once.
    Window(Box<PoolSpec>),
    /// Matrices: the second has as many rows as the first has columns.
    Factors,
    /// Matrices whose product is computed by way of all pairs of elements, for which there is room.
    Pairs,
    /// Boxes in rows, of which the second value has a score for each.
    Boxes,
}

/// Hands on its first input if its sizes fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Check {
    node: String,
    fit: Fit,
}

/// tract's operator behind a check, which it is read with.
#[derive(Debug, Clone)]
struct Checked {
    tract: Box<dyn Expansion>,
    parts: Option<Parts>,
}

/// The parts that `Split` makes along an axis, if it is told.
#[derive(Debug, Clone)]
struct Parts {
    axis: i64,
    written: Option<Vec<i64>>,
}

/// Whether the operator hands on its input after a look at the sizes of other axes than that.
#[must_use]
pub fn checks_other_axes(op: &dyn TypedOp, axis: usize) -> bool {
    let fit = op.downcast_ref::<Check>().map(|check| &check.fit);
    match fit {
        Some(Fit::AtLeast { axis: along, .. } | Fit::Parts { axis: along, .. }) => *along != axis,
        _ => false,
    }
}

/// Puts a check before each operator whose sizes are open, in the models inside it too.
///
/// # Errors
/// What tract says of the model.
pub(crate) fn check(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        for fit in fits(model, model.node(id))? {
            let node = model.node(id);
            let name = format!("{}.fit_{}", node.name, model.nodes.len());
            let value = *input(&node.inputs, 0)?;
            let checked = wire(&node.name.clone(), fit, &name, model, &[value])?;
            model.add_edge(checked, InletId::new(id, 0))?;
        }
    }
    Ok(())
}

/// Hands on the first of the inputs, checked when the model runs.
pub(crate) fn wire(
    node: &str,
    fit: Fit,
    name: &str,
    model: &mut TypedModel,
    inputs: &[OutletId],
) -> TractResult<OutletId> {
    let checked = model.wire_node(name, Check { node: node.to_owned(), fit }, inputs)?;
    Ok(*input(&checked, 0)?)
}

/// What the sizes of the first input of a node have to be, as far as they are open.
fn fits(model: &TypedModel, node: &TypedNode) -> TractResult<Vec<Fit>> {
    let Some(&value) = node.inputs.first() else { return Ok(Vec::new()) };
    let shape = &model.outlet_fact(value)?.shape;
    let is_open = |axis: &usize| shape.get(*axis).is_some_and(|dim| dim.to_i64().is_err());
    if let Some(pool) = windows(node) {
        let sizes = shape.to_tvec();
        let is_known = pool.data_format.shape(&sizes)?.hw_dims().iter().all(|size| size.to_i64().is_ok());
        return Ok(if is_known { Vec::new() } else { vec![Fit::Window(Box::new(pool.clone()))] });
    }
    if let Some(top) = node.op_as::<Topk>() {
        let n = model.outlet_fact(*input(&node.inputs, 1)?)?.konst.as_ref();
        let n = n.map(|n| n.cast_to_scalar::<i64>()).transpose()?.and_then(|n| usize::try_from(n).ok());
        let fit = n.filter(|_| is_open(&top.axis)).map(|n| Fit::AtLeast { axis: top.axis, n });
        return Ok(fit.into_iter().collect());
    }
    Ok(match node.op_as::<Reduce>() {
        Some(Reduce { axes, reducer: Reducer::ArgMax(_) | Reducer::ArgMin(_) }) => {
            axes.iter().filter(|axis| is_open(axis)).map(|&axis| Fit::AtLeast { axis, n: 1 }).collect()
        }
        _ => Vec::new(),
    })
}

fn windows(node: &TypedNode) -> Option<&PoolSpec> {
    let of_conv = node.op_as::<Conv>().map(|conv| &conv.pool_spec);
    let of_max = || node.op_as::<MaxPool>().map(|pool| &pool.pool_spec);
    of_conv.or_else(of_max).or_else(|| node.op_as::<SumPool>().map(|pool| &pool.pool_spec))
}

/// `NonMaxSuppression` and `Split`, by name.
///
/// Source: ONNX, operators of these names, versions 11 and 18.
pub(crate) fn checked(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let parts = (node.op_type == "Split").then(|| {
        let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(0);
        TractResult::Ok(Parts { axis, written: node.get_attr_opt_vec("split")? })
    });
    Ok((expand(Checked { tract: crate::tracts(context, node)?, parts: parts.transpose()? }), Vec::new()))
}

impl Parts {
    /// The check of a value that is split, unless its size is known or the parts follow from it.
    fn fit(&self, model: &TypedModel, inputs: &[OutletId]) -> TractResult<Option<Fit>> {
        let fact = model.outlet_fact(*input(inputs, 0)?)?;
        let axis = axis_of(self.axis, fact.rank())?;
        let given = inputs.get(1).map(|outlet| model.outlet_fact(*outlet)).transpose()?;
        let given = match given.and_then(|fact| fact.konst.as_ref()) {
            Some(parts) => Some(parts.cast_to::<i64>()?.to_plain_array_view::<i64>()?.iter().sum::<i64>()),
            None => self.written.as_ref().map(|parts| parts.iter().sum()),
        };
        let is_open = fact.shape.get(axis).is_some_and(|dim| dim.to_i64().is_err());
        let n = given.filter(|_| is_open).map(usize::try_from).transpose()?;
        Ok(n.map(|n| Fit::Parts { axis, n }))
    }
}

impl Expansion for Checked {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn validation(&self) -> Validation {
        self.tract.validation()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.tract.nboutputs()
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
        let (fit, n_checked) = match &self.parts {
            Some(parts) => (parts.fit(model, inputs)?, 1),
            None => (Some(Fit::Boxes), 2),
        };
        let mut outlets: TVec<OutletId> = inputs.into();
        if let (Some(fit), Some(first)) = (fit, outlets.first_mut()) {
            let of = inputs.get(..n_checked).context("values to check")?;
            *first = wire(prefix, fit, &format!("{prefix}.fit"), model, of)?;
        }
        self.tract.wire(prefix, model, &outlets)
    }
}

impl Fit {
    /// What is wrong with values of these shapes.
    fn problem(&self, shapes: &[&[usize]], symbols: &SymbolValues) -> TractResult<Option<String>> {
        let shape = *input(shapes, 0)?;
        let along = |axis: usize| input(shape, axis).copied();
        Ok(match *self {
            Self::AtLeast { axis, n } if along(axis)? < n => Some(format!(
                "{} elements along axis {axis} of {shape:?}, at least {n} are needed",
                along(axis)?
            )),
            Self::Parts { axis, n } if along(axis)? != n => {
                Some(format!("{} elements along axis {axis} of {shape:?} for parts of {n}", along(axis)?))
            }
            Self::Sizes(ref sizes) => {
                let is_other = |&(axis, ref size): &(usize, TDim)| {
                    size.eval(symbols).to_usize().is_ok_and(|size| shape.get(axis) != Some(&size))
                };
                let other = sizes.iter().find(|size| is_other(size));
                other.map(|(axis, size)| {
                    format!("{shape:?} beside a value with {} elements along axis {axis}", size.eval(symbols))
                })
            }
            Self::Window(ref pool) => too_large(pool, shape)?,
            Self::Factors => {
                let [columns, rows] = summed(shape, input(shapes, 1)?)?;
                (columns != rows)
                    .then(|| format!("matrices of {columns} columns and of {rows} rows cannot be multiplied"))
            }
            Self::Pairs => {
                let columns = input(shapes, 1)?.last().copied().unwrap_or(1);
                let pairs = [shape, &[columns]].concat();
                check_room(&pairs, size_of::<u64>()).err().map(|error| error.to_string())
            }
            Self::Boxes => {
                let scores = *input(shapes, 1)?;
                let fits =
                    matches!((shape, scores), (&[rows, boxes, _], &[of, _, n]) if rows == of && boxes == n);
                (!fits).then(|| format!("boxes of the shape {shape:?} and scores of {scores:?}"))
            }
            Self::AtLeast { .. } | Self::Parts { .. } => None,
        })
    }
}

/// The number of columns of the left factor, and that of rows of the right one.
pub(crate) fn summed<D: Clone>(left: &[D], right: &[D]) -> TractResult<[D; 2]> {
    let rows = if right.len() > 1 { right.iter().rev().nth(1) } else { right.last() };
    let (columns, rows) = (left.last().context("a factor with axes")?, rows.context("a factor with axes")?);
    Ok([columns.clone(), rows.clone()])
}

/// Whether a window is larger than an image and what is put around it.
fn too_large(pool: &PoolSpec, shape: &[usize]) -> TractResult<Option<String>> {
    let image = pool.data_format.shape(shape)?;
    for (axis, (&size, &kernel)) in image.hw_dims().iter().zip(&pool.kernel_shape).enumerate() {
        let around = match &pool.padding {
            PaddingSpec::Explicit(before, after) | PaddingSpec::ExplicitOnnxPool(before, after, _) => {
                input(before, axis)? + input(after, axis)?
            }
            PaddingSpec::Valid => 0,
            PaddingSpec::SameUpper | PaddingSpec::SameLower => continue,
        };
        let extent = (kernel - 1) * pool.dilation(axis) + 1;
        // The last window may go beyond the end, by less than a stride.
        let beyond = match pool.padding {
            PaddingSpec::ExplicitOnnxPool(_, _, true) => pool.stride(axis).saturating_sub(1),
            _ => 0,
        };
        if size + around + beyond < extent {
            return Ok(Some(format!("a window of {extent} over {size} elements, padded by {around}")));
        }
    }
    Ok(None)
}

impl Op for Check {
    fn name(&self) -> StaticName {
        "CheckSizes".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Check {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let shapes = inputs.iter().map(|input| input.shape()).collect::<TVec<_>>();
        let problem = self.fit.problem(&shapes, context.symbols)?;
        drop(shapes);
        if let Some(problem) = problem {
            return Err(Misfit { node: self.node.clone(), problem }.into());
        }
        inputs.truncate(1);
        Ok(inputs)
    }
}

impl TypedOp for Check {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut fact = (*input(inputs, 0)?).clone();
        if let Fit::Sizes(sizes) = &self.fit {
            sizes.iter().for_each(|(axis, size)| fact.shape.set(*axis, size.clone()));
        }
        Ok(tvec![fact])
    }

    as_op!();
}
