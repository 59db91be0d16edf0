//! Labels joined to predictions by client and key, with an account of every one of either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whose key it is, and the key. Keys of one client are never those of another.
pub type ClientKey = (String, String);

/// What became of predictions and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Predictions with a label.
    pub matched: u64,
    /// Predictions that have none yet.
    pub pending: u64,
    /// Labels that came later than they may, and do not count.
    pub late: u64,
    /// Labels that repeat what another said of the key.
    pub duplicate: u64,
    /// Labels that contradict an earlier one of the key, and do not count.
    pub conflicting: u64,
    /// Labels of keys that nobody predicted.
    pub orphan: u64,
    /// Predictions of a key that has one already, and do not count.
    pub repeated: u64,
    /// How long labels of matched predictions took.
    pub delays: Delays,
}

/// How many labels took how long: by powers of two of a second, so that profiles of any windows merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// Labels that came within a second, or before the prediction; then within 2, 4, 8 … seconds.
    by_power: Vec<u64>,
}

impl Delays {
    /// Counts a label that came `seconds` after its prediction.
    pub fn add(&mut self, seconds: f64) {
        let mut power = 0;
        let mut within = 1.0;
        while within < seconds && power < 62 {
            within *= 2.0;
            power += 1;
        }
        if self.by_power.len() <= power {
            self.by_power.resize(power + 1, 0);
        }
        if let Some(count) = self.by_power.get_mut(power) {
            *count += 1;
        }
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, other: &Self) {
        self.by_power.resize(self.by_power.len().max(other.by_power.len()), 0);
        self.by_power.iter_mut().zip(&other.by_power).for_each(|(count, other)| *count += other);
    }

    /// The time, in seconds and rounded up to a power of two, within which at least `share` of the labels came.
    #[must_use]
    pub fn within(&self, share: f64) -> Option<f64> {
        let n: u64 = self.by_power.iter().sum();
        let mut so_far = 0;
        let mut within = 1.0;
        for count in &self.by_power {
            so_far += count;
            if n > 0 && so_far as f64 >= share * n as f64 {
                return Some(within);
            }
            within *= 2.0;
        }
        None
    }
}

impl Account {
    /// Adds the account of others.
    pub fn merge(&mut self, other: &Self) {
        self.matched += other.matched;
        self.pending += other.pending;
        self.late += other.late;
        self.duplicate += other.duplicate;
        self.conflicting += other.conflicting;
        self.orphan += other.orphan;
        self.repeated += other.repeated;
        self.delays.merge(&other.delays);
    }

    /// The share of predictions that have a label; `None` without predictions.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        let n = self.matched + self.pending;
        (n > 0).then(|| self.matched as f64 / n as f64)
    }
}

/// A label as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What is true, as text: a class's name or a number.
    pub value: String,
    /// When it came, in seconds since 1970.
    pub time: Option<f64>,
}

/// Labels by key, those that came first. What came again is only counted.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    by_key: BTreeMap<ClientKey, Waiting>,
    duplicate: u64,
    conflicting: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    label: Label,
    is_taken: bool,
}

impl Labels {
    /// Keeps a label, unless its key has one.
    pub fn add(&mut self, key: ClientKey, label: Label) {
        match self.by_key.get(&key) {
            None => drop(self.by_key.insert(key, Waiting { label, is_taken: false })),
            Some(first) if first.label.value == label.value => self.duplicate += 1,
            Some(_) => self.conflicting += 1,
        }
    }

    /// The label of a prediction made at `time`, which goes into the account. Each key is to be asked for once.
    pub fn take(
        &mut self,
        key: &ClientKey,
        time: Option<f64>,
        horizon: Option<f64>,
        account: &mut Account,
    ) -> Option<Label> {
        let Some(waiting) = self.by_key.get_mut(key) else {
            account.pending += 1;
            return None;
        };
        waiting.is_taken = true;
        let delay = waiting.label.time.zip(time).map(|(came, made)| came - made);
        if delay.zip(horizon).is_some_and(|(delay, horizon)| delay > horizon) {
            account.late += 1;
            account.pending += 1;
            return None;
        }
        account.matched += 1;
        if let Some(delay) = delay {
            account.delays.add(delay);
        }
        Some(waiting.label.clone())
    }

    /// What is left to account for once every prediction has been asked for.
    #[must_use]
    pub fn rest(&self) -> Account {
        let orphan = self.by_key.values().filter(|waiting| !waiting.is_taken).count();
        Account {
            duplicate: self.duplicate,
            conflicting: self.conflicting,
            orphan: u64::try_from(orphan).unwrap_or(u64::MAX),
            ..Account::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> ClientKey {
        ("client".to_owned(), key.to_owned())
    }

    fn label(value: &str, time: f64) -> Label {
        Label { value: value.to_owned(), time: Some(time) }
    }

    #[test]
    fn every_label_and_every_prediction_is_accounted_for() {
        let mut labels = Labels::default();
        for (name, value, time) in
            [("a", "1", 10.0), ("a", "1", 11.0), ("a", "2", 12.0), ("b", "1", 5000.0), ("x", "1", 0.0)]
        {
            labels.add(key(name), label(value, time));
        }
        let mut account = Account::default();
        let mut take = |name| labels.take(&key(name), Some(0.0), Some(3600.0), &mut account);
        assert_eq!(take("a").map(|label| label.value).as_deref(), Some("1"));
        assert_eq!(take("b"), None);
        assert_eq!(take("c"), None);
        account.merge(&labels.rest());
        let counts = (account.matched, account.pending, account.late, account.orphan);
        assert_eq!(counts, (1, 2, 1, 1));
        assert_eq!((account.duplicate, account.conflicting), (1, 1));
        assert_eq!(account.coverage(), Some(1.0 / 3.0));
        assert_eq!(account.delays.within(0.5), Some(16.0));
    }

    #[test]
    fn one_clients_label_is_not_anothers() {
        let mut labels = Labels::default();
        labels.add(("other".to_owned(), "a".to_owned()), label("1", 0.0));
        let mut account = Account::default();
        assert_eq!(labels.take(&key("a"), None, None, &mut account), None);
        assert_eq!((account.pending, labels.rest().orphan), (1, 1));
    }

    #[test]
    fn delays_are_found_within_a_power_of_two() {
        let mut delays = Delays::default();
        [-5.0, 0.5, 3.0, 100.0].into_iter().for_each(|seconds| delays.add(seconds));
        assert_eq!([0.5, 0.75, 1.0].map(|share| delays.within(share)), [Some(1.0), Some(4.0), Some(128.0)]);
        assert_eq!(Delays::default().within(0.5), None);
    }
}
