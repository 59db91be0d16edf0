//! A monitor of a mean loss that needs only the number and the sum of losses. Not an estimate of the loss.

use serde::{Deserialize, Serialize};

use super::{LossCounts, RiskError};
use crate::sequential::{
    SettingError,
    evidence::Evidence,
    restarts::{Restarts, log_sum},
};

/// The promise and the pace of a [`MixtureMonitor`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixtureSettings {
    /// The probability of ever alarming falsely, half of which is spent on the reference. Between 0 and 1.
    pub test_level: f64,
    /// The test begins anew, beside its earlier beginnings, after so many losses.
    pub restart_every: u64,
}

impl Default for MixtureSettings {
    fn default() -> Self {
        Self { test_level: 0.05, restart_every: 100 }
    }
}

/// An e-process of the hypothesis that each loss, given the past, has a mean of `threshold` at most.
///
/// For a rate `p` above the threshold `θ`, `(p/θ)^Σx ((1-p)/(1-θ))^(n-Σx)` is a nonnegative supermartingale for any losses `x` between 0
/// and 1, as the factor is convex in `x`. The monitor mixes rates `θ + (1-θ)/2^j`, and starts within the stream. As only counts enter, a
/// batch may be counted in any order and merged from any parts.
///
/// Source: S. R. Howard et al., "Time-Uniform Chernoff Bounds via Nonnegative Supermartingales", 2020 (the sub-Bernoulli case), and J. Ville,
/// 1939: the chance that it ever reaches `1/α` is at most `α`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixtureMonitor {
    settings: MixtureSettings,
    threshold: f64,
    totals: LossCounts,
    restarts: Restarts<Total>,
    evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Total {
    n: u64,
    sum: f64,
}

/// Rates above the threshold that are mixed: from half of what is left above it down to a 1024th.
const N_RATES: i32 = 10;

impl MixtureMonitor {
    /// A monitor that alarms above `threshold`, made by [`super::Reference::threshold`] or [`super::error_rate_threshold`] at the same
    /// `test_level`.
    ///
    /// # Errors
    /// [`SettingError`] if the threshold or the level is not between 0 and 1, or it never restarts.
    pub fn new(threshold: f64, settings: MixtureSettings) -> Result<Self, SettingError> {
        SettingError::check_level("threshold", threshold)?;
        SettingError::check_level("test_level", settings.test_level)?;
        let error = SettingError { setting: "restart_every", expected: "at least 1", found: 0.0 };
        SettingError::check(settings.restart_every > 0, error)?;
        Ok(Self {
            settings,
            threshold,
            totals: LossCounts::default(),
            restarts: Restarts::new(Total { n: 0, sum: 0.0 }),
            evidence: Evidence::default(),
        })
    }

    /// Adds a loss and looks; whether the monitor has alarmed, now or before.
    ///
    /// # Errors
    /// [`RiskError::Loss`] if it is not between 0 and 1; nothing is added then.
    pub fn update(&mut self, loss: f64) -> Result<bool, RiskError> {
        self.totals.add(loss)?;
        Ok(self.look())
    }

    /// Adds a batch of losses, in whatever order they were counted, and looks once; whether the monitor has alarmed, now or before.
    pub fn update_batch(&mut self, losses: &LossCounts) -> bool {
        self.totals.merge(losses);
        self.look()
    }

    fn look(&mut self) -> bool {
        let now = Total { n: self.totals.n(), sum: self.totals.sum() };
        let has_alarmed = self.evidence.look(self.log_e_value_at(now), now.n, self.settings.test_level);
        if self.restarts.newest().is_none_or(|newest| now.n - newest.n >= self.settings.restart_every) {
            self.restarts.restart(now);
        }
        has_alarmed
    }

    fn log_e_value_at(&self, now: Total) -> f64 {
        let factors: Vec<_> =
            (1..=N_RATES).map(|halvings| LogFactors::new(halvings, self.threshold)).collect();
        let log_n_rates = libm::log(f64::from(N_RATES));
        self.restarts.log_mixture(|start| {
            let n = now.n.saturating_sub(start.n) as f64;
            let lost = (now.sum - start.sum).clamp(0.0, n);
            let terms =
                factors.iter().map(|factor| lost * factor.lost + (n - lost) * factor.kept - log_n_rates);
            log_sum(&terms.collect::<Vec<_>>())
        })
    }

    /// The logarithm of the present e-value; the monitor alarms at `ln(2/test_level)`.
    #[must_use]
    pub const fn log_e_value(&self) -> f64 {
        self.evidence.log_e_value()
    }

    /// The largest log e-value of all looks: `exp` of its negative is an anytime-valid p-value.
    #[must_use]
    pub const fn max_log_e_value(&self) -> f64 {
        self.evidence.max_log_e_value()
    }

    /// The risk above which the monitor alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// How many losses there were at the first alarm; none if there was no alarm.
    #[must_use]
    pub const fn alarmed_at(&self) -> Option<u64> {
        self.evidence.alarmed_at()
    }

    /// All losses so far.
    #[must_use]
    pub const fn losses(&self) -> &LossCounts {
        &self.totals
    }
}

/// The logarithms of what a loss of 1 and a loss of 0 multiply a rate's likelihood ratio by.
#[derive(Clone, Copy)]
struct LogFactors {
    lost: f64,
    kept: f64,
}

impl LogFactors {
    fn new(halvings: i32, threshold: f64) -> Self {
        let rest = 1.0 - libm::ldexp(1.0, -halvings);
        let rate = 1.0 - (1.0 - threshold) * rest;
        Self { lost: libm::log(rate / threshold), kept: libm::log(rest) }
    }
}
