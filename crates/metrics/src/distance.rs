//! Distances between two distributions. No thresholds and no bins of their own: what a tool makes of a distance is in [`crate::dialect`].

mod binned;
mod samples;

pub use binned::{
    LogBase, chi_square, floored, hellinger, jensen_shannon, jensen_shannon_divergence, kl_divergence,
    l_infinity, laplace_smoothed, psi, shares, total_variation, wasserstein_of_bins,
};
pub use samples::{energy, wasserstein, wasserstein_normed};

/// Why two distributions have no distance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The distributions have different bins.
    #[error("expected as many bins in both distributions, found {reference} and {current}")]
    Bins {
        /// Bins of the reference.
        reference: usize,
        /// Bins of the current distribution.
        current: usize,
    },
    /// A bin that holds less than nothing, or no finite amount.
    #[error("expected finite shares of at least zero, found {found}")]
    Share {
        /// The bin's content.
        found: f64,
    },
    /// No mass in any bin, or no values.
    #[error("expected a distribution of something, found nothing")]
    Empty,
    /// A value that has no place among numbers.
    #[error("expected finite values, found {found}")]
    NotFinite {
        /// The value.
        found: f64,
    },
}
