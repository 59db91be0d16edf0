//! Whether a feature's values have left the bins they fell into when the baseline was taken, looked at as often as one likes. Not a
//! distance, and not how values are put into bins.

use serde::{Deserialize, Serialize};

use super::{
    SettingError,
    evidence::Evidence,
    restarts::{Restarts, log_sum},
};

mod region;

use region::Region;

/// The promise, the pace and the tolerance of a [`BinMonitor`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinSettings {
    /// The probability of ever alarming falsely, half of which is spent on the baseline. Between 0 and 1.
    pub test_level: f64,
    /// A divergence of the baseline from the stream that is no drift, in nats; a PSI is about twice as much. Not negative.
    pub tolerance: f64,
    /// The test begins anew, beside its earlier beginnings, after so many values.
    pub restart_every: u64,
}

impl Default for BinSettings {
    fn default() -> Self {
        Self { test_level: 0.05, tolerance: 0.0, restart_every: 100 }
    }
}

/// What a monitor of bins cannot be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BinError {
    /// A baseline that no drift can be told from.
    #[error("a baseline must have at least 2 bins and 1 value, found {n_bins} bins and {n} values")]
    Baseline {
        /// How many bins there are.
        n_bins: usize,
        /// How many values are in them.
        n: u64,
    },
    /// Counts of other bins than the baseline's.
    #[error("counts must be of the baseline's {expected} bins, found {found}")]
    Bins {
        /// How many bins the baseline has.
        expected: usize,
        /// How many counts there are.
        found: usize,
    },
    /// A setting out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// An e-process of the hypothesis that a stream's values fall into bins with shares that the baseline does not exclude.
///
/// The baseline excludes shares `p` with `KL(baseline ‖ p) > radius + tolerance`; it excludes the true ones with probability
/// `test_level / 2` at most, for as few values as one has. The e-value of counts `c` is a mixture of Dirichlet-multinomial likelihoods
/// about the baseline, over the largest likelihood `Π p^c` that is not excluded; it is mixed over starts within the stream. As only counts
/// enter, a look may be of any batch, counted in any order and merged from any parts.
///
/// Values are taken to be independent. If the bins' edges are quantiles of the baseline itself, the shares vary about the baseline's as
/// those of fixed bins do, to first order.
///
/// Source: R. Agrawal, "Finite-Sample Concentration of the Multinomial in Relative Entropy", 2020 (the radius); L. Wasserman, A. Ramdas,
/// S. Balakrishnan, "Universal Inference", 2020 (the ratio); J. Ville, 1939 (the alarm).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinMonitor {
    settings: BinSettings,
    baseline: Vec<u64>,
    totals: Vec<u64>,
    restarts: Restarts<Vec<u64>>,
    evidence: Evidence,
}

impl BinMonitor {
    /// A monitor against the counts of a baseline, by bin.
    ///
    /// # Errors
    /// [`BinError::Baseline`] or [`BinError::Setting`].
    pub fn new(baseline: Vec<u64>, settings: BinSettings) -> Result<Self, BinError> {
        SettingError::check_level("test_level", settings.test_level)?;
        let found = settings.tolerance;
        let error = SettingError { setting: "tolerance", expected: "finite and at least 0", found };
        SettingError::check(found.is_finite() && found >= 0.0, error)?;
        let error = SettingError { setting: "restart_every", expected: "at least 1", found: 0.0 };
        SettingError::check(settings.restart_every > 0, error)?;
        let n = total(&baseline);
        if baseline.len() < 2 || n == 0 {
            return Err(BinError::Baseline { n_bins: baseline.len(), n });
        }
        let totals = vec![0; baseline.len()];
        let restarts = Restarts::new(totals.clone());
        Ok(Self { settings, baseline, totals, restarts, evidence: Evidence::default() })
    }

    /// Adds the counts of a batch and looks; whether the monitor has alarmed, now or before.
    ///
    /// # Errors
    /// [`BinError::Bins`] if they are of another number of bins; nothing is added then.
    pub fn update(&mut self, counts: &[u64]) -> Result<bool, BinError> {
        if counts.len() != self.baseline.len() {
            return Err(BinError::Bins { expected: self.baseline.len(), found: counts.len() });
        }
        self.totals.iter_mut().zip(counts).for_each(|(total, count)| *total = total.saturating_add(*count));
        Ok(self.look())
    }

    fn look(&mut self) -> bool {
        let region = Region::new(&self.baseline, self.settings.test_level / 2.0, self.settings.tolerance);
        let log_e_value = self.restarts.log_mixture(|start| region.log_e_value(&since(start, &self.totals)));
        let n = total(&self.totals);
        let has_alarmed = self.evidence.look(log_e_value, n, self.settings.test_level);
        let n_newest = self.restarts.newest().map_or(0, |newest| total(newest));
        if n.saturating_sub(n_newest) >= self.settings.restart_every {
            self.restarts.restart(self.totals.clone());
        }
        has_alarmed
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

    /// How many values there were at the first alarm; none if there was no alarm.
    #[must_use]
    pub const fn alarmed_at(&self) -> Option<u64> {
        self.evidence.alarmed_at()
    }

    /// The counts of all values so far, by bin.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.totals
    }

    /// The divergence of the baseline from the stream, in nats, above which the baseline excludes the stream's shares.
    #[must_use]
    pub fn radius(&self) -> f64 {
        Region::new(&self.baseline, self.settings.test_level / 2.0, self.settings.tolerance).radius()
    }
}

fn total(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |total, &count| total.saturating_add(count))
}

fn since(start: &[u64], totals: &[u64]) -> Vec<u64> {
    totals.iter().zip(start).map(|(total, before)| total.saturating_sub(*before)).collect()
}
