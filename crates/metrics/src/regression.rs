//! Metrics of predicted numbers against true ones, from sums.
//!
//! An error is predicted − true: a mean error above zero is predicting too much. Medians are not here, for they do not merge.

mod pinball;
mod r_squared;
mod sums;

pub use pinball::PinballSums;
pub use sums::RegressionSums;

/// What is no row of a regression, or does not fit the others.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RegressionError {
    /// A true value or a prediction that is infinite or no number.
    #[error("expected a finite number, found {found}")]
    NotFinite {
        /// The number.
        found: f64,
    },
    /// Sums whose true values count from different origins.
    #[error("expected sums about the origin {expected}, found {found}")]
    Origin {
        /// The origin of the sums that are added to.
        expected: f64,
        /// The origin of those that are added.
        found: f64,
    },
    /// A number that is no quantile's level.
    #[error("expected a level above 0 and below 1, found {found}")]
    Level {
        /// The number.
        found: f64,
    },
    /// Predictions that are not one for each quantile.
    #[error("expected {expected} predicted quantiles, found {found}")]
    QuantileCount {
        /// How many quantiles there are.
        expected: usize,
        /// How many predictions.
        found: usize,
    },
    /// Sums of other quantiles.
    #[error("expected sums of the same quantiles")]
    Quantiles,
}

fn check_finite(found: f64) -> Result<(), RegressionError> {
    if found.is_finite() { Ok(()) } else { Err(RegressionError::NotFinite { found }) }
}
