//! HDDM-A: an alarm when the mean since a cut exceeds the mean before it by Hoeffding's bound. Not valid for ever: its bounds hold at each
//! single look.
//!
//! Source: I. Frías-Blanco et al., "Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", TKDE 27(3), 2015 (test
//! of averages), in the order of arithmetic of River 0.26.1, with which it agrees by index of warning and detection.

use serde::{Deserialize, Serialize};

use super::{SettingError, Signal, mean::Mean};

/// How readily the detector alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmASettings {
    /// The level of an alarm, between 0 and 1.
    pub drift_confidence: f64,
    /// The level of a warning, between 0 and 1.
    pub warning_confidence: f64,
    /// Whether a falling mean alarms too.
    pub two_sided: bool,
}

impl Default for HddmASettings {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, two_sided: false }
    }
}

/// The detector of a mean of values between 0 and 1, of constant size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmA {
    settings: HddmASettings,
    all: Mean,
    lowest: Mean,
    highest: Mean,
    signal: Signal,
}

impl HddmA {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`SettingError`] if a confidence is out of its range.
    pub fn new(settings: HddmASettings) -> Result<Self, SettingError> {
        SettingError::check_level("drift_confidence", settings.drift_confidence)?;
        SettingError::check_level("warning_confidence", settings.warning_confidence)?;
        let none = Mean::default();
        Ok(Self { settings, all: none, lowest: none, highest: none, signal: Signal::Stable })
    }

    /// Adds an answer, wrong or right, and says whether the error rate has changed.
    pub fn update(&mut self, is_error: bool) -> Signal {
        if self.signal == Signal::Drift {
            (self.all, self.lowest, self.highest) = (Mean::default(), Mean::default(), Mean::default());
        }
        self.all.add(f64::from(u8::from(is_error)));
        self.move_cuts();
        self.signal = self.judge();
        self.signal
    }

    fn move_cuts(&mut self) {
        let log_drift = libm::log(1.0 / self.settings.drift_confidence);
        let bound = |mean: Mean| (1.0 / (2 * mean.n) as f64 * log_drift).sqrt();
        let all_bound = bound(self.all);
        if self.lowest.n == 0 || self.lowest.value + bound(self.lowest) >= self.all.value + all_bound {
            self.lowest = self.all;
        }
        if self.highest.n == 0 || self.highest.value - bound(self.highest) <= self.all.value - all_bound {
            self.highest = self.all;
        }
    }

    fn judge(&self) -> Signal {
        let changes =
            |confidence| self.has_risen(confidence) || self.settings.two_sided && self.has_fallen(confidence);
        if changes(self.settings.drift_confidence) {
            Signal::Drift
        } else if changes(self.settings.warning_confidence) {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }

    fn has_risen(&self, confidence: f64) -> bool {
        self.spread(self.lowest, confidence)
            .is_some_and(|spread| self.all.value - self.lowest.value >= spread)
    }

    fn has_fallen(&self, confidence: f64) -> bool {
        self.spread(self.highest, confidence)
            .is_some_and(|spread| self.highest.value - self.all.value >= spread)
    }

    /// What the mean since a cut may differ by; none if nothing came since.
    fn spread(&self, cut: Mean, confidence: f64) -> Option<f64> {
        let n_since = self.all.n.checked_sub(cut.n).filter(|&n_since| n_since > 0)?;
        let rate = n_since as f64 / cut.n as f64 * (1.0 / self.all.n as f64);
        Some((rate / 2.0 * libm::log(2.0 / confidence)).sqrt())
    }

    /// The error rate since the last alarm.
    #[must_use]
    pub const fn error_rate(&self) -> f64 {
        self.all.value
    }
}
