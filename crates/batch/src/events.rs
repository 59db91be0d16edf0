//! What a driver tells those who watch it, as it happens. How it is shown is the watcher's business.

use std::time::Duration;

use crate::commit::ChunkReport;

/// Something that has just happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The driver knows how far the job is.
    Started(Progress),
    /// An attempt begins.
    ChunkStarted {
        /// The chunk.
        chunk: usize,
        /// Which attempt of this driver it is, from 1.
        attempt: u32,
    },
    /// A chunk is committed.
    ChunkFinished {
        /// The chunk.
        chunk: usize,
        /// What came of it.
        report: ChunkReport,
        /// Whether another driver committed it.
        by_another: bool,
        /// How far the job is now.
        progress: Progress,
    },
    /// An attempt failed, and there will be another.
    ChunkRetried {
        /// The chunk.
        chunk: usize,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Why, with the causes of the cause.
        reason: String,
        /// How long the next one waits.
        delay: Duration,
    },
    /// A chunk failed for good. The job ends when the chunks that are running have ended.
    ChunkFailed {
        /// The chunk.
        chunk: usize,
        /// The attempts that were made.
        attempts: u32,
        /// Why, with the causes of the cause.
        reason: String,
    },
    /// No more chunks are started.
    Stopping(Stopping),
    /// Every chunk is committed; the parts are being put where readers look.
    Publishing,
    /// All is there.
    Published,
}

/// Why no more chunks are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// The user said so. Running attempts are dropped.
    Cancelled,
    /// The time is over. Running attempts are finished.
    Expired,
    /// A chunk failed, or too many rows. Running attempts are finished.
    Failed,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// All chunks.
    pub n_chunks: usize,
    /// Those that are committed.
    pub n_done: usize,
    /// The rows in the parts of these.
    pub rows: u64,
    /// The rows of these that failed.
    pub errors: u64,
    /// The bytes of the parts of these.
    pub bytes: u64,
    /// Rows, failed ones too, that were committed in a second since this driver began.
    pub rows_per_second: f64,
    /// How long it will last at this pace, if that can be told.
    pub remaining: Option<Duration>,
}
