//! HDDM-W: an alarm when the weighted mean since a cut exceeds that before it by `McDiarmid`'s bound. Not valid for ever: its bounds hold at
//! each single look.
//!
//! Source: I. Frías-Blanco et al., "Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", TKDE 27(3), 2015 (test
//! of weighted averages), in the order of arithmetic of River 0.26.1, with which it agrees by index of warning and detection.

use serde::{Deserialize, Serialize};

use super::{SettingError, Signal};

/// How readily the detector alarms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmWSettings {
    /// The level of an alarm, between 0 and 1.
    pub drift_confidence: f64,
    /// The level of a warning, between 0 and 1.
    pub warning_confidence: f64,
    /// The weight of the newest value, between 0 and 1.
    pub lambda: f64,
    /// Whether a falling mean alarms too.
    pub two_sided: bool,
}

impl Default for HddmWSettings {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, lambda: 0.05, two_sided: false }
    }
}

/// The detector of a mean of values between 0 and 1, of constant size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmW {
    settings: HddmWSettings,
    all: Weighted,
    rising: Cut,
    falling: Cut,
    signal: Signal,
}

/// An exponentially weighted mean and the sum of its squared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Weighted {
    /// Absent before the first value.
    mean: Option<f64>,
    squares: f64,
}

const NOTHING: Weighted = Weighted { mean: None, squares: 1.0 };

/// The means before and after the value at which the mean was most extreme.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cut {
    /// Absent before the first value.
    bound: Option<f64>,
    before: Weighted,
    after: Weighted,
}

const NO_CUT: Cut = Cut { bound: None, before: NOTHING, after: NOTHING };

impl HddmW {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`SettingError`] if a confidence or the weight is out of its range.
    pub fn new(settings: HddmWSettings) -> Result<Self, SettingError> {
        SettingError::check_level("drift_confidence", settings.drift_confidence)?;
        SettingError::check_level("warning_confidence", settings.warning_confidence)?;
        SettingError::check_level("lambda", settings.lambda)?;
        Ok(Self { settings, all: NOTHING, rising: NO_CUT, falling: NO_CUT, signal: Signal::Stable })
    }

    /// Adds an answer, wrong or right, and says whether the error rate has changed.
    pub fn update(&mut self, is_error: bool) -> Signal {
        if self.signal == Signal::Drift {
            (self.all, self.rising, self.falling) = (NOTHING, NO_CUT, NO_CUT);
        }
        let value = f64::from(u8::from(is_error));
        self.all.add(value, self.settings.lambda);
        self.move_cuts(value);
        self.signal = self.judge();
        self.signal
    }

    fn move_cuts(&mut self, value: f64) {
        let Some(mean) = self.all.mean else { return };
        let spread = spread(self.all.squares, self.settings.drift_confidence);
        let (upper, lower) = (mean + spread, mean - spread);
        let is_lowest = self.rising.bound.is_none_or(|bound| upper < bound);
        let is_highest = self.falling.bound.is_none_or(|bound| lower > bound);
        self.rising.step(is_lowest.then_some(upper), self.all, (value, self.settings.lambda));
        self.falling.step(is_highest.then_some(lower), self.all, (value, self.settings.lambda));
    }

    fn judge(&self) -> Signal {
        let changes = |confidence| {
            let is_falling =
                self.settings.two_sided && exceeds(self.falling.before, self.falling.after, confidence);
            exceeds(self.rising.after, self.rising.before, confidence) || is_falling
        };
        if changes(self.settings.drift_confidence) {
            Signal::Drift
        } else if changes(self.settings.warning_confidence) {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }

    /// The weighted error rate since the last alarm; 0 before any value.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        self.all.mean.unwrap_or_default()
    }
}

impl Weighted {
    fn add(&mut self, value: f64, lambda: f64) {
        self.mean = Some(self.mean.map_or(value, |mean| lambda * value + (1.0 - lambda) * mean));
        self.squares = lambda * lambda + (1.0 - lambda) * (1.0 - lambda) * self.squares;
    }
}

impl Cut {
    /// Moves the cut to here if there is a new bound, else adds the value, with its weight, to what came after.
    fn step(&mut self, bound: Option<f64>, all: Weighted, (value, lambda): (f64, f64)) {
        if bound.is_some() {
            *self = Self { bound, before: all, after: NOTHING };
        } else {
            self.after.add(value, lambda);
        }
    }
}

fn spread(squares: f64, confidence: f64) -> f64 {
    (squares * libm::log(1.0 / confidence) / 2.0).sqrt()
}

/// Whether one weighted mean exceeds another by more than chance allows.
fn exceeds(larger: Weighted, smaller: Weighted, confidence: f64) -> bool {
    let (Some(larger_mean), Some(smaller_mean)) = (larger.mean, smaller.mean) else { return false };
    larger_mean - smaller_mean > spread(smaller.squares + larger.squares, confidence)
}
