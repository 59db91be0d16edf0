//! What goes to an executor and what comes back: a chunk of a job, and what became of it. Both as JSON, inside a plan and inside a row.

use batch::{ChunkFailure, Error, Worked};
use cli::LimitArgs;
use serde::{Deserialize, Serialize};

/// A chunk to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The job's output.
    pub(crate) output: String,
    /// The job that must be there.
    pub(crate) job: String,
    /// The chunk's number.
    pub(crate) chunk: usize,
    /// How many seconds the model may compute a micro-batch.
    pub(crate) timeout: u64,
    /// How many MiB of memory the model may have.
    pub(crate) memory: usize,
}

impl Task {
    pub(crate) const fn limits(&self) -> LimitArgs {
        LimitArgs { timeout: self.timeout, memory: self.memory }
    }
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is committed.
    Committed,
    /// It failed where it ran.
    Failed {
        /// Whether another attempt may succeed.
        is_transient: bool,
        /// Why, with the causes of the cause.
        reason: String,
    },
}

impl Outcome {
    /// What the driver makes of it.
    pub(crate) fn worked(self, chunk: usize) -> Result<Worked, ChunkFailure> {
        match self {
            Self::Committed => Ok(Worked::Committed),
            Self::Failed { is_transient, reason } => {
                Err(ChunkFailure { is_transient, error: Box::new(Error::Elsewhere { chunk, reason }) })
            }
        }
    }
}

impl From<ChunkFailure> for Outcome {
    fn from(failure: ChunkFailure) -> Self {
        Self::Failed { is_transient: failure.is_transient, reason: batch::chain(failure.error.as_ref()) }
    }
}
