//! What risk a model was released with, and above which it counts as worse. Not a test of the reference itself.

use serde::{Deserialize, Serialize};
use statrs::function::beta::inv_beta_reg;

use super::{LossCounts, RiskError};
use crate::sequential::SettingError;

/// By how much the risk may exceed the reference before it counts as worse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// By a difference.
    Absolute(f64),
    /// By a share of the reference.
    Relative(f64),
}

impl Tolerance {
    fn above(self, risk: f64) -> f64 {
        match self {
            Self::Absolute(difference) => risk + difference,
            Self::Relative(share) => risk * (1.0 + share),
        }
    }
}

/// The mean of losses between 0 and 1 over labelled data that the model was released with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    mean: f64,
    n: u64,
}

impl Reference {
    /// The reference of a mean loss over `n` rows.
    ///
    /// # Errors
    /// [`RiskError::Loss`] if the mean is not between 0 and 1, [`RiskError::Empty`] if there are no rows.
    pub fn new(mean: f64, n: u64) -> Result<Self, RiskError> {
        super::losses::check_loss(mean)?;
        if n == 0 { Err(RiskError::Empty) } else { Ok(Self { mean, n }) }
    }

    /// The reference of counted losses.
    ///
    /// # Errors
    /// [`RiskError::Empty`] if there are none.
    pub fn of_losses(losses: &LossCounts) -> Result<Self, RiskError> {
        if losses.n() == 0 {
            return Err(RiskError::Empty);
        }
        Self::new((losses.sum() / losses.n() as f64).min(1.0), losses.n())
    }

    /// What the risk exceeds with probability `level` at most, for any loss between 0 and 1.
    ///
    /// Source: W. Hoeffding, 1963: `mean + sqrt(ln(1/level) / (2 n))`.
    ///
    /// # Errors
    /// [`SettingError`] if the level is not between 0 and 1.
    pub fn hoeffding_upper(&self, level: f64) -> Result<f64, SettingError> {
        SettingError::check_level("level", level)?;
        Ok(self.mean + (libm::log(1.0 / level) / (2.0 * self.n as f64)).sqrt())
    }

    /// The threshold of a monitor, by Hoeffding's bound at half the test's level, as MAPIE sets it.
    ///
    /// # Errors
    /// [`SettingError`] if the level is not between 0 and 1.
    pub fn threshold(&self, tolerance: Tolerance, test_level: f64) -> Result<f64, SettingError> {
        Ok(tolerance.above(self.hoeffding_upper(test_level / 2.0)?))
    }
}

/// The threshold of a monitor of an error rate, by the exact binomial bound at half the test's level: closer to the reference than
/// Hoeffding's where errors are rare.
///
/// Source: C. Clopper, E. Pearson, 1934: the `1 - level` quantile of Beta(k + 1, n - k).
///
/// # Errors
/// [`RiskError::Errors`], [`RiskError::Empty`] or [`RiskError::Setting`].
pub fn error_rate_threshold(
    n_errors: u64,
    n: u64,
    tolerance: Tolerance,
    test_level: f64,
) -> Result<f64, RiskError> {
    SettingError::check_level("test_level", test_level)?;
    match n.checked_sub(n_errors) {
        _ if n == 0 => Err(RiskError::Empty),
        None => Err(RiskError::Errors { n_errors, n }),
        Some(0) => Ok(tolerance.above(1.0)),
        Some(n_right) => {
            let upper = inv_beta_reg(n_errors as f64 + 1.0, n_right as f64, 1.0 - test_level / 2.0);
            Ok(tolerance.above(upper))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_references_are_refused() {
        assert_eq!(Reference::new(0.1, 0), Err(RiskError::Empty));
        assert_eq!(Reference::of_losses(&LossCounts::default()), Err(RiskError::Empty));
        assert_eq!(Reference::new(1.5, 3), Err(RiskError::Loss { found: 1.5 }));
        assert!(Reference::new(0.5, 3).unwrap().hoeffding_upper(0.0).is_err());
        let none = Tolerance::Absolute(0.0);
        assert_eq!(error_rate_threshold(2, 1, none, 0.05), Err(RiskError::Errors { n_errors: 2, n: 1 }));
        assert_eq!(error_rate_threshold(0, 0, none, 0.05), Err(RiskError::Empty));
    }

    #[test]
    fn no_error_in_n_bounds_the_rate_in_closed_form() {
        let upper = error_rate_threshold(0, 59, Tolerance::Absolute(0.0), 0.1).unwrap();
        assert!((upper - (1.0 - libm::pow(0.05, 1.0 / 59.0))).abs() < 1e-9, "{upper}");
    }
}
