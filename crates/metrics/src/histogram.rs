//! Bin edges and counts, as NumPy makes them. Not a sketch: edges are frozen once, and counts over the same edges merge exactly.

mod categories;
mod counts;
mod edges;
mod moments;
mod rules;

pub use categories::{Categories, CategoryCounts};
pub use counts::Counts;
pub use edges::{Edges, Tails};
pub(crate) use moments::{pairwise_sum, standard_deviation};
pub use rules::{Dtype, quantile};

/// Why there are no such edges.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing to make edges of.
    #[error("expected at least one finite value, found none")]
    Empty,
    /// No bins were asked for.
    #[error("expected at least one bin, found {found}")]
    NoBins {
        /// The number of bins asked for.
        found: usize,
    },
    /// The values are so close together, or so far apart, that floating-point numbers cannot be the bins' edges.
    #[error("expected a range that {n_bins} bins can divide, found {lower} to {upper}")]
    Range {
        /// The number of bins.
        n_bins: f64,
        /// The smallest value.
        lower: f64,
        /// The largest value.
        upper: f64,
    },
    /// Too few edges.
    #[error("expected at least {expected} edges, found {found}")]
    TooFew {
        /// Two, or one if the tails are open.
        expected: usize,
        /// The number of edges.
        found: usize,
    },
    /// The edges do not ascend, or are not finite.
    #[error("expected finite edges that ascend, found {right} after {left}")]
    Order {
        /// An edge.
        left: f64,
        /// The edge that follows it.
        right: f64,
    },
}
