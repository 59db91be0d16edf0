//! Metrics of predicted probabilities: log loss, Brier score, calibration error, reliability curve.
//!
//! They judge probabilities as they come: nothing is normalised, and nothing that is no probability is mended.

mod reliability;
mod sums;

pub use reliability::{MAX_BINS, ReliabilityBins, ReliabilityError, ReliabilityPoint};
pub use sums::ProbabilitySums;

/// What is no prediction of probabilities.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ProbabilityError {
    /// A number that is no probability.
    #[error("expected a probability from 0 to 1, found {found}")]
    Probability {
        /// The number.
        found: f64,
    },
    /// Too few probabilities for a row.
    #[error("expected the probabilities of at least two classes, found {found}")]
    RowLength {
        /// How many there are.
        found: usize,
    },
    /// A true class that has no probability.
    #[error("expected a class below {n_classes}, found {found}")]
    Class {
        /// How many probabilities the row has.
        n_classes: usize,
        /// The class.
        found: usize,
    },
}

fn check_probability(found: f64) -> Result<(), ProbabilityError> {
    if (0.0..=1.0).contains(&found) { Ok(()) } else { Err(ProbabilityError::Probability { found }) }
}
