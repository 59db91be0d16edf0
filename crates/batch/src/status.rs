//! `_plinth/status.json`: how a job stands, for machines. Overwritten by whoever drives; never what a driver decides by.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::events::Progress;
use crate::publish::Manifest;

/// How old the heartbeat of a driver that lives can be.
pub const STALE: Duration = Duration::from_secs(20);

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has a manifest, and nobody has driven it.
    Planned,
    /// A driver is at it.
    Running,
    /// All its parts are there.
    Succeeded,
    /// A chunk failed for good, or too many rows.
    Failed,
    /// The user stopped it.
    Cancelled,
    /// Its time was over.
    Expired,
    /// A driver was at it and is gone without a word. Never written, only found.
    Interrupted,
}

/// How a job stands. All but a job that succeeded can be resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The job.
    pub job: String,
    /// What it is doing.
    pub state: State,
    /// All chunks.
    pub chunks: usize,
    /// Those that are committed.
    pub chunks_done: usize,
    /// The rows in their parts.
    pub rows: u64,
    /// Their rows that failed.
    pub errors: u64,
    /// The bytes of their parts.
    pub bytes: u64,
    /// Rows, failed ones too, that were committed in a second since the driver began.
    pub rows_per_second: f64,
    /// The seconds that it will last at this pace, if that can be told.
    pub eta_seconds: Option<f64>,
    /// When the driver began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it last wrote this, in milliseconds since 1970.
    pub updated_ms: u64,
    /// The driver.
    pub driver: String,
    /// Why it failed.
    pub error: Option<String>,
}

impl Status {
    /// How a job stands that nobody has driven.
    #[must_use]
    pub fn planned(job: &str, n_chunks: usize) -> Self {
        Self {
            job: job.to_owned(),
            state: State::Planned,
            chunks: n_chunks,
            chunks_done: 0,
            rows: 0,
            errors: 0,
            bytes: 0,
            rows_per_second: 0.0,
            eta_seconds: None,
            started_ms: 0,
            updated_ms: 0,
            driver: String::new(),
            error: None,
        }
    }

    /// With this progress.
    #[must_use]
    pub(crate) fn with(self, progress: &Progress) -> Self {
        Self {
            chunks: progress.n_chunks,
            chunks_done: progress.n_done,
            rows: progress.rows,
            errors: progress.errors,
            bytes: progress.bytes,
            rows_per_second: progress.rows_per_second,
            eta_seconds: progress.remaining.map(|remaining| remaining.as_secs_f64()),
            ..self
        }
    }

    /// How a job stands that has published this, whatever was said before: who runs one chunk of many does not know of the end.
    #[must_use]
    pub(crate) fn published(self, manifest: &Manifest) -> Self {
        Self {
            state: State::Succeeded,
            chunks_done: manifest.parts.len(),
            rows: manifest.rows,
            errors: manifest.errors,
            bytes: manifest.bytes,
            eta_seconds: None,
            error: None,
            ..self
        }
    }

    /// How the job stands at this time: a driver that has not been heard of for longer than [`STALE`] is gone.
    #[must_use]
    pub fn seen_at(self, now: SystemTime) -> Self {
        let age = unix_ms(now).saturating_sub(self.updated_ms);
        match self.state {
            State::Running if u128::from(age) > STALE.as_millis() => {
                Self { state: State::Interrupted, ..self }
            }
            _ => self,
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_after(state: State, age: Duration) -> State {
        let status = Status { state, updated_ms: 1_000_000, ..Status::planned("j", 3) };
        status.seen_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1000) + age).state
    }

    #[test]
    fn a_driver_that_is_silent_for_long_is_gone() {
        assert_eq!(seen_after(State::Running, STALE), State::Running);
        assert_eq!(seen_after(State::Running, STALE + Duration::from_millis(1)), State::Interrupted);
    }

    #[test]
    fn a_job_that_has_ended_needs_no_heartbeat() {
        for state in [State::Planned, State::Succeeded, State::Failed, State::Cancelled, State::Expired] {
            assert_eq!(seen_after(state, STALE * 100), state);
        }
    }

    #[test]
    fn a_clock_that_is_behind_makes_nobody_gone() {
        let status = Status { state: State::Running, updated_ms: 9_000, ..Status::planned("j", 3) };
        assert_eq!(status.seen_at(SystemTime::UNIX_EPOCH).state, State::Running);
    }
}
