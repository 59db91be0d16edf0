//! How the rows of a call are cut into runs of the plan. It changes what a row costs, never what it is answered.
//!
//! Only a model whose rows are independent is cut, see `independence`. The numbers come from `bench/`, *What a row costs among
//! others*: in Wasm a matrix product computes eight columns at a time, so a few rows cost as much as eight of them.

use std::iter;

use tract_onnx::prelude::TypedModel;
use tract_onnx::tract_core::ops::cnn::Conv;

/// Columns that a matrix product in Wasm computes at once.
const PANEL: u64 = 8;

/// Weights from so many bytes on, and the most rows that are cheaper one by one than in a panel which they do not fill. With
/// fewer weights a call costs more than its products.
const ROWS_ALONE: [(u64, u64); 3] = [(4_000_000, 6), (1_000_000, 4), (100_000, 2)];

/// How a batch meets the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batching {
    /// All rows at once: they may depend on each other, or a call costs more than a row.
    Whole,
    /// Row by row, with a plan for one row. A convolution fills its panels with the places of one image; more images only leave
    /// the processor's cache.
    RowByRow,
    /// All rows at once but for the last ones, if they are at most this many above a multiple of eight.
    Panels { rows_alone: u64 },
}

impl Batching {
    /// What suits a model with independent rows.
    pub(crate) fn of(model: &TypedModel, weights_bytes: u64) -> Self {
        if model.nodes.iter().any(|node| node.op.is::<Conv>()) {
            return Self::RowByRow;
        }
        let enough = ROWS_ALONE.iter().find(|(bytes, _)| weights_bytes >= *bytes);
        enough.map_or(Self::Whole, |&(_, rows_alone)| Self::Panels { rows_alone })
    }

    /// The sizes of the runs for `n_rows`, in order.
    pub(crate) fn runs(self, n_rows: u64) -> impl Iterator<Item = u64> {
        let n_alone = match self {
            Self::Whole => 0,
            Self::RowByRow => n_rows,
            Self::Panels { rows_alone } if n_rows % PANEL <= rows_alone => n_rows % PANEL,
            Self::Panels { .. } => 0,
        };
        let together = n_rows - n_alone;
        let first = (together > 0 || n_rows == 0).then_some(together);
        first.into_iter().chain(iter::repeat_n(1, usize::try_from(n_alone).unwrap_or(usize::MAX)))
    }
}
