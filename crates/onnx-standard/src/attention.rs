//! `Attention` with all that tract's leaves out or does otherwise: masks of truth values and rows that a mask covers wholly, causality after a
//! cache or over an unknown number of steps, windows, caps, and the scores as an output. Without any of these tract's runs, which is faster.

mod bias;
mod scores;

use tract_onnx::model::{ParsingContext, optional_inputs, optional_outputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{Array4, Axis, Ix3, Ix4, concatenate};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed_outputs, input};

/// The places of the inputs that a node may leave out, among those that it has.
#[derive(Debug, Clone, Default)]
struct Places {
    mask: Option<usize>,
    past_key: Option<usize>,
    past_value: Option<usize>,
    lengths: Option<usize>,
}

/// Which scores are an output.
///
/// Source: ONNX, operator `Attention`, version 24, attribute `qk_matmul_output_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Products,
    Capped,
    Masked,
    Probabilities,
}

#[derive(Debug, Clone)]
struct Attention {
    n_query_heads: Option<usize>,
    n_key_heads: Option<usize>,
    scale: Option<f32>,
    /// None if it is zero.
    cap: Option<f32>,
    is_causal: bool,
    /// How many keys before and after its own a query sees; none if all.
    window: [Option<i64>; 2],
    shown: Shown,
    places: Places,
}

