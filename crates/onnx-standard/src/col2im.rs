//! `Col2Im`: blocks put back where they were cut, added up where they overlap.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, check_room, computed, input, sizes};

#[derive(Debug)]
struct Col2Im {
    /// One for each axis of the image if empty.
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Those at the beginning of each axis, and then those at its end; zeros if empty.
    pads: Vec<usize>,
    /// The numbers of channels, and the sizes of the image.
    channels: Symbol,
    sizes: Vec<Symbol>,
}

/// An axis of the image.
struct Side {
    size: usize,
    block: usize,
    stride: usize,
    dilation: usize,
    pads: [usize; 2],
}

/// The most axes an image may have.
const N_AXES_MAX: usize = 5;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Col2Im`, version 18.
pub(crate) fn col2im(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let list = |name: &str| -> TractResult<Vec<usize>> {
        let found = node.get_attr_opt_vec::<i64>(name)?.unwrap_or_default();
        found.into_iter().map(|number| Ok(usize::try_from(number)?)).collect()
    };
    let symbols = &context.template.symbols;
    let kernel = Col2Im {
        strides: list("strides")?,
        dilations: list("dilations")?,
        pads: list("pads")?,
        channels: symbols.new_with_prefix("channels"),
        sizes: (0..N_AXES_MAX).map(|_| symbols.new_with_prefix("size")).collect(),
    };
    Ok((computed(kernel), Vec::new()))
}

impl Side {
    /// How many blocks there are.
    fn n_blocks(&self) -> TractResult<usize> {
        let extent = self.dilation.saturating_mul(self.block.saturating_sub(1)).saturating_add(1);
        let free =
            self.pads.iter().fold(self.size, |size, &pad| size.saturating_add(pad)).checked_sub(extent);
        Ok(free.context("Col2Im: a block larger than the image")? / self.stride.max(1) + 1)
    }

    /// The place in the image of an element of a block, unless it is padding.
    fn place(&self, block: usize, element: usize) -> Option<usize> {
        let [before, _] = self.pads;
        (block * self.stride + element * self.dilation).checked_sub(before).filter(|&place| place < self.size)
    }
}

/// The index along each axis of the `idx`th of all places.
fn unravelled(mut idx: usize, sizes: &[usize]) -> Vec<usize> {
    let mut places: Vec<usize> = sizes
        .iter()
        .rev()
        .map(|&size| {
            let place = idx % size.max(1);
            idx /= size.max(1);
            place
        })
        .collect();
    places.reverse();
    places
}

impl Col2Im {
    fn sides(&self, image: &[usize], block: &[usize]) -> TractResult<Vec<Side>> {
        ensure!(image.len() == block.len(), "Col2Im: an image of {image:?} and a block of {block:?}");
        let n_axes = image.len();
        let side = |axis: usize| -> Option<Side> {
            let or = |list: &[usize], place: usize, default| {
                if list.is_empty() { Some(default) } else { list.get(place).copied() }
            };
            Some(Side {
                size: *image.get(axis)?,
                block: *block.get(axis)?,
                stride: or(&self.strides, axis, 1)?,
                dilation: or(&self.dilations, axis, 1)?,
                pads: [or(&self.pads, axis, 0)?, or(&self.pads, axis + n_axes, 0)?],
            })
        };
        (0..n_axes)
            .map(side)
            .collect::<Option<_>>()
            .context("Col2Im: an attribute for each axis of the image")
    }

    fn of(&self, columns: &Tensor, image: &[usize], block: &[usize]) -> TractResult<ArrayD<f32>> {
        let sides = self.sides(image, block)?;
        let numbers = columns.cast_to::<f32>()?;
        let &[n_rows, n_columns, n_places] = columns.shape() else {
            bail!("Col2Im of a value without three axes")
        };
        check_room(block, 1).context("Col2Im: a block")?;
        let block_size: usize = block.iter().product();
        let n_blocks = sides.iter().map(Side::n_blocks).collect::<TractResult<Vec<usize>>>()?;
        check_room(&n_blocks, 1).context("Col2Im: its blocks")?;
        let is_whole =
            block_size > 0 && n_columns % block_size == 0 && n_places == n_blocks.iter().product::<usize>();
        ensure!(is_whole, "Col2Im: {n_columns} columns of {n_places} do not make the image");
        let shape: Vec<usize> =
            [n_rows, n_columns / block_size].into_iter().chain(image.iter().copied()).collect();
        check_room(&shape, size_of::<f32>()).context("Col2Im: its image")?;
        let mut found = ArrayD::<f32>::zeros(IxDyn(&shape));
        for (at, &number) in numbers.to_plain_array_view::<f32>()?.indexed_iter() {
            let (element, place) = (unravelled(at[1] % block_size, block), unravelled(at[2], &n_blocks));
            let places = sides.iter().zip(place.iter().zip(&element));
            let places: Option<Vec<usize>> =
                places.map(|(side, (&block, &element))| side.place(block, element)).collect();
            let Some(places) = places else { continue };
            let whole: Vec<usize> = [at[0], at[1] / block_size].into_iter().chain(places).collect();
            found.get_mut(IxDyn(&whole)).into_iter().for_each(|sum| *sum += number);
        }
        Ok(found)
    }
}

impl Kernel for Col2Im {
    fn name(&self) -> &'static str {
        "Col2Im"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, columns) = input(inputs, 0)?;
        let n_axes = input(&input(inputs, 1)?.1, 0)?.to_usize()?;
        let sizes = self.sizes.get(..n_axes).context("Col2Im: an image of more axes than five")?;
        let mut shape = tvec![input(columns, 0)?.clone(), self.channels.clone().into()];
        shape.extend(sizes.iter().map(|size| TDim::from(size.clone())));
        Ok(tvec![(*datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let columns = input(inputs, 0)?;
        let found = self.of(columns, &sizes(input(inputs, 1)?)?, &sizes(input(inputs, 2)?)?)?;
        Ok(tvec![found.into_tensor().cast_to_dt(columns.datum_type())?.into_owned()])
    }
}
