//! What beats while a driver runs: once in a while it says in `status.json` that the driver lives and how far it is, and looks whether
//! the job has been cancelled. A beat that fails is left out: what a job does never depends on its status.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::{Run, Stop, Summary};
use crate::Result;
use crate::events::Progress;
use crate::retry::chain;
use crate::status::{State, Status, unix_ms};

/// Where a driver says how far it is.
pub(super) struct Heart(watch::Sender<Status>);

/// The task that beats.
pub(super) struct Beating {
    run: Arc<Run>,
    status: watch::Receiver<Status>,
    is_over: Stop,
    task: JoinSet<()>,
}

impl Heart {
    pub(super) fn start(run: &Arc<Run>) -> (Self, Beating) {
        let status = Status {
            state: State::Running,
            started_ms: unix_ms((run.hooks.clock)()),
            driver: run.options.driver.clone(),
            ..Status::planned(&run.job.id, run.job.chunks.len())
        };
        let sender = watch::Sender::new(status);
        let is_over = Stop::default();
        let mut task = JoinSet::new();
        task.spawn(beat_on(Arc::clone(run), sender.subscribe(), is_over.clone()));
        let beating = Beating { run: Arc::clone(run), status: sender.subscribe(), is_over, task };
        (Self(sender), beating)
    }

    pub(super) fn show(&self, progress: &Progress) {
        self.0.send_modify(|status| *status = status.clone().with(progress));
    }
}

impl Beating {
    /// Ends the beats, and writes how the run ended: nothing writes `running` after that.
    pub(super) async fn stop(mut self, ran: &Result<Summary>) {
        self.is_over.stop();
        while self.task.join_next().await.is_some() {}
        let (state, error) = match ran {
            Ok(summary) => (summary.state, None),
            Err(error) => (State::Failed, Some(chain(error))),
        };
        let status = Status {
            state,
            error,
            updated_ms: unix_ms((self.run.hooks.clock)()),
            ..self.status.borrow().clone()
        };
        drop(self.run.folder.write_status(&status).await);
    }
}

async fn beat_on(run: Arc<Run>, status: watch::Receiver<Status>, is_over: Stop) {
    let mut ticks = tokio::time::interval(run.options.heartbeat.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = is_over.stopped() => return,
            _ = ticks.tick() => beat(&run, &status).await,
        }
    }
}

async fn beat(run: &Run, status: &watch::Receiver<Status>) {
    if matches!(run.folder.is_cancelled().await, Ok(true)) {
        run.hooks.stop.stop();
    }
    let status = Status { updated_ms: unix_ms((run.hooks.clock)()), ..status.borrow().clone() };
    drop(run.folder.write_status(&status).await);
}
