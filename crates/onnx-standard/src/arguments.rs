//! Arguments that come with a request, checked before tract's operator is asked: it panics at some, and an output that does not fit in memory
//! ends the instance. What else is wrong with them tract says itself.

use tract_onnx::model::optional_inputs;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;

use crate::kernel::{axis_of, check_room, input, whole_numbers};

/// No size is larger, and sums of a few of these do not overflow.
const MOST: i64 = i64::MAX / 4;

/// An operator and which of the inputs that it may have it has.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    operator: String,
    places: Vec<Option<usize>>,
    /// The axis that an attribute tells.
    axis: Option<i64>,
}

/// An argument by its place in the specification, the least and the most that its numbers may be.
type Bounds = (usize, i64, i64);

impl Arguments {
    pub(crate) fn of(node: &NodeProto) -> TractResult<Self> {
        let places = optional_inputs(node).take(node.input.len()).collect();
        Ok(Self { operator: node.op_type.clone(), places, axis: node.get_attr_opt("axis")? })
    }

    /// Refuses what tract would panic at, or what has no room in memory if an element of the output has so many bytes.
    pub(crate) fn check(&self, inputs: &[TValue], n_bytes: usize) -> TractResult<()> {
        let shape = inputs.first().map(|first| first.shape()).unwrap_or_default();
        for (place, least, most) in self.bounds(shape)? {
            let is_wrong = |&number: &i64| {
                !(least..=most).contains(&number) || (self.operator == "Slice" && place == 4 && number == 0)
            };
            if let Some(wrong) = self.numbers(inputs, place)?.into_iter().find(is_wrong) {
                bail!("{}: {wrong} among its arguments", self.operator);
            }
        }
        let sizes = self.sizes(inputs, shape)?.into_iter();
        let sizes = sizes.map(|size| Ok(usize::try_from(size)?)).collect::<TractResult<Vec<usize>>>()?;
        check_room(&sizes, n_bytes).with_context(|| format!("{}: its output", self.operator))
    }

