//! The drift numbers of other tools, each reproduced under that tool's name: its bins, its treatment of zeros, its threshold. Not a
//! recommendation of any of them.

mod definitions;
mod evidently;
mod method;
mod nannyml;
mod outcome;
mod permutation;
mod sample;

pub use evidently::default_method as evidently_default;
pub use method::Method;
pub use nannyml::thresholds as nannyml_thresholds;
pub use outcome::{Outcome, Rule};
pub use sample::Sample;

use crate::{distance, histogram, hypothesis};

/// Why a method has nothing to say.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No method has this name.
    #[error("expected the name of a drift method, such as `evidently_psi`, found `{found}`")]
    Name {
        /// The name.
        found: String,
    },
    /// The method is not defined for such a column.
    #[error("expected two samples of {expected} for `{method}`")]
    Kind {
        /// The method.
        method: Method,
        /// What it is defined for.
        expected: &'static str,
    },
    /// Nothing is left of a sample once missing values are taken out.
    #[error("expected values in both samples, found {reference} and {current}")]
    Empty {
        /// Values of the reference.
        reference: usize,
        /// Values of the current sample.
        current: usize,
    },
    /// There are no such bins.
    #[error(transparent)]
    Histogram(#[from] histogram::Error),
    /// There is no such distance.
    #[error(transparent)]
    Distance(#[from] distance::Error),
    /// There is no such test.
    #[error(transparent)]
    Hypothesis(#[from] hypothesis::Error),
}

impl Method {
    /// Compares a current sample with a reference, as the tool does that the method is named after.
    ///
    /// # Errors
    /// [`Error::Kind`] or [`Error::Empty`]; others if the tool fails too, as NannyML does for an infinite value in the reference.
    pub fn compare(self, reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
        match self {
            Self::EvidentlyPsi
            | Self::EvidentlyJensenShannon
            | Self::EvidentlyWasserstein
            | Self::EvidentlyKs
            | Self::EvidentlyChiSquare
            | Self::EvidentlyZ
            | Self::EvidentlyHellinger
            | Self::EvidentlyKlDiv
            | Self::EvidentlyTvd
            | Self::EvidentlyEnergy => evidently::compare(self, reference, current),
            Self::NannymlJensenShannon
            | Self::NannymlHellinger
            | Self::NannymlKolmogorovSmirnov
            | Self::NannymlWasserstein
            | Self::NannymlChi2
            | Self::NannymlLInfinity => nannyml::compare(self, reference, current),
            _ => definitions::compare(self, reference, current),
        }
    }
}
