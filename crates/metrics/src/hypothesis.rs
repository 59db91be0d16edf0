//! Tests of whether two samples have one distribution, and what many tests together mean. Thresholds are the caller's.

mod binomial;
mod chi_square;
mod durbin;
mod kolmogorov;
mod lattice;
mod multiple;
mod pelz_good;
mod proportions;
mod psi_noise;
mod smirnov;
mod two_sample;

pub use binomial::{allowed_errors, binomial_cdf, hoeffding_bentkus, needed_trials, predictive_cdf};
pub use chi_square::{chi_square_survival, chi2_contingency, chisquare};
pub use kolmogorov::kolmogorov_survival;
pub use multiple::{benjamini_hochberg, bonferroni, fixed_sequence, holm};
pub use proportions::two_proportions;
pub use psi_noise::{psi_noise_floor, psi_p_value};
pub use two_sample::{KsMethod, ks_2samp, ks_of_bins};

/// A statistic, and how likely one at least as extreme is if both samples have one distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The statistic.
    pub statistic: f64,
    /// Its p-value.
    pub p_value: f64,
}

/// Why there is no test.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A sample of nothing.
    #[error("expected values in both samples, found {reference} and {current}")]
    Empty {
        /// Values of the reference.
        reference: u64,
        /// Values of the current sample.
        current: u64,
    },
    /// A value that has no order.
    #[error("expected numbers, found NaN")]
    NotANumber,
    /// The samples have different bins, or too few.
    #[error("expected two samples of as many bins, {expected} or more, found {reference} and {current}")]
    Bins {
        /// The fewest bins.
        expected: usize,
        /// Bins of the reference.
        reference: usize,
        /// Bins of the current sample.
        current: usize,
    },
    /// A frequency that is none.
    #[error("expected finite frequencies of at least zero, found {found}")]
    Frequency {
        /// The frequency.
        found: f64,
    },
    /// A category that neither sample has.
    #[error("expected a count in each category, found none in category {category}")]
    EmptyCategory {
        /// The category's index.
        category: usize,
    },
    /// As much must be expected as was observed.
    #[error("expected frequencies that add up to {observed}, found {expected}")]
    Totals {
        /// The sum of the observed frequencies.
        observed: f64,
        /// The sum of the expected ones.
        expected: f64,
    },
    /// A probability that is none.
    #[error("expected a probability from 0 to 1, found {found}")]
    Probability {
        /// The number.
        found: f64,
    },
}

/// Checks probabilities.
fn check_probabilities(probabilities: &[f64]) -> Result<(), Error> {
    match probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(&found) => Err(Error::Probability { found }),
        None => Ok(()),
    }
}
