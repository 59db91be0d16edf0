//! What is committed so far, what that makes in rows and in pace, and whether too many of them failed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::Clock;
use crate::Error;
use crate::commit::Commit;
use crate::events::Progress;

pub(super) struct Tally {
    n_chunks: usize,
    commits: BTreeMap<usize, Commit>,
    clock: Clock,
    began: SystemTime,
    n_done_before: usize,
    rows_before: u64,
}

impl Tally {
    pub(super) fn new(n_chunks: usize, clock: Clock) -> Self {
        let began = clock();
        Self { n_chunks, commits: BTreeMap::new(), clock, began, n_done_before: 0, rows_before: 0 }
    }

    /// What was committed before this driver began.
    pub(super) fn begin(&mut self, commits: BTreeMap<usize, Commit>) {
        self.commits = commits;
        self.commits.retain(|&chunk, _| chunk < self.n_chunks);
        self.n_done_before = self.commits.len();
        self.rows_before = self.rows() + self.errors();
    }

    /// Tells whether the commit is new.
    pub(super) fn add(&mut self, chunk: usize, commit: Commit) -> bool {
        chunk < self.n_chunks && self.commits.insert(chunk, commit).is_none()
    }

    pub(super) fn commits(&self) -> &BTreeMap<usize, Commit> {
        &self.commits
    }

    pub(super) fn is_done(&self, chunk: usize) -> bool {
        self.commits.contains_key(&chunk)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.commits.len() == self.n_chunks
    }

    pub(super) fn elapsed(&self) -> Duration {
        (self.clock)().duration_since(self.began).unwrap_or_default()
    }

    pub(super) fn progress(&self) -> Progress {
        let seconds = self.elapsed().as_secs_f64();
        let rows = (self.rows() + self.errors()).saturating_sub(self.rows_before);
        Progress {
            n_chunks: self.n_chunks,
            n_done: self.commits.len(),
            rows: self.rows(),
            errors: self.errors(),
            bytes: self.commits.values().map(|commit| commit.bytes).sum(),
            rows_per_second: if seconds > 0.0 { rows as f64 / seconds } else { 0.0 },
            remaining: self.remaining(),
        }
    }

    /// If each chunk that is left takes as long as those since the beginning.
    fn remaining(&self) -> Option<Duration> {
        let n_done = self.commits.len().saturating_sub(self.n_done_before);
        let n_left = self.n_chunks.saturating_sub(self.commits.len());
        let seconds = self.elapsed().as_secs_f64() * n_left as f64 / n_done as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The limit that is passed, if one is.
    pub(super) fn exceeded(&self, max_errors: Option<u64>, max_error_rate: Option<f64>) -> Option<Error> {
        let errors = self.errors();
        let rows = self.rows() + errors;
        let too_many = max_errors.filter(|&limit| errors > limit);
        let too_high = max_error_rate.filter(|&limit| errors as f64 > limit * rows as f64);
        too_many
            .map(|limit| Error::TooManyErrors { errors, limit })
            .or_else(|| too_high.map(|limit| Error::ErrorRateTooHigh { errors, rows, limit }))
    }

    fn rows(&self) -> u64 {
        self.commits.values().map(|commit| commit.rows).sum()
    }

    fn errors(&self) -> u64 {
        self.commits.values().map(|commit| commit.errors).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn commit(rows: u64, errors: u64) -> Commit {
        Commit { attempt: "a".to_owned(), rows, errors, bytes: 10 * rows, error_bytes: 0 }
    }

    /// A tally of five chunks, one of them done before, and what sets its clock, in seconds.
    fn tally() -> (Tally, Arc<AtomicU64>) {
        let seconds = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&seconds);
        let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed));
        let mut tally = Tally::new(5, Arc::new(clock));
        tally.begin(BTreeMap::from([(4, commit(90, 10)), (99, commit(1, 1))]));
        (tally, seconds)
    }

    #[test]
    fn the_pace_is_that_of_this_driver() {
        let (mut tally, seconds) = tally();
        assert_eq!(tally.progress().remaining, None);
        seconds.store(8, Ordering::Relaxed);
        assert!(tally.add(0, commit(40, 0)));
        assert!(tally.add(2, commit(35, 5)));
        assert!(!tally.add(2, commit(35, 5)));
        let expect = Progress {
            n_chunks: 5,
            n_done: 3,
            rows: 165,
            errors: 15,
            bytes: 1650,
            rows_per_second: 10.0,
            remaining: Some(Duration::from_secs(8)),
        };
        assert_eq!(tally.progress(), expect);
        assert!(!tally.is_complete());
    }

    #[test]
    fn limits_are_passed_only_beyond_them() {
        let (tally, _) = tally();
        assert!(tally.exceeded(None, None).is_none());
        assert!(tally.exceeded(Some(10), Some(0.1)).is_none());
        let too_many = tally.exceeded(Some(9), None);
        assert!(matches!(too_many, Some(Error::TooManyErrors { errors: 10, limit: 9 })));
        let too_high = tally.exceeded(None, Some(0.09));
        assert!(matches!(too_high, Some(Error::ErrorRateTooHigh { errors: 10, rows: 100, .. })));
    }

    #[test]
    fn no_rows_are_no_failure() {
        let (clock, _) = (Arc::new(|| SystemTime::UNIX_EPOCH), ());
        assert!(Tally::new(0, clock).exceeded(Some(0), Some(0.0)).is_none());
    }
}
