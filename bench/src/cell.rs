//! A cell: one model at one batch size. All subjects take turns, so that what disturbs the machine disturbs all of them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::manifest::Profile;
use crate::runner::{Runner, Subject};
use crate::stats::{Spread, median};

/// Calls this long need no more warming up than the first of them.
const LONG_CALL_S: f64 = 0.5;

/// The times of one model at one batch size.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cell {
    pub(crate) batch: u64,
    pub(crate) rounds: usize,
    /// Why nothing was measured, if so.
    pub(crate) left_out: Option<String>,
    pub(crate) outcomes: BTreeMap<Subject, Outcome>,
}

/// What a subject did.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Outcome {
    /// Right answers, and the seconds they took.
    Measured {
        /// Of all calls.
        calls: Spread,
        /// The median of each round.
        rounds: Vec<f64>,
    },
    /// No answer or a wrong one: no result.
    Failed(String),
}

impl Cell {
    pub(crate) const fn left_out(batch: u64, reason: String) -> Self {
        Self { batch, rounds: 0, left_out: Some(reason), outcomes: BTreeMap::new() }
    }

    /// The spread of a subject's calls, if it answered.
    pub(crate) fn calls(&self, subject: Subject) -> Option<&Spread> {
        match self.outcomes.get(&subject)? {
            Outcome::Measured { calls, .. } => Some(calls),
            Outcome::Failed(_) => None,
        }
    }

    /// How many times longer one subject takes than another: the median over rounds, each of which met the same noise.
    pub(crate) fn ratio(&self, subject: Subject, to: Subject) -> Option<f64> {
        let (Outcome::Measured { rounds, .. }, Outcome::Measured { rounds: others, .. }) =
            (self.outcomes.get(&subject)?, self.outcomes.get(&to)?)
        else {
            return None;
        };
        let ratios: Vec<f64> = rounds.iter().zip(others).map(|(time, other)| time / other).collect();
        median(&ratios)
    }

    /// One call of each of these, in seconds.
    pub(crate) fn pass_seconds(&self, subjects: &[Subject]) -> f64 {
        subjects.iter().filter_map(|&subject| self.calls(subject)).map(|calls| calls.median).sum()
    }

    /// Who gave no right answer, and why.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (Subject, &str)> {
        self.outcomes.iter().filter_map(|(&subject, outcome)| match outcome {
            Outcome::Measured { .. } => None,
            Outcome::Failed(reason) => Some((subject, reason.as_str())),
        })
    }
}

/// A subject that wants to be measured, or why it cannot.
pub(crate) struct Entry<'a> {
    pub(crate) subject: Subject,
    pub(crate) runner: Result<Box<dyn Runner + 'a>>,
}

/// A subject in the race.
struct Entrant<'a> {
    subject: Subject,
    runner: Box<dyn Runner + 'a>,
    n_calls: usize,
    slice_seconds: f64,
    times: Vec<f64>,
    rounds: Vec<f64>,
}

/// Gives each subject its slices, within the profile's patience. A subject that fails is out; the others go on.
pub(crate) fn measure(batch: u64, entries: Vec<Entry<'_>>, profile: &Profile) -> Cell {
    let mut outcomes = BTreeMap::new();
    let mut entrants = Vec::new();
    for Entry { subject, runner } in entries {
        match runner.and_then(|runner| Entrant::enter(subject, runner, profile)) {
            Ok(entrant) => entrants.push(entrant),
            Err(error) => drop(outcomes.insert(subject, Outcome::Failed(format!("{error:#}")))),
        }
    }
    let round_seconds: f64 = entrants.iter().map(|entrant| entrant.slice_seconds).sum();
    let rounds = ((profile.cell_budget_s / round_seconds) as usize).clamp(1, profile.rounds);
    for _ in 0..rounds {
        entrants.retain_mut(|entrant| match entrant.run() {
            Ok(()) => true,
            Err(error) => {
                outcomes.insert(entrant.subject, Outcome::Failed(format!("{error:#}")));
                false
            }
        });
    }
    for entrant in entrants {
        if let Some(calls) = Spread::of(&entrant.times) {
            outcomes.insert(entrant.subject, Outcome::Measured { calls, rounds: entrant.rounds });
        }
    }
    Cell { batch, rounds, left_out: None, outcomes }
}

impl<'a> Entrant<'a> {
    /// Warms the subject up and decides how many calls are a slice.
    fn enter(subject: Subject, mut runner: Box<dyn Runner + 'a>, profile: &Profile) -> Result<Self> {
        let call = warm_up(runner.as_mut(), profile)?;
        let n_calls = ((profile.slice_ms / 1e3 / call) as usize).clamp(1, profile.max_calls_per_slice);
        let slice_seconds = call * n_calls as f64;
        Ok(Self { subject, runner, n_calls, slice_seconds, times: Vec::new(), rounds: Vec::new() })
    }

    fn run(&mut self) -> Result<()> {
        let times = self.runner.slice(self.n_calls)?;
        self.rounds.extend(median(&times));
        self.times.extend(times);
        Ok(())
    }
}

/// The seconds of a call once the subject is warm.
fn warm_up(runner: &mut dyn Runner, profile: &Profile) -> Result<f64> {
    let mut times = runner.slice(1)?;
    if median(&times).is_some_and(|call| call < LONG_CALL_S) {
        times = runner.slice(profile.warm_up_calls.max(1))?;
    }
    Ok(median(&times).unwrap_or_default().max(f64::EPSILON))
}
