//! Monitors of a model's errors and of its data that may be looked at as often as one likes: looking more often makes no more false alarms.
//!
//! What they are given are the counters of the rows that are new since the last look; they are plain data of constant size, to be kept
//! wherever one likes. Not the windows of a report, each of which is judged on its own, and not the formulas, which are in `metrics`.
//!
//! The promise: of all models that do not change, a share of [`MonitorSettings::test_level`] at most ever alarms, over their whole lives and
//! all monitors together. The time until a false alarm is endless for all others: there is no rate of false alarms per look or per day.
//! Half of the level is spent on the loss, the other half evenly on the features and the predictions that can be watched; so it holds however
//! they depend on each other. Rows are taken to be independent of each other.

mod alarm;
mod watch;

use serde::{Deserialize, Serialize};

pub use alarm::{Alarm, LossReport, MonitorReport, Watched};
pub(crate) use alarm::{e_value, percent};

use crate::{
    baseline::{Baseline, Frame},
    bins::{Bins, FeatureCounts},
    digest,
    drift::with_missing,
    error::Error,
    profile::Profile,
    report::{Rules, Tolerance},
};
use watch::{BinsWatch, LossWatch, Place};

/// What monitors promise and what they let pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorSettings {
    /// The probability that any monitor ever alarms although nothing has changed. Between 0 and 1.
    pub test_level: f64,
    /// By which share of itself the share of right answers may fall; of a regression, that of errors that are not large.
    pub tolerance: Tolerance,
    /// How far values may move, in nats of the divergence of the baseline from them; a population stability index is about twice as much.
    pub drift_tolerance: f64,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Rules::default().into()
    }
}

impl From<Rules> for MonitorSettings {
    /// What a report lets pass at a level of 5 %.
    fn from(rules: Rules) -> Self {
        Self { test_level: 0.05, tolerance: rules.tolerance, drift_tolerance: rules.drift.min_psi / 2.0 }
    }
}

impl MonitorSettings {
    fn check(self) -> Result<(), Error> {
        let (level, drift) = (self.test_level, self.drift_tolerance);
        let fault =
            |setting, expected, found: f64| Error::Setting { setting, expected, found: found.to_string() };
        if !(level > 0.0 && level < 1.0) {
            return Err(fault("test_level", "between 0 and 1, both excluded", level));
        }
        if !(drift.is_finite() && drift >= 0.0) {
            return Err(fault("drift_tolerance", "finite and at least 0", drift));
        }
        Ok(())
    }
}

/// A monitor of the loss, if the baseline has labels, one of each feature with at least two bins, and one of the predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitors {
    /// The digest of all that they were made from.
    origin: String,
    settings: MonitorSettings,
    loss: Option<LossWatch>,
    bins: Vec<BinsWatch>,
}

impl Monitors {
    /// Monitors that have seen no row yet.
    ///
    /// # Errors
    /// [`Error::Setting`] if a setting is out of its range.
    pub fn new(baseline: &Baseline, settings: MonitorSettings) -> Result<Self, Error> {
        settings.check()?;
        let half = settings.test_level / 2.0;
        let watchable: Vec<_> =
            places(&baseline.frame).filter_map(|place| watchable(baseline, place)).collect();
        let each = half / watchable.len().max(1) as f64;
        let bins = watchable
            .into_iter()
            .filter_map(|(place, watched, counts)| {
                BinsWatch::new(place, watched, counts, each, settings.drift_tolerance)
            })
            .collect();
        let losses = baseline.profile.performance.losses();
        let loss =
            losses.and_then(|losses| LossWatch::new(&baseline.frame, losses, half, settings.tolerance));
        Ok(Self { origin: origin(baseline), settings, loss, bins })
    }

    /// Whether they were made from this baseline.
    #[must_use]
    pub fn fits(&self, baseline: &Baseline) -> bool {
        self.origin == origin(baseline)
    }

    /// Refuses to be those of another baseline.
    ///
    /// # Errors
    /// [`Error::OtherBaseline`].
    pub fn check(&self, baseline: &Baseline) -> Result<(), Error> {
        let expected = origin(baseline);
        if self.origin == expected {
            return Ok(());
        }
        Err(Error::OtherBaseline { what: "monitors", expected, found: self.origin.clone() })
    }

    /// What they promise and let pass.
    #[must_use]
    pub const fn settings(&self) -> MonitorSettings {
        self.settings
    }

    /// Looks at the rows that are new since the last look, or whose labels are: `delta` has them and no others. `at` says when or where this
    /// is, such as the beginning of a window; the first alarm of each monitor is remembered by it.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `delta` is of another frame; nothing is looked at then.
    pub fn look(&mut self, frame: &Frame, delta: &Profile, at: &str) -> Result<(), Error> {
        let counts = self.bins.iter().map(|watch| watch.counts(frame, delta));
        let counts: Vec<Vec<u64>> =
            counts.collect::<Option<_>>().ok_or(Error::Mismatch { what: "bins of features" })?;
        for (watch, counts) in self.bins.iter_mut().zip(counts) {
            watch.look(&counts, at);
        }
        if let (Some(watch), Some(losses)) = (&mut self.loss, delta.performance.losses()) {
            watch.look(losses, at);
        }
        Ok(())
    }

    /// What each monitor has seen: that of the loss first, then those of the features in their order, then that of the predictions.
    #[must_use]
    pub fn reports(&self) -> Vec<MonitorReport> {
        let loss = self.loss.iter().map(LossWatch::report);
        loss.chain(self.bins.iter().map(BinsWatch::report)).collect()
    }

    /// The monitors that have alarmed, in the same order. An alarm stays for as long as the monitors are kept.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        self.reports().iter().filter_map(MonitorReport::alarm).collect()
    }
}

/// The features in their order, then the predictions.
fn places(frame: &Frame) -> impl Iterator<Item = Place> {
    (0..frame.bins.len()).map(Place::Feature).chain([Place::Prediction])
}

/// The baseline's counts at a place, if something can be told from them.
fn watchable(baseline: &Baseline, place: Place) -> Option<(Place, Watched, Vec<u64>)> {
    let (bins, counts) = at(&baseline.frame, &baseline.profile, place)?;
    let watched = match place {
        Place::Prediction => Watched::Prediction,
        Place::Feature(idx) => Watched::Feature(baseline.frame.schema.features.get(idx)?.name.clone()),
    };
    let counted = with_missing(bins, counts);
    let is_watchable = bins.cell_names().len() >= 2 && counted.iter().any(|&count| count > 0);
    is_watchable.then_some((place, watched, counted))
}

/// The bins at a place, and what was counted in them.
fn at<'a>(frame: &'a Frame, profile: &'a Profile, place: Place) -> Option<(&'a Bins, &'a FeatureCounts)> {
    match place {
        Place::Prediction => Some((&frame.prediction_bins, &profile.predictions)),
        Place::Feature(idx) => Some((frame.bins.get(idx)?, profile.features.get(idx)?)),
    }
}

/// The digest of what monitors are made from: the frame, and the baseline's own counts over it.
fn origin(baseline: &Baseline) -> String {
    let profile = &baseline.profile;
    let (values, losses) = ((&profile.features, &profile.predictions), profile.performance.losses());
    digest::of(&(&baseline.frame, values, losses))
}
