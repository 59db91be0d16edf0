//! Page-Hinkley: an alarm when the distances from the running mean add up. Not a test of a level: what it promises depends on the data's
//! scale, which `delta` and `threshold` are in.
//!
//! Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954; with forgetting and in the order of arithmetic of River 0.26.1,
//! with which it agrees by index of detection.

use serde::{Deserialize, Serialize};

use super::{SettingError, mean::Mean};

/// Which changes of the mean are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Increases.
    Up,
    /// Decreases.
    Down,
    /// Either.
    #[default]
    Both,
}

/// How readily the detector alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkleySettings {
    /// No alarm before so many values.
    pub min_instances: u64,
    /// The change of the mean that is tolerated, in units of the values.
    pub delta: f64,
    /// The sum of distances that makes an alarm, in units of the values.
    pub threshold: f64,
    /// What the sum keeps of itself with each value: 1 keeps all.
    pub alpha: f64,
    /// Which changes are looked for.
    pub direction: Direction,
}

impl Default for PageHinkleySettings {
    fn default() -> Self {
        Self {
            min_instances: 30,
            delta: 0.005,
            threshold: 50.0,
            alpha: 1.0 - 0.0001,
            direction: Direction::Both,
        }
    }
}

/// The detector, of constant size. Values that are not finite are counted and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    sums: Sums,
    is_drift: bool,
    n_not_finite: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sums {
    mean: Mean,
    increase: f64,
    decrease: f64,
    /// Absent before the first value.
    min_increase: Option<f64>,
    max_decrease: f64,
}

/// The largest decrease starts at -1, as River's does.
const SUMS: Sums = Sums {
    mean: Mean { n: 0, value: 0.0 },
    increase: 0.0,
    decrease: 0.0,
    min_increase: None,
    max_decrease: -1.0,
};

impl PageHinkley {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`SettingError`] if a setting is not finite.
    pub fn new(settings: PageHinkleySettings) -> Result<Self, SettingError> {
        SettingError::check_finite("delta", settings.delta)?;
        SettingError::check_finite("threshold", settings.threshold)?;
        SettingError::check_finite("alpha", settings.alpha)?;
        Ok(Self { settings, sums: SUMS, is_drift: false, n_not_finite: 0 })
    }

    /// Adds a value, and says whether the mean has changed.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            self.n_not_finite += 1;
            return false;
        }
        if self.is_drift {
            self.sums = SUMS;
        }
        self.sums.add(value, &self.settings);
        self.is_drift = self.sums.mean.n >= self.settings.min_instances && self.sums.exceed(&self.settings);
        self.is_drift
    }

    /// The mean of the values since the last alarm.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.sums.mean.value
    }

    /// The sums of distances above and below the mean, forgetting and tolerance applied.
    #[must_use]
    pub const fn sums(&self) -> (f64, f64) {
        (self.sums.increase, self.sums.decrease)
    }

    /// How many values were left out because they are infinite or none.
    #[must_use]
    pub const fn n_not_finite(&self) -> u64 {
        self.n_not_finite
    }
}

impl Sums {
    fn add(&mut self, value: f64, settings: &PageHinkleySettings) {
        self.mean.add(value);
        let distance = value - self.mean.value;
        self.increase = settings.alpha * self.increase + distance - settings.delta;
        self.decrease = settings.alpha * self.decrease + distance + settings.delta;
        self.min_increase = Some(self.min_increase.map_or(self.increase, |min| min.min(self.increase)));
        self.max_decrease = self.max_decrease.max(self.decrease);
    }

    fn exceed(&self, settings: &PageHinkleySettings) -> bool {
        let is_up = self.increase - self.min_increase.unwrap_or(self.increase) > settings.threshold;
        let is_down = self.max_decrease - self.decrease > settings.threshold;
        match settings.direction {
            Direction::Up => is_up,
            Direction::Down => is_down,
            Direction::Both => is_up || is_down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_not_finite_are_refused() {
        let settings = PageHinkleySettings { threshold: f64::INFINITY, ..PageHinkleySettings::default() };
        assert_eq!(PageHinkley::new(settings).unwrap_err().setting, "threshold");
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let mut page_hinkley = PageHinkley::new(PageHinkleySettings::default()).unwrap();
        for value in [1.0, f64::NAN, f64::INFINITY] {
            assert!(!page_hinkley.update(value));
        }
        assert_eq!((page_hinkley.mean().to_bits(), page_hinkley.n_not_finite()), (1.0_f64.to_bits(), 2));
    }
}
