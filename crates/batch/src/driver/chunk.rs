//! One chunk in the hands of a driver: attempts at it, one after the other, until it is committed, fails for good, or must stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::{Phase, Run};
use crate::commit::{Attempt, ChunkFailure, Commit, Committed, Worked};
use crate::events::Event;
use crate::retry::chain;
use crate::{Error, Result};

/// What all attempts of a driver share.
pub(super) struct Work<W> {
    pub(super) run: Arc<Run>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) call: W,
}

/// How a chunk ended for this driver.
pub(super) enum Ended {
    /// It is committed.
    Committed { commit: Commit, by_another: bool },
    /// It was given up because the driver stops.
    Dropped,
    /// It failed for good or too often.
    Failed { error: Error, attempts: u32 },
}

/// How an attempt ended.
enum Tried {
    Committed(Committed),
    Dropped,
    Failed(ChunkFailure),
}

impl<W, F, R> Work<W>
where
    W: Fn(usize, Attempt) -> F,
    F: Future<Output = Result<R, ChunkFailure>> + Send + 'static,
    R: Into<Worked> + Send + 'static,
{
    pub(super) async fn run(&self, chunk: usize) -> Ended {
        for attempts in 1_u32.. {
            let failure = match self.attempt(chunk, attempts).await {
                Tried::Committed(Committed::Won(commit)) => {
                    return Ended::Committed { commit, by_another: false };
                }
                Tried::Committed(Committed::Lost(commit)) => {
                    return Ended::Committed { commit, by_another: true };
                }
                Tried::Dropped => return Ended::Dropped,
                Tried::Failed(failure) => failure,
            };
            if !failure.is_transient || attempts >= self.run.options.max_attempts {
                return self.failed(chunk, attempts, *failure.error).await;
            }
            if !self.wait(chunk, attempts, &failure.error).await {
                return Ended::Dropped;
            }
        }
        Ended::Dropped
    }

    /// An attempt, unless another driver has been faster.
    async fn attempt(&self, chunk: usize, number: u32) -> Tried {
        match self.run.folder.commit_of(chunk).await {
            Ok(Some(commit)) => return Tried::Committed(Committed::Lost(commit)),
            Ok(None) => self.run.emit(Event::ChunkStarted { chunk, attempt: number }),
            Err(error) => return Tried::Failed(error.into()),
        }
        let attempt = self.run.folder.attempt(chunk, self.run.job.output_format);
        match self.call(&attempt).await {
            Some(Ok(Worked::Written(report))) => match self.run.folder.commit(&attempt, report).await {
                Ok(committed) => Tried::Committed(committed),
                Err(error) => Tried::Failed(error.into()),
            },
            Some(Ok(Worked::Committed)) => self.committed_elsewhere(chunk).await,
            ended => {
                attempt.discard().await;
                ended.and_then(Result::err).map_or(Tried::Dropped, Tried::Failed)
            }
        }
    }

    /// The commit that whoever did the work says is there. It is this driver's own work that it did.
    async fn committed_elsewhere(&self, chunk: usize) -> Tried {
        match self.run.folder.commit_of(chunk).await {
            Ok(Some(commit)) => Tried::Committed(Committed::Won(commit)),
            Ok(None) => Tried::Failed(ChunkFailure::transient(Error::Uncommitted { chunk })),
            Err(error) => Tried::Failed(error.into()),
        }
    }

    /// What the caller's work says, unless it is dropped. When this returns, nothing of it runs any more.
    async fn call(&self, attempt: &Attempt) -> Option<Result<Worked, ChunkFailure>> {
        let mut task = JoinSet::new();
        task.spawn((self.call)(attempt.chunk, attempt.clone()));
        let ended = tokio::select! {
            biased;
            () = self.reached(Phase::Dropping) => None,
            ended = task.join_next() => ended,
        };
        task.shutdown().await;
        let ended = ended?.unwrap_or_else(|error| Err(broken_off(attempt.chunk, &error)));
        Some(ended.map(Into::into))
    }

    /// Tells of a failure, unless the chunk is done all the same: by another driver, or by an attempt of this one that seemed to fail.
    async fn failed(&self, chunk: usize, attempts: u32, error: Error) -> Ended {
        match self.run.folder.commit_of(chunk).await {
            Ok(Some(commit)) => Ended::Committed { commit, by_another: true },
            _ => Ended::Failed { error, attempts },
        }
    }

    /// Waits before the next attempt; tells whether there may be one.
    async fn wait(&self, chunk: usize, attempt: u32, error: &Error) -> bool {
        let delay: Duration = self.run.options.backoff.delay(attempt, rand::random());
        self.run.emit(Event::ChunkRetried { chunk, attempt, reason: chain(error), delay });
        tokio::select! {
            biased;
            () = self.reached(Phase::Ending) => false,
            () = tokio::time::sleep(delay) => true,
        }
    }

    async fn reached(&self, phase: Phase) {
        if self.phase.clone().wait_for(|now| *now >= phase).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn broken_off(chunk: usize, error: &JoinError) -> ChunkFailure {
    ChunkFailure::permanent(Error::BrokenOff { chunk, reason: error.to_string() })
}
