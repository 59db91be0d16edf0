//! `RoiAlign`: boxes of a feature map, each sampled into as many bins.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{Array4, ArrayView2, Axis, Ix1, Ix2, Ix4};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

#[derive(Debug)]
struct RoiAlign {
    height: usize,
    width: usize,
    /// Samples along a side of a bin; as many as it has pixels if zero.
    n_samples: usize,
    scale: f32,
    is_mean: bool,
    /// Whether a pixel's coordinates are those of its corner, and a box has at least one pixel's side.
    is_corner: bool,
}

/// The most samples along a side of a bin: many more than the pixels of an image.
const N_SAMPLES_MAX: usize = 1 << 12;

/// Bins along an axis: where the first begins, the size of each and how many samples it has.
#[derive(Clone, Copy)]
struct Bins {
    start: f32,
    size: f32,
    n_samples: usize,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `RoiAlign`, version 22; before version 16 there was no shift by half a pixel.
pub(crate) fn roi_align(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let whole = |name: &str, default: i64| -> TractResult<usize> {
        Ok(usize::try_from(node.get_attr_opt::<i64>(name)?.unwrap_or(default))?)
    };
    let is_mean = match node.get_attr_opt::<&str>("mode")? {
        Some("avg") | None => true,
        Some("max") => false,
        Some(other) => bail!("RoiAlign: the mode is `{other}`, expected avg or max"),
    };
    let is_corner = match node.get_attr_opt::<&str>("coordinate_transformation_mode")? {
        Some("half_pixel") => false,
        Some("output_half_pixel") => true,
        Some(other) => bail!("RoiAlign: coordinate_transformation_mode is `{other}`"),
        None => context.onnx_operator_set_version < 16,
    };
    let kernel = RoiAlign {
        height: whole("output_height", 1)?,
        width: whole("output_width", 1)?,
        n_samples: whole("sampling_ratio", 0)?,
        scale: node.get_attr_opt::<f32>("spatial_scale")?.unwrap_or(1.0),
        is_mean,
        is_corner,
    };
    Ok((computed(kernel), Vec::new()))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of images are exact in FP32")]
const fn number(whole: usize) -> f32 {
    whole as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and saturates"
)]
const fn index(number: f32) -> usize {
    number as usize
}

impl RoiAlign {
    fn bins(&self, from: f32, to: f32, n_bins: usize) -> Bins {
        let shift = if self.is_corner { 0.0 } else { 0.5 };
        let start = from * self.scale - shift;
        let length = to * self.scale - shift - start;
        let length = if self.is_corner { length.max(1.0) } else { length };
        let size = length / number(n_bins);
        let n_samples = if self.n_samples > 0 { self.n_samples } else { index(size.ceil().max(0.0)) };
        Bins { start, size, n_samples }
    }

    /// The value of a bin: the mean of its samples, or the largest of their weighted corners.
    fn bin(&self, map: &ArrayView2<'_, f32>, [down, across]: [Bins; 2], row: usize, column: usize) -> f32 {
        let mut largest: Option<f32> = None;
        let mut sum = 0.0;
        for y in down.samples(row) {
            for x in across.samples(column) {
                let corners = corners(map, y, x);
                sum += corners.iter().sum::<f32>();
                let corner = corners.into_iter().fold(f32::NEG_INFINITY, f32::max);
                largest = Some(largest.map_or(corner, |largest| largest.max(corner)));
            }
        }
        let n_samples = number((down.n_samples * across.n_samples).max(1));
        if self.is_mean { sum / n_samples } else { largest.unwrap_or(0.0) }
    }
}

impl Bins {
    fn samples(self, bin: usize) -> impl Iterator<Item = f32> {
        let step = self.size / number(self.n_samples);
        let start = self.start + number(bin) * self.size;
        (0..self.n_samples).map(move |sample| start + (number(sample) + 0.5) * step)
    }
}

/// The four pixels around a place, each times its weight; zeros beyond the map.
fn corners(map: &ArrayView2<'_, f32>, y: f32, x: f32) -> [f32; 4] {
    let (height, width) = map.dim();
    if !(-1.0..=number(height)).contains(&y) || !(-1.0..=number(width)).contains(&x) {
        return [0.0; 4];
    }
    let ([top, bottom], below) = neighbours(y, height);
    let ([left, right], beside) = neighbours(x, width);
    let pixel = |row, column| map.get((row, column)).copied().unwrap_or(0.0);
    [
        (1.0 - below) * (1.0 - beside) * pixel(top, left),
        (1.0 - below) * beside * pixel(top, right),
        below * (1.0 - beside) * pixel(bottom, left),
        below * beside * pixel(bottom, right),
    ]
}

/// The pixels before and after a place, and how far it is from the first.
fn neighbours(place: f32, n_pixels: usize) -> ([usize; 2], f32) {
    let place = place.max(0.0);
    let before = index(place);
    if before + 1 >= n_pixels {
        return ([n_pixels.saturating_sub(1); 2], 0.0);
    }
    ([before, before + 1], place - number(before))
}

impl Kernel for RoiAlign {
    fn name(&self) -> &'static str {
        "RoiAlign"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, maps) = input(inputs, 0)?;
        let n_boxes = input(&input(inputs, 1)?.1, 0)?.clone();
        let n_channels = input(maps, 1)?.clone();
        Ok(tvec![(*datum_type, tvec![n_boxes, n_channels, self.height.to_dim(), self.width.to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let given = input(inputs, 0)?;
        let (maps, boxes) = (given.cast_to::<f32>()?, input(inputs, 1)?.cast_to::<f32>()?);
        let images = input(inputs, 2)?.cast_to::<i64>()?;
        let maps = maps.to_plain_array_view::<f32>()?.into_dimensionality::<Ix4>()?;
        let boxes = boxes.to_plain_array_view::<f32>()?.into_dimensionality::<Ix2>()?;
        let images = images.to_plain_array_view::<i64>()?.into_dimensionality::<Ix1>()?;
        ensure!(
            boxes.ncols() == 4 && images.len() == boxes.nrows(),
            "RoiAlign: boxes of {:?}",
            boxes.shape()
        );
        let n_channels = maps.len_of(Axis(1));
        let mut found = Array4::<f32>::zeros((boxes.nrows(), n_channels, self.height, self.width));
        for ((corners, &image), mut found) in boxes.rows().into_iter().zip(images).zip(found.outer_iter_mut())
        {
            let image = usize::try_from(image).ok().filter(|&image| image < maps.len_of(Axis(0)));
            let image = maps.index_axis(Axis(0), image.context("RoiAlign: a box of no image")?);
            let [left, top, right, bottom]: [f32; 4] =
                corners.to_vec().try_into().map_err(|_| format_err!("four"))?;
            let bins = [self.bins(top, bottom, self.height), self.bins(left, right, self.width)];
            let is_sampled = bins.iter().all(|bins| bins.n_samples <= N_SAMPLES_MAX);
            ensure!(is_sampled, "RoiAlign: a box much larger than an image, {corners}");
            for ((channel, row, column), found) in found.indexed_iter_mut() {
                *found = self.bin(&image.index_axis(Axis(0), channel), bins, row, column);
            }
        }
        Ok(tvec![found.into_tensor().cast_to_dt(given.datum_type())?.into_owned()])
    }
}
