//! `LpPool`, `GlobalLpPool` and `MaxUnpool`: the norm of each window or of a whole image, and largest elements put back where they were found.

use tract_onnx::model::{ParsingContext, optional_inputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::math::{abs, pow};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, check_room, computed, input, wire_with_number};

/// How windows lie along an axis.
#[derive(Debug, Clone)]
struct Side {
    size: usize,
    stride: usize,
    dilation: usize,
    pads: [usize; 2],
}

/// How windows are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    AsWritten,
    None,
    /// Until there is a window for each stride; `is_after` if what is odd comes after.
    Same {
        is_after: bool,
    },
}

#[derive(Debug)]
struct LpPool {
    sides: Vec<Side>,
    padding: Padding,
    is_ceiled: bool,
    p: i32,
}

#[derive(Debug)]
struct MaxUnpool {
    sides: Vec<Side>,
    /// The place of the output's shape among the inputs.
    shape: Option<usize>,
    sizes: Vec<Symbol>,
}

/// The most axes of what is unpooled to a shape that is not known.
const N_AXES_MAX: usize = 6;

fn sides(node: &NodeProto) -> TractResult<Vec<Side>> {
    let list = |name: &str| -> TractResult<Option<Vec<usize>>> {
        let found = node.get_attr_opt_vec::<i64>(name)?;
        found.map(|list| list.into_iter().map(|number| Ok(usize::try_from(number)?)).collect()).transpose()
    };
    let sizes = list("kernel_shape")?.context("kernel_shape is missing")?;
    let (strides, dilations, pads) = (list("strides")?, list("dilations")?, list("pads")?);
    let at = |list: &Option<Vec<usize>>, place: usize, default: usize| {
        list.as_ref().map_or(Some(default), |list| list.get(place).copied())
    };
    let side = |(axis, &size): (usize, &usize)| {
        let pads = [at(&pads, axis, 0)?, at(&pads, axis + sizes.len(), 0)?];
        Some(Side { size, stride: at(&strides, axis, 1)?.max(1), dilation: at(&dilations, axis, 1)?, pads })
    };
    sizes
        .iter()
        .enumerate()
        .map(side)
        .collect::<Option<_>>()
        .context("an attribute for each axis of the window")
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `LpPool`, version 22.
pub(crate) fn lp_pool(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let padding = match node.get_attr_opt::<&str>("auto_pad")? {
        None | Some("NOTSET") => Padding::AsWritten,
        Some("VALID") => Padding::None,
        Some("SAME_UPPER") => Padding::Same { is_after: true },
        Some("SAME_LOWER") => Padding::Same { is_after: false },
        Some(other) => bail!("LpPool: auto_pad is `{other}`"),
    };
    let p = i32::try_from(node.get_attr_opt::<i64>("p")?.unwrap_or(2))?;
    let is_ceiled = node.get_attr_opt::<i64>("ceil_mode")? == Some(1);
    Ok((computed(LpPool { sides: sides(node)?, padding, is_ceiled, p }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `MaxUnpool`, version 22.
pub(crate) fn max_unpool(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let shape = optional_inputs(node).nth(2).flatten();
    let sizes = (0..N_AXES_MAX).map(|_| context.template.symbols.new_with_prefix("size")).collect();
    Ok((computed(MaxUnpool { sides: sides(node)?, shape, sizes }), Vec::new()))
}

/// The norm of all but the first two axes, which tract has for images of one size.
#[derive(Debug, Clone)]
struct GlobalLpPool {
    p: i64,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `GlobalLpPool`, version 22.
pub(crate) fn global_lp_pool(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let p = node.get_attr_opt::<i64>("p")?.unwrap_or(2);
    ensure!(p >= 1, "GlobalLpPool: p is {p}");
    Ok((expand(GlobalLpPool { p }), Vec::new()))
}

impl Expansion for GlobalLpPool {
    fn name(&self) -> StaticName {
        "GlobalLpPool".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (given, output) = (input(inputs, 0)?, input(outputs, 0)?);
        solver.equals(&output.datum_type, &given.datum_type)?;
        solver.given(&given.shape, move |solver, shape| {
            let outer = shape.iter().take(2).cloned();
            let inner = shape.iter().skip(2).map(|_| 1.to_dim());
            solver.equals(&output.shape, outer.chain(inner).collect::<TVec<TDim>>())
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let rank = model.outlet_fact(*input(inputs, 0)?)?.rank();
        let sizes = *input(&model.wire_node(format!("{prefix}.sizes"), abs(), inputs)?, 0)?;
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let p = self.p as f64;
        let powers = wire_with_number(&format!("{prefix}.powers"), model, pow(), sizes, tensor0(p))?;
        let reduce = Reduce { axes: (2..rank).collect(), reducer: Reducer::Sum };
        let sums = *input(&model.wire_node(format!("{prefix}.sums"), reduce, &[powers])?, 0)?;
        Ok(tvec![wire_with_number(prefix, model, pow(), sums, tensor0(1.0 / p))?])
    }
}

impl Side {
    /// From the first to the last element of a window.
    const fn extent(&self) -> usize {
        self.dilation * self.size.saturating_sub(1) + 1
    }

    /// The elements of a window that are no padding, of so many.
    fn places(&self, window: usize, before: usize, n_places: usize) -> impl Iterator<Item = usize> {
        let (start, dilation) = (window * self.stride, self.dilation);
        let places = (0..self.size).filter_map(move |idx| (start + idx * dilation).checked_sub(before));
        places.filter(move |&place| place < n_places)
    }
}

impl LpPool {
    /// How many windows an axis has, and its padding before.
    fn windows(&self, side: &Side, size: &TDim) -> TractResult<(TDim, TDim)> {
        let padded = |[before, after]: [usize; 2]| {
            let free = size.clone() + before + after - side.extent();
            let is_large = free.to_i64().is_ok_and(|free| free < 0);
            ensure!(!is_large, "LpPool: a window of {} over {size} elements", side.extent());
            let n_windows = if self.is_ceiled {
                let n_windows = free.clone().divceil(side.stride) + 1;
                // The last window begins inside of the input or the padding before it.
                let begun = (size.clone() + before - 1) / side.stride + 1;
                match (n_windows.to_i64(), begun.to_i64()) {
                    (Ok(n_windows), Ok(begun)) => n_windows.min(begun).to_dim(),
                    _ => n_windows,
                }
            } else {
                free / side.stride + 1
            };
            Ok((n_windows, before.to_dim()))
        };
        match self.padding {
            Padding::AsWritten => padded(side.pads),
            Padding::None => padded([0, 0]),
            Padding::Same { is_after } => {
                let n_windows = size.clone().divceil(side.stride);
                let missing = (n_windows.clone() - 1) * side.stride + side.extent() - size.clone();
                let missing = missing.to_i64().map_or_else(|_| missing, |missing| missing.max(0).to_dim());
                let before = if is_after { missing / 2 } else { (missing + 1) / 2 };
                Ok((n_windows, before))
            }
        }
    }

    fn norm(&self, powers: f32) -> f32 {
        match self.p {
            1 => powers,
            2 => powers.sqrt(),
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            p => libm::powf(powers, 1.0 / p as f32),
        }
    }

    fn power(&self, element: f32) -> f32 {
        (0..self.p).fold(1.0, |power, _| power * element.abs())
    }
}

/// The indices of the places in all combinations.
fn combined(places: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    places.into_iter().fold(vec![Vec::new()], |found, places| {
        found
            .iter()
            .flat_map(|outer| places.iter().map(move |&place| [outer.as_slice(), &[place]].concat()))
            .collect()
    })
}

impl Kernel for LpPool {
    fn name(&self) -> &'static str {
        "LpPool"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, shape) = input(inputs, 0)?;
        ensure!(shape.len() == self.sides.len() + 2, "LpPool of a value with {} axes", shape.len());
        let (outer, inner) = shape.split_at(2);
        let windows = self.sides.iter().zip(inner).map(|(side, size)| Ok(self.windows(side, size)?.0));
        let windows = windows.collect::<TractResult<Vec<TDim>>>()?;
        Ok(tvec![(*datum_type, outer.iter().cloned().chain(windows).collect())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        let numbers = values.cast_to::<f32>()?;
        let numbers = numbers.to_plain_array_view::<f32>()?;
        let (outer, inner) = values.shape().split_at_checked(2).context("LpPool of an image")?;
        let windows = self.sides.iter().zip(inner).map(|(side, size)| {
            let (n_windows, before) = self.windows(side, &size.to_dim())?;
            Ok((n_windows.to_usize()?, before.to_usize()?))
        });
        let windows = windows.collect::<TractResult<Vec<(usize, usize)>>>()?;
        let shape: Vec<usize> = outer.iter().copied().chain(windows.iter().map(|(n, _)| *n)).collect();
        let found = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            let sides = self.sides.iter().zip(inner).zip(&windows).enumerate();
            let places = sides.map(|(axis, ((side, &size), &(_, before)))| {
                side.places(at[axis + 2], before, size).collect()
            });
            let powers = combined(places.collect()).into_iter().map(|place| {
                let whole = [&[at[0], at[1]], place.as_slice()].concat();
                self.power(numbers.get(IxDyn(&whole)).copied().unwrap_or(0.0))
            });
            self.norm(powers.sum())
        });
        Ok(tvec![found.into_tensor().cast_to_dt(values.datum_type())?.into_owned()])
    }
}

impl MaxUnpool {
    /// The size that an axis had before it was pooled.
    fn size(side: &Side, size: &TDim) -> TDim {
        (size.clone() - 1) * side.stride + side.size - side.pads.iter().sum::<usize>()
    }

    fn unpooled(&self, shape: &[TDim]) -> TractResult<TVec<TDim>> {
        ensure!(shape.len() == self.sides.len() + 2, "MaxUnpool of a value with {} axes", shape.len());
        let (outer, inner) = shape.split_at(2);
        Ok(outer
            .iter()
            .cloned()
            .chain(self.sides.iter().zip(inner).map(|(side, size)| Self::size(side, size)))
            .collect())
    }

    /// The sizes that a value had before it was pooled.
    fn own(&self, shape: &[usize]) -> TractResult<TVec<usize>> {
        let shape: TVec<TDim> = shape.iter().map(|size| size.to_dim()).collect();
        let own = self.unpooled(&shape)?;
        own.iter().map(|size| size.to_usize().with_context(|| format!("MaxUnpool of {shape:?}"))).collect()
    }

    fn of<T: Datum + Default>(
        &self,
        values: &Tensor,
        indices: &Tensor,
        shape: &[usize],
    ) -> TractResult<Tensor> {
        let (values, indices) = (values.to_plain_array_view::<T>()?, indices.to_plain_array_view::<i64>()?);
        ensure!(
            values.shape() == indices.shape(),
            "MaxUnpool: {:?} values and {:?} indices",
            values.shape(),
            indices.shape()
        );
        let own = self.own(values.shape())?;
        check_room(&own, size_of::<T>())?;
        check_room(shape, size_of::<T>())?;
        let mut found = ArrayD::<T>::default(IxDyn(&own));
        let flat = found.as_slice_mut().context("an array in order")?;
        for (value, &index) in values.iter().zip(indices) {
            let place = usize::try_from(index).ok().and_then(|index| flat.get_mut(index));
            *place.context("MaxUnpool: an index beyond the output")? = value.clone();
        }
        ensure!(shape.len() == own.len(), "MaxUnpool to {shape:?}");
        let wide = ArrayD::from_shape_fn(IxDyn(shape), |at| found.get(at).cloned().unwrap_or_default());
        Ok(wide.into_tensor())
    }
}

impl Kernel for MaxUnpool {
    fn name(&self) -> &'static str {
        "MaxUnpool"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, shape) = input(inputs, 0)?;
        if self.shape.is_none() {
            return Ok(tvec![(*datum_type, self.unpooled(shape)?)]);
        }
        let sizes = self.sizes.get(..shape.len()).context("MaxUnpool of a value with more than six axes")?;
        Ok(tvec![(*datum_type, sizes.iter().map(|size| TDim::from(size.clone())).collect())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (values, indices) = (input(inputs, 0)?, input(inputs, 1)?.cast_to::<i64>()?);
        let shape: TVec<usize> = match self.shape {
            None => self.own(values.shape())?,
            Some(place) => {
                let sizes = input(inputs, place)?.cast_to::<i64>()?;
                let sizes = sizes.to_plain_array_view::<i64>()?;
                sizes.iter().map(|&size| Ok(usize::try_from(size)?)).collect::<TractResult<_>>()?
            }
        };
        Ok(tvec![dispatch_datum!(Self::of(values.datum_type())(self, values, &indices, &shape))?])
    }
}
