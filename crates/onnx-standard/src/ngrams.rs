//! `TfIdfVectorizer`: how often runs of words, or of numbers, stand in a row.

use std::collections::HashMap;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{Array2, ArrayView1, Axis, Ix2};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};
use crate::text::strings;

/// What a count becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weighting {
    Counts,
    /// The weight, if there is one at all.
    Weights,
    WeightedCounts,
}

/// Runs and the columns that count them.
#[derive(Debug)]
enum Pool {
    Words(HashMap<Vec<String>, usize>),
    Numbers(HashMap<Vec<i64>, usize>),
}

#[derive(Debug)]
struct Vectorizer {
    pool: Pool,
    weighting: Weighting,
    /// By column.
    weights: Vec<f32>,
    lengths: std::ops::RangeInclusive<usize>,
    n_skipped_max: usize,
    n_columns: usize,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `TfIdfVectorizer`, version 9.
pub(crate) fn vectorizer(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let whole = |name: &str| -> TractResult<usize> { Ok(usize::try_from(node.get_attr::<i64>(name)?)?) };
    let list = |name: &str| -> TractResult<Vec<usize>> {
        node.get_attr_vec::<i64>(name)?.into_iter().map(|number| Ok(usize::try_from(number)?)).collect()
    };
    let (columns, starts) = (list("ngram_indexes")?, list("ngram_counts")?);
    let words = strings(node, "pool_strings")?;
    let pool = if words.is_empty() {
        Pool::Numbers(runs(&node.get_attr_vec::<i64>("pool_int64s")?, &starts, &columns)?)
    } else {
        Pool::Words(runs(&words, &starts, &columns)?)
    };
    let weighting = match node.get_attr::<&str>("mode")? {
        "TF" => Weighting::Counts,
        "IDF" => Weighting::Weights,
        "TFIDF" => Weighting::WeightedCounts,
        other => bail!("TfIdfVectorizer: the mode is `{other}`, expected TF, IDF or TFIDF"),
    };
    let n_columns = columns.iter().max().map_or(0, |last| last + 1);
    let weights = node.get_attr_opt_vec::<f32>("weights")?.unwrap_or_default();
    let weights = by_column(&weights, &columns, n_columns)?;
    let lengths = whole("min_gram_length")?.max(1)..=whole("max_gram_length")?;
    let n_skipped_max = whole("max_skip_count")?;
    Ok((computed(Vectorizer { pool, weighting, weights, lengths, n_skipped_max, n_columns }), Vec::new()))
}

/// The weights of n-grams in the order of their columns; ones if there are none.
fn by_column(weights: &[f32], columns: &[usize], n_columns: usize) -> TractResult<Vec<f32>> {
    let mut found = vec![1.0; n_columns];
    let is_whole = weights.is_empty() || weights.len() == columns.len();
    ensure!(is_whole, "TfIdfVectorizer: {} weights of {} n-grams", weights.len(), columns.len());
    for (&column, &weight) in columns.iter().zip(weights) {
        found.get_mut(column).into_iter().for_each(|place| *place = weight);
    }
    Ok(found)
}

/// The runs of a pool: those of one element, from the second start on those of two, and so on.
fn runs<T: Clone + Eq + std::hash::Hash>(
    pool: &[T],
    starts: &[usize],
    columns: &[usize],
) -> TractResult<HashMap<Vec<T>, usize>> {
    let mut runs = HashMap::new();
    let mut columns = columns.iter().copied();
    for (idx, &start) in starts.iter().enumerate() {
        let stop = starts.get(idx + 1).copied().unwrap_or(pool.len());
        let elements = pool.get(start..stop).context("TfIdfVectorizer: ngram_counts beyond the pool")?;
        for run in elements.chunks_exact(idx + 1) {
            let column = columns.next().context("TfIdfVectorizer: fewer ngram_indexes than n-grams")?;
            runs.insert(run.to_vec(), column);
        }
    }
    Ok(runs)
}

impl Vectorizer {
    /// Counts the runs of a row, with as many elements left out between each two as may be.
    fn count<T: Clone + Eq + std::hash::Hash>(
        &self,
        runs: &HashMap<Vec<T>, usize>,
        row: ArrayView1<'_, T>,
        counts: &mut [f32],
    ) {
        for n_skipped in 0..=self.n_skipped_max {
            for length in self.lengths.clone().filter(|&length| length > 1 || n_skipped == 0) {
                for start in 0..row.len() {
                    let run = row.iter().skip(start).step_by(n_skipped + 1).take(length);
                    let run: Vec<T> = run.cloned().collect();
                    let column = runs.get(&run).filter(|_| run.len() == length);
                    column
                        .and_then(|&column| counts.get_mut(column))
                        .into_iter()
                        .for_each(|count| *count += 1.0);
                }
            }
        }
    }

    fn weigh(&self, counts: &mut [f32]) {
        for (column, count) in counts.iter_mut().enumerate() {
            let weight = self.weights.get(column).copied().unwrap_or(1.0);
            *count = match self.weighting {
                Weighting::Counts => *count,
                Weighting::Weights if *count > 0.0 => weight,
                Weighting::Weights => 0.0,
                Weighting::WeightedCounts => weight * *count,
            };
        }
    }

    fn rows<T: Datum + Eq + std::hash::Hash>(
        &self,
        runs: &HashMap<Vec<T>, usize>,
        values: &Tensor,
    ) -> TractResult<Array2<f32>> {
        let view = values.to_plain_array_view::<T>()?;
        let view = if view.ndim() == 1 { view.insert_axis(Axis(0)) } else { view };
        let view = view.into_dimensionality::<Ix2>()?;
        let mut found = Array2::zeros((view.nrows(), self.n_columns));
        for (row, mut counts) in view.rows().into_iter().zip(found.rows_mut()) {
            if let Some(counts) = counts.as_slice_mut() {
                self.count(runs, row, counts);
                self.weigh(counts);
            }
        }
        Ok(found)
    }
}

impl Kernel for Vectorizer {
    fn name(&self) -> &'static str {
        "TfIdfVectorizer"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, shape) = input(inputs, 0)?;
        let is_text = matches!(self.pool, Pool::Words(_));
        ensure!(
            is_text == (*datum_type == DatumType::String),
            "TfIdfVectorizer: its pool is not of {datum_type:?}"
        );
        let columns = self.n_columns.to_dim();
        let shape = match shape.as_slice() {
            [_] => tvec![columns],
            [rows, _] => tvec![rows.clone(), columns],
            _ => bail!("TfIdfVectorizer of a value with {} axes, not one or two", shape.len()),
        };
        Ok(tvec![(DatumType::F32, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let values = input(inputs, 0)?;
        let found = match &self.pool {
            Pool::Words(runs) => self.rows(runs, values)?,
            Pool::Numbers(runs) => self.rows(runs, &*values.cast_to::<i64>()?)?,
        };
        let found = found.into_dyn();
        Ok(tvec![if values.rank() == 1 { found.index_axis_move(Axis(0), 0) } else { found }.into_tensor()])
    }
}
