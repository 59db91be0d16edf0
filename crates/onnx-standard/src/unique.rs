//! `Unique`: the elements that differ from each other, or the slices of an axis that do.

use std::cmp::Ordering;

use tract_onnx::model::{ParsingContext, optional_outputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayViewD, Axis};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, axis_of, computed_outputs, input};

#[derive(Debug)]
struct Unique {
    axis: Option<i64>,
    is_sorted: bool,
    n_unique: Symbol,
}

/// Where slices are first met, which each slice is, and how often each is there.
struct Found {
    first: Vec<usize>,
    which: Vec<usize>,
    counts: Vec<i64>,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Unique`, version 28.
pub(crate) fn unique(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let places = (0..4).zip(optional_outputs(node)).filter(|(_, place)| place.is_some());
    let outputs = places.map(|(output, _)| output).collect();
    let kernel = Unique {
        axis: node.get_attr_opt::<i64>("axis")?,
        is_sorted: node.get_attr_opt::<i64>("sorted")? != Some(0),
        n_unique: context.template.symbols.new_with_prefix("unique"),
    };
    Ok((computed_outputs(kernel, outputs), Vec::new()))
}

/// What is not a number comes last, and is like itself.
fn compare<T: PartialOrd>(left: &T, right: &T) -> Ordering {
    let is_none = |value: &T| value.partial_cmp(value).is_none();
    left.partial_cmp(right).unwrap_or_else(|| is_none(left).cmp(&is_none(right)))
}

fn compare_slices<T: PartialOrd>(left: &ArrayViewD<'_, T>, right: &ArrayViewD<'_, T>) -> Ordering {
    let differing = left.iter().zip(right).map(|(left, right)| compare(left, right));
    differing.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Unique {
    fn found<T: PartialOrd>(&self, slices: &[ArrayViewD<'_, T>]) -> Found {
        let order = |&left: &usize, &right: &usize| match (slices.get(left), slices.get(right)) {
            (Some(left), Some(right)) => compare_slices(left, right),
            _ => Ordering::Equal,
        };
        let mut places: Vec<usize> = (0..slices.len()).collect();
        places.sort_by(order);
        let mut groups: Vec<Vec<usize>> =
            places.chunk_by(|left, right| order(left, right).is_eq()).map(<[usize]>::to_vec).collect();
        if !self.is_sorted {
            groups.sort_by_key(|group| group.first().copied());
        }
        let mut which = vec![0; slices.len()];
        for (idx, group) in groups.iter().enumerate() {
            group.iter().for_each(|&place| which.get_mut(place).into_iter().for_each(|which| *which = idx));
        }
        let counts = groups.iter().map(|group| i64::try_from(group.len()).unwrap_or(i64::MAX)).collect();
        Found { first: groups.iter().filter_map(|group| group.first().copied()).collect(), which, counts }
    }

    fn of<T: Datum + PartialOrd>(&self, values: &Tensor) -> TractResult<TVec<Tensor>> {
        let view = values.to_plain_array_view::<T>()?;
        let flat;
        let (view, axis) = if let Some(axis) = self.axis {
            (view.view(), Axis(axis_of(axis, view.ndim())?))
        } else {
            flat = view.flatten().into_dyn();
            (flat.view(), Axis(0))
        };
        let slices: Vec<ArrayViewD<'_, T>> = view.axis_iter(axis).collect();
        let Found { first, which, counts } = self.found(&slices);
        let whole = |places: &[usize]| -> TractResult<Tensor> {
            let places = places.iter().map(|&place| Ok(i64::try_from(place)?));
            Ok(tensor1(&places.collect::<TractResult<Vec<i64>>>()?))
        };
        let kept = view.select(axis, &first).into_tensor();
        Ok(tvec![kept, whole(&first)?, whole(&which)?, tensor1(&counts)])
    }
}

impl Kernel for Unique {
    fn name(&self) -> &'static str {
        "Unique"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, mut shape) = input(inputs, 0)?.clone();
        let n_unique = || TDim::from(self.n_unique.clone());
        let n_slices = match self.axis {
            Some(axis) => {
                let axis = axis_of(axis, shape.len())?;
                let dim = shape.get_mut(axis).context("an axis of the value")?;
                std::mem::replace(dim, n_unique())
            }
            None => std::mem::replace(&mut shape, tvec![n_unique()]).iter().product(),
        };
        let whole = |dim: TDim| (DatumType::I64, tvec![dim]);
        Ok(tvec![(datum_type, shape), whole(n_unique()), whole(n_slices), whole(n_unique())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        match values.datum_type() {
            DatumType::Bool => self.of::<bool>(values),
            DatumType::String => self.of::<String>(values),
            DatumType::F16 => self.of::<f16>(values),
            DatumType::F32 => self.of::<f32>(values),
            DatumType::F64 => self.of::<f64>(values),
            DatumType::I8 => self.of::<i8>(values),
            DatumType::I16 => self.of::<i16>(values),
            DatumType::I32 => self.of::<i32>(values),
            DatumType::I64 => self.of::<i64>(values),
            DatumType::U8 => self.of::<u8>(values),
            DatumType::U16 => self.of::<u16>(values),
            DatumType::U32 => self.of::<u32>(values),
            DatumType::U64 => self.of::<u64>(values),
            other => bail!("Unique of {other:?}"),
        }
    }
}