    fn given<'a>(&self, inputs: &'a [TValue], place: usize) -> Option<&'a TValue> {
        inputs.get(self.places.get(place).copied().flatten()?)
    }

    /// The whole numbers of an argument; none if it is not there.
    fn numbers(&self, inputs: &[TValue], place: usize) -> TractResult<Vec<i64>> {
        let Some(given) = self.given(inputs, place) else { return Ok(Vec::new()) };
        whole_numbers(given)
    }

    fn number(&self, inputs: &[TValue], place: usize) -> TractResult<i64> {
        let numbers = self.numbers(inputs, place)?;
        numbers.first().copied().with_context(|| format!("{}: an argument without a number", self.operator))
    }

    fn reals(&self, inputs: &[TValue], place: usize) -> TractResult<Vec<f64>> {
        let Some(given) = self.given(inputs, place) else { return Ok(Vec::new()) };
        Ok(given.cast_to::<f64>()?.to_plain_array_view::<f64>()?.iter().copied().collect())
    }

    fn bounds(&self, shape: &[usize]) -> TractResult<TVec<Bounds>> {
        let rank = i64::try_from(shape.len())?;
        let n_steps = i64::try_from(shape.get(1).copied().unwrap_or(0))?;
        Ok(match self.operator.as_str() {
            "ConstantOfShape" => tvec![(0, 0, MOST)],
            "Expand" | "Tile" => tvec![(1, 0, MOST)],
            "Pad" => tvec![(1, -MOST, MOST)],
            "TopK" => {
                let axis = axis_of(self.axis.unwrap_or(-1), shape.len())?;
                tvec![(1, 0, i64::try_from(*input(shape, axis)?)?)]
            }
            "OneHot" => tvec![(1, 1, MOST)],
            "BlackmanWindow" | "HammingWindow" | "HannWindow" => tvec![(0, 1, MOST)],
            "MelWeightMatrix" => tvec![(0, 0, MOST), (1, 0, MOST), (2, 1, MOST)],
            "Resize" => tvec![(3, 0, MOST)],
            "STFT" => tvec![(1, 1, MOST), (3, 1, n_steps)],
            "DFT" => tvec![(1, 0, MOST), (2, -rank, rank - 2)],
            "Slice" => tvec![(3, -rank, rank - 1), (4, -i64::MAX, i64::MAX)],
            "Trilu" => tvec![(1, -MOST, MOST)],
            _ => tvec![],
        })
    }

    /// Sizes whose product is about that of the output; none if it is not larger than the inputs.
    fn sizes(&self, inputs: &[TValue], shape: &[usize]) -> TractResult<Vec<i64>> {
        let shape = shape.iter().map(|&size| Ok(i64::try_from(size)?)).collect::<TractResult<Vec<i64>>>()?;
        Ok(match self.operator.as_str() {
            "ConstantOfShape" | "BlackmanWindow" | "HammingWindow" | "HannWindow" => {
                self.numbers(inputs, 0)?
            }
            "Expand" => broadcast(&shape, &self.numbers(inputs, 1)?),
            "Tile" => [shape, self.numbers(inputs, 1)?].concat(),
            "Pad" => padded(shape, &self.numbers(inputs, 1)?, &self.numbers(inputs, 3)?),
            "OneHot" => [shape, vec![self.number(inputs, 1)?]].concat(),
            "Range" => vec![self.n_steps(inputs)?],
            "MelWeightMatrix" => self.bands(inputs)?,
            "Reshape" => self.reshaped(inputs, &shape)?,
            "Resize" => self.resized(inputs, &shape)?,
            "DFT" => [self.numbers(inputs, 1)?, shape.into_iter().take(1).collect()].concat(),
            "STFT" => self.frames(inputs, &shape)?,
            _ => Vec::new(),
        })
    }

    /// How many numbers a range has.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and there is no room for so many")]
    fn n_steps(&self, inputs: &[TValue]) -> TractResult<i64> {
        let argument = |place| self.reals(inputs, place).map(|numbers| numbers.first().copied());
        let (start, limit, step) = (argument(0)?, argument(1)?, argument(2)?);
        let (start, limit) = (start.context("Range: a start")?, limit.context("Range: a limit")?);
        let n_steps = ((limit - start) / step.context("Range: a step")?).ceil();
        ensure!(n_steps.is_finite(), "Range: from {start} to {limit} by a step that does not lead there");
        Ok(n_steps.max(0.0) as i64)
    }

    /// The bands of a spectrum that has them, and its lines.
    fn bands(&self, inputs: &[TValue]) -> TractResult<Vec<i64>> {
        let lines = self.number(inputs, 1)? / 2 + 1;
        let rate = self.reals(inputs, 2)?.first().copied().unwrap_or_default();
        for edge in [3, 4].into_iter().flat_map(|place| self.reals(inputs, place).unwrap_or_default()) {
            ensure!(
                (0.0..=rate / 2.0).contains(&edge),
                "MelWeightMatrix: an edge of {edge} in a spectrum up to half of {rate}"
            );
        }
        Ok(vec![self.number(inputs, 0)?, lines])
    }

    /// The sizes that are written, of which there may not be more than elements: tract does not see a product that overflows.
    fn reshaped(&self, inputs: &[TValue], shape: &[i64]) -> TractResult<Vec<i64>> {
        let numbers = self.numbers(inputs, 1)?;
        let written: Vec<i64> = numbers.iter().copied().filter(|&number| number > 0).collect();
        let product = written.iter().try_fold(1_i64, |product, &size| product.checked_mul(size));
        let n_elements = shape.iter().product::<i64>();
        let is_whole = product.is_some_and(|product| n_elements == 0 || product <= n_elements);
        ensure!(is_whole, "Reshape: {n_elements} elements to {numbers:?}");
        Ok(written)
    }

    /// The sizes asked for, or those scaled.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "sizes that there may be"
    )]
    fn resized(&self, inputs: &[TValue], shape: &[i64]) -> TractResult<Vec<i64>> {
        let scales = self.reals(inputs, 2)?;
        if scales.is_empty() {
            return self.numbers(inputs, 3);
        }
        let wrong = scales.iter().find(|scale| !scale.is_finite() || **scale <= 0.0);
        ensure!(wrong.is_none(), "Resize: a scale of {}", wrong.copied().unwrap_or_default());
        Ok(shape.iter().zip(scales).map(|(&size, scale)| (size as f64 * scale) as i64).collect())
    }

    /// Rows, frames and what a frame has.
    fn frames(&self, inputs: &[TValue], shape: &[i64]) -> TractResult<Vec<i64>> {
        let n_steps = shape.get(1).copied().unwrap_or(0);
        let window = self.given(inputs, 2).map(|window| i64::try_from(window.len())).transpose()?;
        let length =
            self.numbers(inputs, 3)?.first().copied().or(window).context("STFT: the length of a frame")?;
        ensure!((1..=n_steps).contains(&length), "STFT: frames of {length} in a signal of {n_steps}");
        let n_frames = (n_steps - length) / self.number(inputs, 1)? + 1;
        Ok(vec![shape.first().copied().unwrap_or(1), n_frames, length, 2])
    }
}

/// The larger of each two sizes, counted from the last.
fn broadcast(left: &[i64], right: &[i64]) -> Vec<i64> {
    let at = |sizes: &[i64], idx: usize| sizes.iter().rev().nth(idx).copied().unwrap_or(1);
    (0..left.len().max(right.len()))
        .map(|idx| match (at(left, idx), at(right, idx)) {
            (0, _) | (_, 0) => 0,
            (left, right) => left.max(right),
        })
        .collect()
}

/// The sizes with the pads of all axes, or of some.
fn padded(mut shape: Vec<i64>, pads: &[i64], axes: &[i64]) -> Vec<i64> {
    let n_axes = if axes.is_empty() { shape.len() } else { axes.len() };
    let rank = i64::try_from(shape.len()).unwrap_or(0);
    for idx in 0..n_axes {
        let axis =
            axes.get(idx).map_or(Ok(idx), |&axis| usize::try_from(if axis < 0 { axis + rank } else { axis }));
        let more = [idx, idx + n_axes].map(|place| pads.get(place).copied().unwrap_or(0));
        if let Some(size) = axis.ok().and_then(|axis| shape.get_mut(axis)) {
            *size = more.iter().fold(*size, |size, &more| size.saturating_add(more));
        }
    }
    shape
}
