//! When something that goes on is an event again. Knows subjects, not what is wrong with them.

use std::collections::BTreeMap;

use evaluation::{Finding, Judgement};
use serde::{Deserialize, Serialize};

/// While a condition goes on, at most one event in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown(pub u64);

impl Default for Cooldown {
    /// Six hours.
    fn default() -> Self {
        Self(6 * 3600)
    }
}

/// Whether a condition that goes on, and of which was told at `last_raised`, is an event at `now`; both in
/// seconds since 1970.
///
/// A time more than a cooldown ahead of `now` was a clock's error, and silences nothing.
#[must_use]
pub fn due(last_raised: Option<i64>, now: i64, cooldown: Cooldown) -> bool {
    last_raised.is_none_or(|last| now.abs_diff(last) >= cooldown.0)
}

/// What is known of one condition: all that must be stored of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// How many times it has begun.
    pub n_episodes: u64,
    /// The time during which it goes on now, if it does.
    pub current: Option<Episode>,
}

/// From when a condition is first seen until it is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// When it was first seen, in seconds since 1970.
    pub began: i64,
    /// How many events there have been since.
    pub n_raised: u64,
    /// When the last one was.
    pub last_raised: i64,
}

/// An event that is due, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Which episode of its condition, from 1.
    pub episode: u64,
    /// How many events this episode has had before.
    pub repeat: u64,
    /// When this episode was first seen, in seconds since 1970.
    pub began: i64,
    /// When the event is raised.
    pub at: i64,
}

impl Watch {
    /// Takes in that the condition holds at `now`. The event, if one is due.
    pub fn present(&mut self, now: i64, cooldown: Cooldown) -> Option<Occurrence> {
        let episode = self.current;
        if !due(episode.map(|episode| episode.last_raised), now, cooldown) {
            return None;
        }
        let Episode { began, n_raised: repeat, .. } = episode.unwrap_or_else(|| self.begin(now));
        self.current = Some(Episode { began, n_raised: repeat.saturating_add(1), last_raised: now });
        Some(Occurrence { episode: self.n_episodes, repeat, began, at: now })
    }

    fn begin(&mut self, now: i64) -> Episode {
        self.n_episodes = self.n_episodes.saturating_add(1);
        Episode { began: now, n_raised: 0, last_raised: now }
    }

    /// Takes in that the condition does not hold. When it does again, that is an event at once.
    pub fn absent(&mut self) {
        self.current = None;
    }
}

/// The watches of one model, by subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watches(pub BTreeMap<String, Watch>);

impl Watches {
    /// Takes in all findings of a report at `now`: those that are events, in their order. Only what is
    /// worse is one; a subject of which that is not said is absent.
    pub fn due<'a>(
        &mut self,
        findings: &'a [Finding],
        now: i64,
        cooldown: Cooldown,
    ) -> Vec<(&'a Finding, Occurrence)> {
        let worse = || findings.iter().filter(|finding| finding.judgement == Judgement::Worse);
        for (subject, watch) in &mut self.0 {
            if worse().all(|finding| finding.subject != *subject) {
                watch.absent();
            }
        }
        let watched = worse().map(|finding| {
            let watch = self.0.entry(finding.subject.clone()).or_default();
            Some((finding, watch.present(now, cooldown)?))
        });
        watched.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Cooldown = Cooldown(100);

    fn finding(subject: &str, judgement: Judgement) -> Finding {
        Finding { judgement, subject: subject.to_owned(), text: "It fell.".to_owned(), since: None }
    }

    #[test]
    fn what_was_never_told_is_due() {
        assert!(due(None, 0, Cooldown::default()));
    }

    #[test]
    fn what_goes_on_is_due_once_a_cooldown() {
        let at = |now| due(Some(1000), now, COOLDOWN);
        assert_eq!([1000, 1099, 1100].map(at), [false, false, true]);
    }

    #[test]
    fn a_clock_that_was_ahead_silences_nothing() {
        let at = |now| due(Some(1000), now, COOLDOWN);
        assert_eq!([901, 900, i64::MIN].map(at), [false, true, true]);
    }

    #[test]
    fn an_episode_numbers_its_events() {
        let mut watch = Watch::default();
        let at = [0, 50, 100, 250].map(|now| watch.present(now, COOLDOWN));
        let occurrence = |repeat, at| Some(Occurrence { episode: 1, repeat, began: 0, at });
        assert_eq!(at, [occurrence(0, 0), None, occurrence(1, 100), occurrence(2, 250)]);
    }

    #[test]
    fn after_an_absence_it_is_a_new_event_at_once() {
        let mut watch = Watch::default();
        watch.present(0, COOLDOWN);
        watch.absent();
        let again = watch.present(1, COOLDOWN);
        assert_eq!(again, Some(Occurrence { episode: 2, repeat: 0, began: 1, at: 1 }));
    }

    #[test]
    fn only_what_is_worse_is_an_event_and_what_is_not_said_is_absent() {
        let mut watches = Watches::default();
        let both = [finding("accuracy", Judgement::Worse), finding("age", Judgement::Open)];
        let subjects = |due: Vec<(&Finding, Occurrence)>| -> Vec<String> {
            due.iter().map(|(finding, _)| finding.subject.clone()).collect()
        };
        assert_eq!(subjects(watches.due(&both, 0, COOLDOWN)), ["accuracy"]);
        assert!(watches.due(&both, 1, COOLDOWN).is_empty());
        assert!(watches.due(&[], 2, COOLDOWN).is_empty());
        assert_eq!(subjects(watches.due(&both, 3, COOLDOWN)), ["accuracy"]);
    }

    #[test]
    fn watches_are_stored_by_subject() {
        let mut watches = Watches::default();
        watches.due(&[finding("accuracy", Judgement::Worse)], 7, COOLDOWN);
        let stored = serde_json::to_string(&watches).unwrap();
        let expected = r#"{"accuracy":{"n_episodes":1,"current":{"began":7,"n_raised":1,"last_raised":7}}}"#;
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_str::<Watches>(&stored).unwrap(), watches);
    }
}
