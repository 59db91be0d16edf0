//! A mean of numbers between 0 and 1 with bounds that hold at all times at once. Not an interval for one look alone, which is narrower.

use serde::{Deserialize, Serialize};

use super::{LossCounts, RiskError, boundary::Boundary, losses::check_loss};
use crate::{Estimate, Interval, sequential::SettingError};

/// How sure the bounds are and when they are tightest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundSettings {
    /// The probability, of both sides together, that the mean ever leaves the bounds. Between 0 and 1.
    pub level: f64,
    /// The sum of squared deviations about which the bounds are tightest: rows times variance. Greater than 0.
    pub v_opt: f64,
}

impl BoundSettings {
    fn check(&self) -> Result<(), SettingError> {
        SettingError::check_level("level", self.level)?;
        let found = self.v_opt;
        let error = SettingError { setting: "v_opt", expected: "finite and greater than 0", found };
        SettingError::check(found.is_finite() && found > 0.0, error)
    }
}

/// A confidence sequence of constant size: after each value, or each batch of values, the bounds are those of all looks together.
///
/// The bounds are of the running average of the values' means, each given the past; so they need not have the same mean.
///
/// Source: Howard et al. 2021 (empirical Bernstein, gamma-exponential mixture): `mean ± u(V)/n` with `V` the sum of squared distances of
/// each value from the mean before it (1/2 before the first), at half the level on either side, tightest bounds kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanSequence {
    settings: BoundSettings,
    n: u64,
    sum: f64,
    squares: f64,
    bounds: Interval,
}

impl MeanSequence {
    /// A sequence that has seen nothing and bounds the mean by 0 and 1.
    ///
    /// # Errors
    /// [`SettingError`] if a setting is out of its range.
    pub fn new(settings: BoundSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings, n: 0, sum: 0.0, squares: 0.0, bounds: Interval { lower: 0.0, upper: 1.0 } })
    }

    /// Adds a value and looks.
    ///
    /// # Errors
    /// [`RiskError::Loss`] if it is not between 0 and 1; nothing is added then.
    pub fn update(&mut self, value: f64) -> Result<(), RiskError> {
        check_loss(value)?;
        let distance = value - self.center();
        self.look(1, value, distance * distance);
        Ok(())
    }

    /// Adds a batch of values, in whatever order they were counted, and looks once.
    ///
    /// Valid as one value at a time is, but not the same number: the batch's distances are all from the mean before it.
    pub fn update_batch(&mut self, values: &LossCounts) {
        if values.n() > 0 {
            self.look(values.n(), values.sum(), values.squares_about(self.center()));
        }
    }

    /// The mean before the next value.
    fn center(&self) -> f64 {
        self.mean().unwrap_or(0.5)
    }

    fn look(&mut self, n: u64, sum: f64, squares: f64) {
        self.n += n;
        self.sum += sum;
        self.squares += squares;
        let one_side = self.settings.level / 2.0;
        let boundary = Boundary::new(self.settings.v_opt, one_side);
        let (mean, radius) = (self.center(), boundary.at(self.squares, one_side) / self.n as f64);
        self.bounds.lower = self.bounds.lower.max(mean - radius);
        self.bounds.upper = self.bounds.upper.min(mean + radius);
    }

    /// The number of values.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The mean of the values; none before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// The bounds of all looks so far. The lower may lie above the upper if the mean has changed.
    #[must_use]
    pub const fn bounds(&self) -> Interval {
        self.bounds
    }

    /// The mean with its bounds; none before the first value.
    #[must_use]
    pub fn estimate(&self) -> Option<Estimate> {
        Some(Estimate { value: self.mean()?, interval: Some(self.bounds) })
    }
}
