//! What watches a promise in production: from audited rows to the next rung of the ladder. Not the drift of features, which is
//! `evaluation`'s, and not who counts the rows.

use metrics::risk_monitor::{LossCounts, MixtureMonitor, MixtureSettings};
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    policy::{Policy, Promise},
};

/// A monitor of one ladder. It may be looked at as often as one likes: on each rung on which the promise holds it steps up with probability `level` at
/// most, however long that lasts.
///
/// Plain data: a function without memory stores one as JSON and resumes it to the bit, if the JSON is read with `serde_json`'s feature
/// `float_roundtrip`. Counts of audited rows may come from anywhere in any grouping; they add up before they are given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromiseMonitor {
    max_risk: f64,
    level: f64,
    n_rungs: usize,
    rung: usize,
    evidence: MixtureMonitor,
}

/// Audited rows of one ladder, which were accepted on one rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// The rung by which they could be accepted.
    pub rung: usize,
    /// How many there are.
    pub n: u64,
    /// In how many the edge was wrong, as the promise means it.
    pub n_wrong: u64,
}

impl PromiseMonitor {
    /// A monitor of the promise that at most `max_risk` of accepted rows are wrong, over a ladder of `n_rungs`.
    ///
    /// # Errors
    /// [`Error::Monitor`] unless the risk is between 0 and 1, and the level between 0 and 0.5.
    pub fn new(max_risk: f64, level: f64, n_rungs: usize) -> Result<Self, Error> {
        Ok(Self { max_risk, level, n_rungs, rung: 0, evidence: evidence(max_risk, level)? })
    }

    /// Adds audited rows and looks once. Rows of another rung than the present one say nothing of it and are left out. The rung afterwards, which
    /// is [`PromiseMonitor::rung`].
    ///
    /// # Errors
    /// [`Error::Monitor`] if more rows are wrong than there are; nothing is added then.
    pub fn update(&mut self, audited: Audited) -> Result<usize, Error> {
        let losses = LossCounts::of_errors(audited.n_wrong, audited.n).map_err(|error| unwatched(&error))?;
        if audited.rung == self.rung && !self.is_suspended() && self.evidence.update_batch(&losses) {
            self.evidence = evidence(self.max_risk, self.level)?;
            self.rung += 1;
        }
        Ok(self.rung)
    }

    /// How often it has stepped up the ladder: what [`Policy::decide`] is to be given.
    #[must_use]
    pub const fn rung(&self) -> usize {
        self.rung
    }

    /// Whether the ladder has ended: every row is escalated until there is a new policy.
    #[must_use]
    pub const fn is_suspended(&self) -> bool {
        self.rung >= self.n_rungs
    }

    /// How many audited rows of the present rung were looked at, and how many were wrong.
    #[must_use]
    pub fn losses(&self) -> (u64, f64) {
        (self.evidence.losses().n(), self.evidence.losses().sum())
    }

    /// The logarithm of the evidence against the promise on the present rung; it steps up at `ln(1 / level)`.
    #[must_use]
    pub const fn log_e_value(&self) -> f64 {
        self.evidence.log_e_value()
    }
}

impl Policy {
    /// A monitor for each ladder, with the name of its group, which share a `level`; none if a budget is all that is promised.
    ///
    /// # Errors
    /// [`Error::Monitor`] unless the level is between 0 and 0.5.
    pub fn monitors(&self, level: f64) -> Result<Vec<(String, PromiseMonitor)>, Error> {
        let Promise::Risk { max_risk, .. } = self.promise else { return Ok(Vec::new()) };
        let n_groups = self.thresholds.ladders().count().max(1) as f64;
        let monitor = |(name, ladder): (&str, &[_])| {
            let monitor = PromiseMonitor::new(max_risk, level / n_groups, ladder.len())?;
            Ok((name.to_owned(), monitor))
        };
        self.thresholds.ladders().map(monitor).collect()
    }
}

/// The mixture spends half of its level on a reference, and here there is none: the threshold is the promise itself.
fn evidence(max_risk: f64, level: f64) -> Result<MixtureMonitor, Error> {
    let settings = MixtureSettings { test_level: 2.0 * level, ..MixtureSettings::default() };
    MixtureMonitor::new(max_risk, settings).map_err(|error| unwatched(&error))
}

fn unwatched(error: &dyn std::fmt::Display) -> Error {
    Error::Monitor(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A linear congruential generator, so that the test is the same everywhere.
    fn coins(seed: u64, rate: f64) -> impl Iterator<Item = bool> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 / 2f64.powi(53)) < rate
        })
    }

    fn run(monitor: &mut PromiseMonitor, coins: impl Iterator<Item = bool>) -> usize {
        for is_wrong in coins {
            let rung = monitor.rung();
            monitor.update(Audited { rung, n: 1, n_wrong: u64::from(is_wrong) }).unwrap();
        }
        monitor.rung()
    }

    #[test]
    fn a_kept_promise_is_left_alone_and_a_broken_one_is_not() {
        let stepped = |rate: f64| {
            let runs = (0..100).map(|seed| {
                let mut monitor = PromiseMonitor::new(0.05, 0.05, 3).unwrap();
                run(&mut monitor, coins(seed * 7919 + 1, rate).take(1000))
            });
            runs.filter(|rung| *rung > 0).count()
        };
        assert!(stepped(0.05) <= 10);
        assert_eq!(stepped(0.2), 100);
    }

    #[test]
    fn the_ladder_ends() {
        let mut monitor = PromiseMonitor::new(0.02, 0.05, 2).unwrap();
        assert_eq!(run(&mut monitor, std::iter::repeat_n(true, 100)), 2);
        assert!(monitor.is_suspended());
    }

    #[test]
    fn rows_of_another_rung_are_left_out_and_impossible_ones_refused() {
        let mut monitor = PromiseMonitor::new(0.02, 0.05, 2).unwrap();
        assert_eq!(monitor.update(Audited { rung: 1, n: 50, n_wrong: 50 }), Ok(0));
        assert_eq!(monitor.losses().0, 0);
        assert!(matches!(monitor.update(Audited { rung: 0, n: 1, n_wrong: 2 }), Err(Error::Monitor(_))));
        assert_eq!(monitor.update(Audited { rung: 0, n: 50, n_wrong: 50 }), Ok(1));
        assert!(PromiseMonitor::new(0.02, 0.5, 2).is_err());
    }

    #[test]
    fn a_stored_monitor_goes_on_as_if_it_had_not_been() {
        let mut kept = PromiseMonitor::new(0.1, 0.01, 4).unwrap();
        run(&mut kept, coins(3, 0.3).take(17));
        let text = serde_json::to_string(&kept).unwrap();
        let mut stored: PromiseMonitor = serde_json::from_str(&text).unwrap();
        assert_eq!(run(&mut stored, coins(4, 0.3).take(200)), run(&mut kept, coins(4, 0.3).take(200)));
        assert_eq!(stored, kept);
    }
}
