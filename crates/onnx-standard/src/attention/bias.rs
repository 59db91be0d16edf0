//! What is added to the scores: zero where a query sees a key, minus infinity where it does not, or what a mask says.

use tract_onnx::prelude::tract_ndarray::{Array4, ArrayD, Axis, IxDyn, Slice};
use tract_onnx::tract_core::internal::*;

use super::{Attention, Heads};
use crate::kernel::input;

impl Attention {
    /// The numbers by row, head, query and key.
    pub(super) fn bias(&self, inputs: &[TValue], heads: &Heads) -> TractResult<Array4<f32>> {
        let (n_rows, n_heads, n_queries, _) = heads.queries.dim();
        let n_keys = heads.keys.dim().2;
        let mut bias = Array4::zeros((n_rows, n_heads, n_queries, n_keys));
        if let Some(place) = self.places.mask {
            let mask = mask(input(inputs, place)?, n_keys)?;
            bias += &mask.broadcast(bias.raw_dim()).context("a mask that fits the scores")?;
        }
        let lengths = self.places.lengths.map(|place| lengths(input(inputs, place)?, n_rows)).transpose()?;
        let n_past = match self.places.past_key {
            Some(place) => input(inputs, place)?.shape().get(2).copied().unwrap_or(0),
            None => 0,
        };
        let n_past = i64::try_from(n_past)?;
        let n_steps = i64::try_from(n_queries)?;
        for ((row, _, query, key), bias) in bias.indexed_iter_mut() {
            let length = lengths.as_ref().and_then(|lengths| lengths.get(row).copied());
            let offset = if self.places.past_key.is_some() {
                n_past
            } else {
                length.map_or(0, |length| length - n_steps)
            };
            let (query, key) = (i64::try_from(query)? + offset, i64::try_from(key)?);
            if !self.sees(query, key) || length.is_some_and(|length| key >= length) {
                *bias = f32::NEG_INFINITY;
            }
        }
        Ok(bias)
    }

    /// Whether a query sees a key, both counted from the first key.
    fn sees(&self, query: i64, key: i64) -> bool {
        let [before, after] = self.window;
        let is_before = before.is_none_or(|before| query - key <= before);
        let is_after = after.is_none_or(|after| key - query <= after);
        is_before && is_after && (!self.is_causal || key <= query)
    }
}

/// A mask as numbers, as wide as there are keys.
fn mask(given: &TValue, n_keys: usize) -> TractResult<ArrayD<f32>> {
    let numbers = given.cast_to::<f32>()?;
    let mut mask = numbers.to_plain_array_view::<f32>()?.to_owned();
    if given.datum_type() == DatumType::Bool {
        mask.mapv_inplace(|sees| if sees > 0.0 { 0.0 } else { f32::NEG_INFINITY });
    }
    let last = mask.ndim().checked_sub(1).context("a mask with axes")?;
    let width = mask.len_of(Axis(last));
    if width >= n_keys {
        return Ok(mask);
    }
    let mut shape = mask.shape().to_vec();
    if let Some(width) = shape.last_mut() {
        *width = n_keys;
    }
    let mut wide = ArrayD::from_elem(IxDyn(&shape), f32::NEG_INFINITY);
    wide.slice_axis_mut(Axis(last), Slice::from(..width)).assign(&mask);
    Ok(wide)
}

fn lengths(given: &TValue, n_rows: usize) -> TractResult<Vec<i64>> {
    let lengths = given.cast_to::<i64>()?;
    let lengths: Vec<i64> = lengths.to_plain_array_view::<i64>()?.iter().copied().collect();
    ensure!(lengths.len() == n_rows, "{} lengths for {n_rows} rows", lengths.len());
    let wrong = lengths.iter().find(|&&length| length < 0);
    ensure!(wrong.is_none(), "a length of {}", wrong.copied().unwrap_or_default());
    Ok(lengths)
}
