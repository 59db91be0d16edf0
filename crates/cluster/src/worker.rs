//! What an executor does with a chunk: open its job, unless that has been done for an earlier chunk, predict, commit.

use std::sync::{Arc, Mutex, PoisonError};

use batch::Error;
use cli::OpenJob;
use tokio::sync::OnceCell;

use crate::task::{Outcome, Task};

/// How many jobs stay open: their models take memory.
const OPEN_JOBS: usize = 4;

/// The jobs whose chunks this executor has run.
#[derive(Debug)]
pub(crate) struct Worker {
    concurrency: usize,
    /// The latest last.
    jobs: Mutex<Vec<Slot>>,
}

#[derive(Clone, Debug)]
struct Slot {
    /// A task of the job; its chunk does not count.
    task: Task,
    opened: Arc<OnceCell<OpenJob>>,
}

impl Worker {
    /// A worker that is asked for so many chunks at once.
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { concurrency, jobs: Mutex::default() }
    }

    /// Runs a chunk to its end.
    pub(crate) async fn run(&self, task: &Task) -> Outcome {
        let opened = self.slot(task);
        let job = match opened.get_or_try_init(|| self.open(task)).await {
            Ok(job) => job,
            Err(outcome) => return outcome,
        };
        match job.work.commit(&job.folder, task.chunk).await {
            Ok(_commit) => Outcome::Committed,
            Err(failure) => failure.into(),
        }
    }

    async fn open(&self, task: &Task) -> Result<OpenJob, Outcome> {
        let opened = OpenJob::open(&task.output, None, task.limits(), self.concurrency).await;
        let opened = opened.map_err(|error| {
            let is_transient = error.chain().any(batch::is_transient);
            Outcome::Failed { is_transient, reason: format!("{error:#}") }
        })?;
        if opened.job.id == task.job {
            return Ok(opened);
        }
        let other = Error::OtherJob {
            uri: task.output.clone(),
            expected: task.job.clone(),
            found: opened.job.id.clone(),
        };
        Err(Outcome::Failed { is_transient: false, reason: other.to_string() })
    }

    /// The place of the task's job, which is the latest from now on.
    fn slot(&self, task: &Task) -> Arc<OnceCell<OpenJob>> {
        let of_job = Task { chunk: 0, ..task.clone() };
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match jobs.iter().position(|slot| slot.task == of_job) {
            Some(place) => jobs.remove(place),
            None => Slot { task: of_job, opened: Arc::default() },
        };
        if jobs.len() >= OPEN_JOBS {
            jobs.remove(0);
        }
        jobs.push(slot.clone());
        slot.opened
    }
}
