//! One monitor with the place that it watches and the look at which it first alarmed. Not how several of them share a level.

use metrics::{
    risk_monitor::{
        self, BoundSettings, LossCounts, MeanSequence, MixtureMonitor, MixtureSettings, error_rate_threshold,
    },
    sequential::bin_monitor::{BinMonitor, BinSettings},
};
use serde::{Deserialize, Serialize};

use super::{
    alarm::{LossReport, MonitorReport, Watched},
    at,
};
use crate::{baseline::Frame, drift::with_missing, profile::Profile, report::Tolerance, schema::Task};

/// The bounds of the loss are tightest about so many rows times the variance of the loss: a hundred rows of which one in ten is wrong.
const TIGHTEST_AT: f64 = 10.0;

/// Which of a profile's counts a monitor is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// Those of the feature at a position of the schema.
    Feature(usize),
    /// Those of what was predicted.
    Prediction,
}

/// A monitor of the bins at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct BinsWatch {
    place: Place,
    watched: Watched,
    level: f64,
    test: BinMonitor,
    since: Option<String>,
}

impl BinsWatch {
    /// A monitor against a baseline's counts; none if no drift can be told from them.
    pub(super) fn new(
        place: Place,
        watched: Watched,
        baseline: Vec<u64>,
        level: f64,
        tolerance: f64,
    ) -> Option<Self> {
        let settings = BinSettings { test_level: level, tolerance, ..BinSettings::default() };
        let test = BinMonitor::new(baseline, settings).ok()?;
        Some(Self { place, watched, level, test, since: None })
    }

    /// What a profile has counted at this place, missing values as a bin of their own; none if it has other bins.
    pub(super) fn counts(&self, frame: &Frame, profile: &Profile) -> Option<Vec<u64>> {
        let (bins, counts) = at(frame, profile, self.place)?;
        Some(with_missing(bins, counts)).filter(|counts| counts.len() == self.test.counts().len())
    }

    /// Looks at counts of as many bins as the monitor has.
    pub(super) fn look(&mut self, counts: &[u64], at: &str) {
        let has_alarmed = self.test.update(counts).unwrap_or_default();
        note(&mut self.since, has_alarmed, at);
    }

    pub(super) fn report(&self) -> MonitorReport {
        MonitorReport {
            name: self.watched.to_string(),
            watched: self.watched.clone(),
            n: self.test.counts().iter().sum(),
            log_e_value: self.test.log_e_value(),
            max_log_e_value: self.test.max_log_e_value(),
            log_threshold: log_threshold(self.level),
            test_level: self.level,
            since: self.since.clone(),
            alarmed_at: self.test.alarmed_at(),
            loss: None,
        }
    }
}

/// A monitor of how many rows are wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LossWatch {
    watched: Watched,
    level: f64,
    test: MixtureMonitor,
    sequence: MeanSequence,
    since: Option<String>,
}

impl LossWatch {
    /// A monitor against a baseline of which `n_wrong` of `n` labelled rows are wrong; none without labels, or if all are wrong that may be.
    ///
    /// The share of right rows may fall by a share of itself, as the accuracy of a report may. For a regression, the share of large errors
    /// is bounded as that of wrong rows is, although what is large was read from the same rows: by order statistics it has the same
    /// distribution.
    ///
    /// Source: S. Wilks, "Determination of Sample Sizes for Setting Tolerance Limits", 1941.
    pub(super) fn new(
        frame: &Frame,
        (n_wrong, n): (u64, u64),
        level: f64,
        tolerance: Tolerance,
    ) -> Option<Self> {
        let right = n.saturating_sub(n_wrong) as f64 / n as f64;
        let allowed = risk_monitor::Tolerance::Absolute(right * tolerance.0);
        let threshold = error_rate_threshold(n_wrong, n, allowed, level).ok()?;
        let settings = MixtureSettings { test_level: level, ..MixtureSettings::default() };
        let watched = match frame.schema.task {
            Task::Classification { .. } => Watched::Errors,
            Task::Regression => Watched::LargeErrors,
        };
        Some(Self {
            watched,
            level,
            test: MixtureMonitor::new(threshold, settings).ok()?,
            sequence: MeanSequence::new(BoundSettings { level, v_opt: TIGHTEST_AT }).ok()?,
            since: None,
        })
    }

    /// Looks at `n` more labelled rows, of which `n_wrong` are wrong.
    pub(super) fn look(&mut self, (n_wrong, n): (u64, u64), at: &str) {
        // A confusion matrix has no more wrong rows than rows, nor have counted errors more large ones.
        let Ok(losses) = LossCounts::of_errors(n_wrong, n) else { return };
        let has_alarmed = self.test.update_batch(&losses);
        self.sequence.update_batch(&losses);
        note(&mut self.since, has_alarmed, at);
    }

    pub(super) fn report(&self) -> MonitorReport {
        MonitorReport {
            name: self.watched.to_string(),
            watched: self.watched.clone(),
            n: self.test.losses().n(),
            log_e_value: self.test.log_e_value(),
            max_log_e_value: self.test.max_log_e_value(),
            log_threshold: log_threshold(self.level),
            test_level: self.level,
            since: self.since.clone(),
            alarmed_at: self.test.alarmed_at(),
            loss: Some(LossReport {
                mean: self.sequence.mean(),
                bounds: self.sequence.bounds(),
                threshold: self.test.threshold(),
            }),
        }
    }
}

/// Remembers the first look that alarms.
fn note(since: &mut Option<String>, has_alarmed: bool, at: &str) {
    if has_alarmed && since.is_none() {
        *since = Some(at.to_owned());
    }
}

/// The logarithm of the e-value at which a monitor alarms: half of its level is spent on the baseline.
fn log_threshold(level: f64) -> f64 {
    libm::log(2.0 / level)
}
