//! EDDM: an alarm when errors follow each other more closely than they used to. Not for losses that are not errors.
//!
//! Source: M. Baena-García et al., "Early Drift Detection Method", 2006, in the order of arithmetic of River 0.26.1, with which it agrees by
//! index of warning and detection.

use serde::{Deserialize, Serialize};

use super::{SettingError, Signal, mean::Variance};

/// How readily the detector alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EddmSettings {
    /// No signal within so many errors.
    pub warm_start: u64,
    /// The share of the largest distance of errors below which there is a warning; at least `beta`.
    pub alpha: f64,
    /// The share of the largest distance of errors below which there is an alarm.
    pub beta: f64,
}

impl Default for EddmSettings {
    fn default() -> Self {
        Self { warm_start: 30, alpha: 0.95, beta: 0.9 }
    }
}

/// The detector, of constant size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eddm {
    settings: EddmSettings,
    errors: Errors,
    signal: Signal,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Errors {
    n_values: u64,
    last_error: u64,
    distances: Variance,
    /// The mean distance and two standard deviations, at their largest.
    largest: Option<f64>,
}

impl Eddm {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`SettingError`] if a share is not finite or `alpha` is less than `beta`.
    pub fn new(settings: EddmSettings) -> Result<Self, SettingError> {
        SettingError::check_finite("beta", settings.beta)?;
        SettingError::check_finite("alpha", settings.alpha)?;
        let error = SettingError { setting: "alpha", expected: "at least beta", found: settings.alpha };
        SettingError::check(settings.alpha >= settings.beta, error)?;
        Ok(Self { settings, errors: Errors::default(), signal: Signal::Stable })
    }

    /// Adds an answer, wrong or right, and says whether errors have drawn closer.
    pub fn update(&mut self, is_error: bool) -> Signal {
        if self.signal == Signal::Drift {
            (self.errors, self.signal) = (Errors::default(), Signal::Stable);
        }
        self.errors.n_values += 1;
        if is_error {
            self.signal = self.errors.add(&self.settings).unwrap_or(self.signal);
        }
        self.signal
    }

    /// The mean number of values from one error to the next since the last alarm.
    #[must_use]
    pub const fn mean_distance(&self) -> f64 {
        self.errors.distances.mean.value
    }
}

impl Errors {
    /// Adds the present value as an error; the new signal, if it is one to judge by.
    fn add(&mut self, settings: &EddmSettings) -> Option<Signal> {
        self.distances.add((self.n_values - self.last_error) as f64);
        self.last_error = self.n_values;
        if self.n_values <= settings.warm_start {
            return None;
        }
        let distance = self.distances.mean.value + 2.0 * self.distances.value().sqrt();
        let Some(largest) = self.largest.filter(|&largest| distance <= largest) else {
            self.largest = Some(distance);
            return None;
        };
        (self.distances.mean.n > settings.warm_start).then(|| judged(distance / largest, settings))
    }
}

fn judged(share: f64, settings: &EddmSettings) -> Signal {
    if share < settings.beta {
        Signal::Drift
    } else if share < settings.alpha {
        Signal::Warning
    } else {
        Signal::Stable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_after_the_alarm_is_refused() {
        let settings = EddmSettings { alpha: 0.8, ..EddmSettings::default() };
        assert_eq!(Eddm::new(settings).unwrap_err().setting, "alpha");
    }
}
