//! Metrics of the order of scores: areas under the ROC curve and the precision-recall curve, exact and from histograms.
//!
//! Only the order counts: scores need not be probabilities, except where a histogram bins them. Scores that are equal are tied, and a
//! tie is never broken by the order in which rows come.

mod exact;
mod groups;
mod histogram;
mod one_vs_rest;

pub use exact::{average_precision, roc_auc};
pub use histogram::{BoundedEstimate, HistogramError, MAX_SCORE_BINS, ScoreHistogram};
pub use one_vs_rest::{ClassHistograms, ClassScores, OneVsRest};

/// What cannot be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RankingError {
    /// Rows without a label, or the reverse.
    #[error("expected as many labels as rows of scores, found {rows} rows and {labels} labels")]
    Length {
        /// How many rows of scores there are.
        rows: usize,
        /// How many labels.
        labels: usize,
    },
    /// A score that is no number.
    #[error("expected a number as score {index}, found NaN")]
    NotANumber {
        /// Its place among the scores.
        index: usize,
    },
    /// Too few classes, or scores that make no whole rows.
    #[error("expected rows of at least two scores, found {scores} scores for {n_classes} classes")]
    RowLength {
        /// How many classes there are.
        n_classes: usize,
        /// How many scores.
        scores: usize,
    },
    /// A true class that has no score.
    #[error("expected a class below {n_classes}, found {found}")]
    Class {
        /// How many classes there are.
        n_classes: usize,
        /// The class.
        found: usize,
    },
}