/// Queries, keys and values by row, head, step and feature.
struct Heads {
    queries: Array4<f32>,
    keys: Array4<f32>,
    values: Array4<f32>,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Attention`, version 25.
pub(crate) fn attention(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    // Operators are looked up without their domain.
    ensure!(node.domain != "com.microsoft", "its attention takes what is not projected yet");
    let attention = read(node)?;
    let outputs: TVec<usize> = (0..4)
        .zip(optional_outputs(node))
        .filter(|(_, place)| place.is_some())
        .map(|(output, _)| output)
        .collect();
    if attention.is_plain() && outputs.as_slice() == [0] {
        return crate::before(crate::CORRECTED, context, node);
    }
    Ok((computed_outputs(attention, outputs), Vec::new()))
}

fn read(node: &NodeProto) -> TractResult<Attention> {
    let heads = |name: &str| -> TractResult<Option<usize>> {
        let found: Option<i64> = node.get_attr_opt(name)?;
        Ok(found.map(usize::try_from).transpose()?.filter(|&n_heads| n_heads > 0))
    };
    let window = |name: &str| -> TractResult<Option<i64>> {
        Ok(node.get_attr_opt::<i64>(name)?.filter(|&size| size >= 0))
    };
    let mut inputs = optional_inputs(node).skip(3);
    let mut place = || inputs.next().flatten();
    Ok(Attention {
        n_query_heads: heads("q_num_heads")?,
        n_key_heads: heads("kv_num_heads")?,
        scale: node.get_attr_opt("scale")?,
        cap: node.get_attr_opt::<f32>("softcap")?.filter(|&cap| cap > 0.0),
        is_causal: node.get_attr_opt::<i64>("is_causal")? == Some(1),
        window: [window("left_window_size")?, window("right_window_size")?],
        shown: shown(node)?,
        places: Places { mask: place(), past_key: place(), past_value: place(), lengths: place() },
    })
}

fn shown(node: &NodeProto) -> TractResult<Shown> {
    let mode = node.get_attr_opt::<i64>("qk_matmul_output_mode")?.unwrap_or(0);
    Ok(match mode {
        0 => Shown::Products,
        1 => Shown::Capped,
        2 => Shown::Masked,
        3 => Shown::Probabilities,
        other => bail!("Attention: qk_matmul_output_mode is {other}, expected 0 to 3"),
    })
}

impl Attention {
    /// Whether tract's operator does.
    fn is_plain(&self) -> bool {
        let Places { mask, past_key, past_value, lengths } = &self.places;
        let is_all = self.window.iter().all(Option::is_none) && self.cap.is_none() && !self.is_causal;
        is_all && [mask, past_key, past_value, lengths].into_iter().all(Option::is_none)
    }

    /// A value by row, head, step and feature.
    fn by_head(value: &TValue, n_heads: Option<usize>) -> TractResult<Array4<f32>> {
        let value = value.cast_to::<f32>()?;
        let view = value.to_plain_array_view::<f32>()?;
        if view.ndim() == 4 {
            return Ok(view.into_dimensionality::<Ix4>()?.to_owned());
        }
        let view = view.into_dimensionality::<Ix3>()?;
        let n_heads = n_heads.context("the number of heads is missing")?;
        let (n_rows, n_steps, n_features) = view.dim();
        ensure!(n_features % n_heads == 0, "{n_features} features are not divided among {n_heads} heads");
        let view = view.as_standard_layout();
        let split = view.to_shape((n_rows, n_steps, n_heads, n_features / n_heads))?;
        Ok(split.permuted_axes([0, 2, 1, 3]).as_standard_layout().into_owned())
    }

    fn heads(&self, inputs: &[TValue]) -> TractResult<Heads> {
        let queries = Self::by_head(input(inputs, 0)?, self.n_query_heads)?;
        let after = |past: Option<usize>, new: Array4<f32>| -> TractResult<Array4<f32>> {
            let Some(past) = past else { return Ok(new) };
            let past = Self::by_head(input(inputs, past)?, None)?;
            Ok(concatenate(Axis(2), &[past.view(), new.view()])?)
        };
        let keys = after(self.places.past_key, Self::by_head(input(inputs, 1)?, self.n_key_heads)?)?;
        let values = after(self.places.past_value, Self::by_head(input(inputs, 2)?, self.n_key_heads)?)?;
        let heads = Heads { queries, keys, values };
        heads.check()?;
        Ok(heads)
    }
}

impl Heads {
    fn check(&self) -> TractResult<()> {
        let (rows, n_queries, _, n_features) = self.queries.dim();
        let (key_rows, n_keys, steps, key_features) = self.keys.dim();
        let (value_rows, n_values, value_steps, _) = self.values.dim();
        let are_alike = [rows, key_rows, value_rows].iter().all(|&n| n == rows) && steps == value_steps;
        ensure!(are_alike && n_features == key_features, "queries, keys and values do not fit together");
        ensure!(
            n_keys > 0 && n_keys == n_values && n_queries % n_keys == 0,
            "{n_queries} heads over {n_keys}"
        );
        Ok(())
    }

    /// The head of the keys that a head of the queries looks at.
    fn key_head(&self, query_head: usize) -> usize {
        query_head * self.keys.dim().1 / self.queries.dim().1.max(1)
    }
}

impl Kernel for Attention {
    fn name(&self) -> &'static str {
        "Attention"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, query) = input(inputs, 0)?;
        ensure!(matches!(datum_type, DatumType::F16 | DatumType::F32), "Attention of {datum_type:?}");
        let split = |shape: &[TDim], n_heads: Option<usize>| -> TractResult<[TDim; 4]> {
            Ok(match shape {
                [rows, heads, steps, features] => {
                    [rows.clone(), heads.clone(), steps.clone(), features.clone()]
                }
                [rows, steps, features] => {
                    let n_heads = n_heads.context("the number of heads is missing")?;
                    [rows.clone(), n_heads.to_dim(), steps.clone(), features.clone() / n_heads]
                }
                _ => bail!("Attention of a value with {} axes, not three or four", shape.len()),
            })
        };
        let [rows, heads, steps, _] = split(query, self.n_query_heads)?;
        let past = |place: Option<usize>| -> TractResult<TDim> {
            let past = place.map(|place| input(inputs, place)).transpose()?;
            Ok(past.and_then(|(_, shape)| shape.get(2).cloned()).unwrap_or_else(|| 0.to_dim()))
        };
        let mut key = split(&input(inputs, 1)?.1, self.n_key_heads)?;
        let mut value = split(&input(inputs, 2)?.1, self.n_key_heads)?;
        key[2] = past(self.places.past_key)? + key[2].clone();
        value[2] = past(self.places.past_value)? + value[2].clone();
        let features = value[3].clone();
        let answer: TVec<TDim> = if query.len() == 4 {
            tvec![rows.clone(), heads.clone(), steps.clone(), features]
        } else {
            tvec![rows.clone(), steps.clone(), heads.clone() * features]
        };
        let scores: TVec<TDim> = tvec![rows, heads, steps, key[2].clone()];
        Ok([answer, key.into(), value.into(), scores].map(|shape| (*datum_type, shape)).into())
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let heads = self.heads(inputs)?;
        let bias = self.bias(inputs, &heads)?;
        let (answer, scores) = self.attend(&heads, &bias)?;
        let is_flat = input(inputs, 0)?.rank() == 3;
        let answer = if is_flat {
            let by_step = answer.permuted_axes([0, 2, 1, 3]);
            let by_step = by_step.as_standard_layout();
            let (rows, steps, n_heads, n_features) = by_step.dim();
            by_step.to_shape((rows, steps, n_heads * n_features))?.into_owned().into_tensor()
        } else {
            answer.into_tensor()
        };
        let outputs = [answer, heads.keys.into_tensor(), heads.values.into_tensor(), scores.into_tensor()];
        let datum_type = input(inputs, 0)?.datum_type();
        outputs.iter().map(|output| Ok(output.cast_to_dt(datum_type)?.into_owned())).collect()
    }
}
