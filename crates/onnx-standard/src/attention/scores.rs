//! Scores, probabilities and the answer of attention.

use tract_onnx::prelude::tract_ndarray::{Array2, Array4, ArrayView2, ArrayViewMut1, s};
use tract_onnx::tract_core::internal::*;

use super::{Attention, Heads, Shown};

impl Attention {
    /// The answer by row, head, step and feature, and the scores that are shown.
    pub(super) fn attend(
        &self,
        heads: &Heads,
        bias: &Array4<f32>,
    ) -> TractResult<(Array4<f32>, Array4<f32>)> {
        let (n_rows, n_heads, n_queries, n_features) = heads.queries.dim();
        let mut answer = Array4::zeros((n_rows, n_heads, n_queries, heads.values.dim().3));
        let mut shown = Array4::zeros(bias.raw_dim());
        let scale =
            self.scale.unwrap_or_else(|| 1.0 / f32::from(u16::try_from(n_features).unwrap_or(1)).sqrt());
        for row in 0..n_rows {
            for head in 0..n_heads {
                let key_head = heads.key_head(head);
                let keys = heads.keys.slice(s![row, key_head, .., ..]);
                let products = heads.queries.slice(s![row, head, .., ..]).dot(&keys.t()) * scale;
                let (probabilities, scores) =
                    self.probabilities(products, &bias.slice(s![row, head, .., ..]));
                shown.slice_mut(s![row, head, .., ..]).assign(&scores);
                let values = heads.values.slice(s![row, key_head, .., ..]);
                answer.slice_mut(s![row, head, .., ..]).assign(&probabilities.dot(&values));
            }
        }
        Ok((answer, shown))
    }

    /// The probabilities of a head, and the scores that are shown.
    fn probabilities(&self, products: Array2<f32>, bias: &ArrayView2<'_, f32>) -> (Array2<f32>, Array2<f32>) {
        let capped = match self.cap {
            Some(cap) => products.mapv(|score| libm::tanhf(score / cap) * cap),
            None => products.clone(),
        };
        let masked = &capped + bias;
        let mut probabilities = masked.clone();
        for (mut scores, bias) in probabilities.rows_mut().into_iter().zip(bias.rows()) {
            if bias.iter().all(|&bias| bias == f32::NEG_INFINITY) {
                scores.fill(0.0);
            } else {
                softmax(&mut scores);
            }
        }
        let shown = match self.shown {
            Shown::Products => products,
            Shown::Capped => capped,
            Shown::Masked => masked,
            Shown::Probabilities => probabilities.clone(),
        };
        (probabilities, shown)
    }
}

fn softmax(scores: &mut ArrayViewMut1<'_, f32>) {
    let largest = scores.fold(f32::NEG_INFINITY, |largest, &score| largest.max(score));
    let largest = if largest == f32::NEG_INFINITY { 0.0 } else { largest };
    scores.mapv_inplace(|score| libm::expf(score - largest));
    let total = scores.sum();
    scores.mapv_inplace(|score| score / total);
}
