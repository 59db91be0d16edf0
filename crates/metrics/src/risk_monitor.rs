//! Whether a bounded loss has risen above what was promised, looked at as often as one likes. Not what the loss is, and not which rows
//! have labels.
//!
//! Two monitors share the threshold ([`Reference`], [`error_rate_threshold`]) and the promise, that a model which stays at or below it
//! ever alarms with probability `test_level` at most: [`RiskMonitor`] is that of MAPIE, to the number, and judges the mean of the whole
//! stream; [`MixtureMonitor`] is for use, as it also judges what came after each of a few restarts and so sees a change late in a stream.

use serde::{Deserialize, Serialize};

mod boundary;
mod losses;
mod mixture;
mod reference;
mod sequence;

pub use losses::LossCounts;
pub use mixture::{MixtureMonitor, MixtureSettings};
pub use reference::{Reference, Tolerance, error_rate_threshold};
pub use sequence::{BoundSettings, MeanSequence};

use crate::sequential::SettingError;

/// What a monitor cannot be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RiskError {
    /// A loss out of range.
    #[error("a loss must be between 0 and 1, found {found}")]
    Loss {
        /// The loss.
        found: f64,
    },
    /// More errors than answers.
    #[error("of {n} answers at most {n} can be wrong, found {n_errors}")]
    Errors {
        /// How many are wrong.
        n_errors: u64,
        /// How many there are.
        n: u64,
    },
    /// A reference without rows.
    #[error("a reference must have at least 1 loss, found none")]
    Empty,
    /// A setting out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A monitor of constant size that alarms when the lower confidence bound of the stream's mean loss exceeds a threshold.
///
/// Agrees with `RiskMonitoring` of MAPIE 1.5, which keeps the whole history. Half of the test's level is spent on the reference, and
/// half of the rest, as there, on the side that is not looked at.
///
/// Source: A. Podkopaev, A. Ramdas, "Tracking the Risk of a Deployed Model and Detecting Harmful Distribution Shifts", ICLR 2022.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskMonitor {
    threshold: f64,
    sequence: MeanSequence,
    alarmed_at: Option<u64>,
}

impl RiskMonitor {
    /// A monitor that alarms above `threshold`, made by [`Reference::threshold`] or [`error_rate_threshold`] at the same `test_level`.
    ///
    /// # Errors
    /// [`SettingError`] if the threshold is not finite or the level not between 0 and 1.
    pub fn new(threshold: f64, test_level: f64) -> Result<Self, SettingError> {
        Self::tightest_at(threshold, test_level, 1.0)
    }

    /// A monitor whose bound is tightest about an intrinsic time: rows times variance of the loss. MAPIE's is 1.
    ///
    /// # Errors
    /// [`SettingError`] if the threshold is not finite, the level not between 0 and 1 or the time not above 0.
    pub fn tightest_at(threshold: f64, test_level: f64, v_opt: f64) -> Result<Self, SettingError> {
        SettingError::check_finite("threshold", threshold)?;
        SettingError::check_level("test_level", test_level)?;
        let sequence = MeanSequence::new(BoundSettings { level: test_level / 2.0, v_opt })?;
        Ok(Self { threshold, sequence, alarmed_at: None })
    }

    /// Adds a loss; whether the monitor has alarmed, now or before.
    ///
    /// # Errors
    /// [`RiskError::Loss`] if it is not between 0 and 1; nothing is added then.
    pub fn update(&mut self, loss: f64) -> Result<bool, RiskError> {
        self.sequence.update(loss)?;
        Ok(self.judge())
    }

    /// Adds a batch of losses, in whatever order they were counted, and looks once; whether the monitor has alarmed, now or before.
    pub fn update_batch(&mut self, losses: &LossCounts) -> bool {
        self.sequence.update_batch(losses);
        self.judge()
    }

    fn judge(&mut self) -> bool {
        if self.alarmed_at.is_none() && self.sequence.n() > 0 && self.lower_bound() > self.threshold {
            self.alarmed_at = Some(self.sequence.n());
        }
        self.alarmed_at.is_some()
    }

    /// What the risk was at least, by all looks so far.
    #[must_use]
    pub const fn lower_bound(&self) -> f64 {
        self.sequence.bounds().lower
    }

    /// The risk above which the monitor alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// How many losses there were at the first alarm; none if there was no alarm.
    #[must_use]
    pub const fn alarmed_at(&self) -> Option<u64> {
        self.alarmed_at
    }

    /// The stream's mean with its bounds. The monitor looks at the lower only.
    #[must_use]
    pub const fn sequence(&self) -> &MeanSequence {
        &self.sequence
    }
}
