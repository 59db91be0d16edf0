//! DDM: an alarm when the error rate rises some standard deviations above its lowest. Not for losses that are not errors.
//!
//! Source: J. Gama, P. Medas, G. Castillo, P. Rodrigues, "Learning with Drift Detection", SBIA 2004, in the order of arithmetic of River
//! 0.26.1, with which it agrees by index of warning and detection.

use serde::{Deserialize, Serialize};

use super::{SettingError, Signal, mean::Mean};

/// How readily the detector alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DdmSettings {
    /// No signal within so many values.
    pub warm_start: u64,
    /// Standard deviations above the lowest rate that make a warning.
    pub warning_threshold: f64,
    /// Standard deviations above the lowest rate that make an alarm.
    pub drift_threshold: f64,
}

impl Default for DdmSettings {
    fn default() -> Self {
        Self { warm_start: 30, warning_threshold: 2.0, drift_threshold: 3.0 }
    }
}

/// The detector, of constant size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    settings: DdmSettings,
    rate: Mean,
    lowest: Option<Level>,
    signal: Signal,
}

/// An error rate and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    rate: f64,
    deviation: f64,
}

impl Level {
    fn sum(self) -> f64 {
        self.rate + self.deviation
    }
}

impl Ddm {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`SettingError`] if a threshold is not finite.
    pub fn new(settings: DdmSettings) -> Result<Self, SettingError> {
        SettingError::check_finite("warning_threshold", settings.warning_threshold)?;
        SettingError::check_finite("drift_threshold", settings.drift_threshold)?;
        Ok(Self { settings, rate: Mean::default(), lowest: None, signal: Signal::Stable })
    }

    /// Adds an answer, wrong or right, and says whether the error rate has risen.
    pub fn update(&mut self, is_error: bool) -> Signal {
        if self.signal == Signal::Drift {
            (self.rate, self.lowest) = (Mean::default(), None);
        }
        self.rate.add(f64::from(u8::from(is_error)));
        self.signal = if self.rate.n > self.settings.warm_start { self.judge() } else { Signal::Stable };
        self.signal
    }

    fn judge(&mut self) -> Signal {
        let level = self.level();
        let lowest = self.lowest.filter(|lowest| level.sum() > lowest.sum()).unwrap_or(level);
        self.lowest = Some(lowest);
        let exceeds = |threshold: f64| level.sum() > lowest.rate + threshold * lowest.deviation;
        if exceeds(self.settings.drift_threshold) {
            Signal::Drift
        } else if exceeds(self.settings.warning_threshold) {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }

    fn level(&self) -> Level {
        let rate = self.rate.value;
        Level { rate, deviation: (rate * (1.0 - rate) / self.rate.n as f64).sqrt() }
    }

    /// The error rate since the last alarm.
    #[must_use]
    pub const fn error_rate(&self) -> f64 {
        self.rate.value
    }
}
