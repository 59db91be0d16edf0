//! Races: all entries take turns, so that what disturbs the machine disturbs all of them. A cell is the race of one model
//! at one batch size.

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
        self.outcomes.get(&subject)?.calls()
    }

    /// How many times longer one subject takes than another.
    pub(crate) fn ratio(&self, subject: Subject, to: Subject) -> Option<f64> {
        self.outcomes.get(&subject)?.ratio(self.outcomes.get(&to)?)
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

impl Outcome {
    /// The spread of the calls, if they were answered.
    pub(crate) const fn calls(&self) -> Option<&Spread> {
        match self {
            Self::Measured { calls, .. } => Some(calls),
            Self::Failed(_) => None,
        }
    }

    /// How many times longer this took than another of the same race: the median over rounds, each of which met the
    /// same noise.
    pub(crate) fn ratio(&self, to: &Self) -> Option<f64> {
        let (Self::Measured { rounds, .. }, Self::Measured { rounds: others, .. }) = (self, to) else {
            return None;
        };
        let ratios: Vec<f64> = rounds.iter().zip(others).map(|(time, other)| time / other).collect();
        median(&ratios)
    }
}

/// Who wants to be measured, or why that cannot be. `K` names the entry within its race.
pub(crate) struct Entry<'a, K> {
    pub(crate) key: K,
    pub(crate) runner: Result<Box<dyn Runner + 'a>>,
}

impl<'a, K> Entry<'a, K> {
    pub(crate) fn new(key: K, runner: Result<impl Runner + 'a>) -> Self {
        Self { key, runner: runner.map(|runner| Box::new(runner) as Box<dyn Runner + 'a>) }
    }
}

/// What came of a race: how many rounds there was time for, and each entry's outcome.
pub(crate) struct Race<K> {
    pub(crate) rounds: usize,
    pub(crate) outcomes: BTreeMap<K, Outcome>,
}

/// Gives each entry its slices in turn, within the profile's patience. One that fails is out; the others go on.
pub(crate) fn race<K: Copy + Ord>(entries: Vec<Entry<'_, K>>, profile: &Profile) -> Race<K> {
    let mut outcomes = BTreeMap::new();
    let mut entrants = Vec::new();
    for Entry { key, runner } in entries {
        match runner.and_then(|runner| Entrant::enter(key, runner, profile)) {
            Ok(entrant) => entrants.push(entrant),
            Err(error) => drop(outcomes.insert(key, Outcome::Failed(format!("{error:#}")))),
        }
    }
    let round_seconds: f64 = entrants.iter().map(|entrant| entrant.slice_seconds).sum();
    let rounds = ((profile.cell_budget_s / round_seconds) as usize).clamp(1, profile.rounds);
    for _ in 0..rounds {
        entrants.retain_mut(|entrant| match entrant.run() {
            Ok(()) => true,
            Err(error) => {
                outcomes.insert(entrant.key, Outcome::Failed(format!("{error:#}")));
                false
            }
        });
    }
    for entrant in entrants {
        if let Some(calls) = Spread::of(&entrant.times) {
            outcomes.insert(entrant.key, Outcome::Measured { calls, rounds: entrant.rounds });
        }
    }
    Race { rounds, outcomes }
}

/// An entry that has entered.
struct Entrant<'a, K> {
    key: K,
    runner: Box<dyn Runner + 'a>,
    n_calls: usize,
    slice_seconds: f64,
    times: Vec<f64>,
    rounds: Vec<f64>,
}

impl<'a, K> Entrant<'a, K> {
    /// Warms the runner up and decides how many calls are a slice.
    fn enter(key: K, mut runner: Box<dyn Runner + 'a>, profile: &Profile) -> Result<Self> {
        let call = warm_up(runner.as_mut(), profile)?;
        let n_calls = ((profile.slice_ms / 1e3 / call) as usize).clamp(1, profile.max_calls_per_slice);
        let slice_seconds = call * n_calls as f64;
        Ok(Self { key, runner, n_calls, slice_seconds, times: Vec::new(), rounds: Vec::new() })
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
