//! Runs a job: the chunks without a commit, several at once, until all are committed and published or something says stop. What a chunk
//! computes is the caller's; what came of it counts only by its commit. Kill a driver where you like: the next one goes on.

mod chunk;
mod heart;
mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::chunk::{Ended, Work};
use self::heart::Heart;
use self::tally::Tally;
use crate::commit::{Attempt, ChunkFailure, Commit, Worked};
use crate::events::{Event, Progress, Stopping};
use crate::job::Job;
use crate::retry::{Backoff, chain};
use crate::status::State;
use crate::{Error, JobFolder, Result};

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What a driver calls for each attempt at a chunk, if it is chosen at run time.
pub type Attempts = Arc<dyn Fn(usize, Attempt) -> Attempted + Send + Sync>;

/// What becomes of an attempt.
pub type Attempted = BoxFuture<'static, Result<Worked, ChunkFailure>>;

/// How a job is run. None of it changes what comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What tells this driver from others in `status.json`.
    pub driver: String,
    /// How many chunks run at once.
    pub concurrency: usize,
    /// How often a chunk is tried, if its failures are transient.
    pub max_attempts: u32,
    /// How long is waited between attempts.
    pub backoff: Backoff,
    /// The most rows that may fail.
    pub max_errors: Option<u64>,
    /// The largest share of the rows that may fail, from 0 to 1. Looked at whenever a chunk is committed.
    pub max_error_rate: Option<f64>,
    /// After which time no more chunks are started.
    pub max_duration: Option<Duration>,
    /// The only chunks to run, if others run the rest; none: all.
    pub only: Option<Vec<usize>>,
    /// How often the status is written and the marker of a cancelled job looked for.
    pub heartbeat: Duration,
    /// What the order of the chunks is drawn from. Two drivers with the same seed would do the same work.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let seed = rand::random();
        Self {
            driver: format!("{seed:016x}"),
            concurrency: 1,
            max_attempts: 4,
            backoff: Backoff::default(),
            max_errors: None,
            max_error_rate: None,
            max_duration: None,
            only: None,
            heartbeat: Duration::from_secs(1),
            seed,
        }
    }
}

/// What a driver knows of the world beside its job.
#[derive(Clone)]
pub struct Hooks {
    /// What tells the time.
    pub clock: Clock,
    /// Who watches. Called from any thread, and must return soon.
    pub on_event: Arc<dyn Fn(Event) + Send + Sync>,
    /// What stops the driver.
    pub stop: Stop,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// A handle that stops a driver: it starts nothing more, and drops the attempts that run. What is committed stays.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Stops the driver. Once is enough.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has stopped it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody has stopped it.
    pub async fn stopped(&self) {
        drop(self.0.subscribe().wait_for(|is_stopped| *is_stopped).await);
    }
}

/// How a run ended that did not fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// [`State::Succeeded`], [`State::Cancelled`] or [`State::Expired`]; [`State::Running`] if all of [`Options::only`] is done and
    /// others have yet to do the rest.
    pub state: State,
    /// How far the job is.
    pub progress: Progress,
    /// How long this run took.
    pub elapsed: Duration,
}

/// Runs the job in `folder`. Each attempt at a chunk calls `work`, as a task of the runtime.
///
/// `work` writes the part through [`Attempt::part`], also if it has no rows, and the bad rows, if any, through [`Attempt::errors`], and
/// gives the report; or it lets somebody else do all this and commit it ([`Worked::Committed`]). It may be dropped at any point where it
/// waits.
///
/// # Errors
/// [`Error::ChunkFailed`], [`Error::BrokenOff`], [`Error::TooManyErrors`], [`Error::ErrorRateTooHigh`]; what stores say. The job can be
/// resumed after each of them.
pub async fn run<W, F, R>(
    folder: &JobFolder,
    job: &Job,
    options: Options,
    hooks: Hooks,
    work: W,
) -> Result<Summary>
where
    W: Fn(usize, Attempt) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, ChunkFailure>> + Send + 'static,
    R: Into<Worked> + Send + 'static,
{
    let run = Arc::new(Run { folder: folder.clone(), job: job.clone(), options, hooks });
    let (heart, beating) = Heart::start(&run);
    let ran = Driver::new(run, heart, work).run().await;
    beating.stop(&ran).await;
    ran
}

/// Why nothing more is started.
enum End {
    Cancelled,
    Expired,
    Failed(Error),
}

/// What attempts may still do. Goes forward only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// All.
    Going,
    /// End, but not begin.
    Ending,
    /// Nothing: they are dropped.
    Dropping,
}

/// What is fixed for a run.
struct Run {
    folder: JobFolder,
    job: Job,
    options: Options,
    hooks: Hooks,
}

impl Run {
    fn emit(&self, event: Event) {
        (self.hooks.on_event)(event);
    }
}

struct Driver<W> {
    run: Arc<Run>,
    heart: Heart,
    tally: Tally,
    work: Arc<Work<W>>,
    queue: Vec<usize>,
    running: JoinSet<(usize, Ended)>,
    phase: watch::Sender<Phase>,
    end: Option<End>,
}

impl<W, F, R> Driver<W>
where
    W: Fn(usize, Attempt) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, ChunkFailure>> + Send + 'static,
    R: Into<Worked> + Send + 'static,
{
    fn new(run: Arc<Run>, heart: Heart, call: W) -> Self {
        let phase = watch::Sender::new(Phase::Going);
        Self {
            tally: Tally::new(run.job.chunks.len(), Arc::clone(&run.hooks.clock)),
            work: Arc::new(Work { run: Arc::clone(&run), phase: phase.subscribe(), call }),
            run,
            heart,
            queue: Vec::new(),
            running: JoinSet::new(),
            phase,
            end: None,
        }
    }

    async fn run(mut self) -> Result<Summary> {
        if self.run.folder.published().await?.is_some() {
            return self.published_before().await;
        }
        self.run.folder.sync_root().await?;
        if self.run.folder.is_cancelled().await? {
            self.run.hooks.stop.stop();
        }
        self.tally.begin(self.run.folder.commits(BTreeMap::new()).await?);
        self.fill_queue();
        self.run.emit(Event::Started(self.tally.progress()));
        self.check_limits();
        self.drive().await;
        self.conclude().await
    }

    /// The chunks without a commit, in an order of this driver's own, so that several drivers seldom meet.
    fn fill_queue(&mut self) {
        let is_ours = |chunk: &usize| self.run.options.only.as_ref().is_none_or(|only| only.contains(chunk));
        let open =
            (0..self.run.job.chunks.len()).filter(|chunk| is_ours(chunk) && !self.tally.is_done(*chunk));
        self.queue = open.collect();
        self.queue.shuffle(&mut StdRng::seed_from_u64(self.run.options.seed));
    }

    async fn drive(&mut self) {
        let stop = self.run.hooks.stop.clone();
        let limit = self.run.options.max_duration.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        let deadline = Instant::now() + limit;
        loop {
            if stop.is_stopped() {
                self.finish(End::Cancelled);
            }
            self.start_chunks();
            if self.running.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                () = stop.stopped(), if *self.phase.borrow() < Phase::Dropping => self.finish(End::Cancelled),
                () = tokio::time::sleep_until(deadline), if self.end.is_none() => self.finish(End::Expired),
                Some(ended) = self.running.join_next() => self.settle(ended).await,
            }
        }
    }

    fn start_chunks(&mut self) {
        while self.end.is_none() && self.running.len() < self.run.options.concurrency.max(1) {
            let Some(chunk) = self.queue.pop() else { return };
            let work = Arc::clone(&self.work);
            self.running.spawn(async move { (chunk, work.run(chunk).await) });
        }
    }

    async fn settle(&mut self, ended: Result<(usize, Ended), tokio::task::JoinError>) {
        match ended {
            Ok((chunk, Ended::Committed { commit, by_another })) => {
                self.learn(chunk, commit, by_another);
                if by_another {
                    // If the store does not say, each chunk is looked at when its turn comes.
                    drop(self.learn_of_others().await);
                }
            }
            Ok((_, Ended::Dropped)) => {}
            Ok((chunk, Ended::Failed { error, attempts })) => {
                self.run.emit(Event::ChunkFailed { chunk, attempts, reason: chain(&error) });
                self.finish(End::Failed(Error::ChunkFailed { chunk, attempts, source: Box::new(error) }));
            }
            Err(_) => self.finish(End::Failed(Error::internal("a chunk's task broke off"))),
        }
    }

    fn learn(&mut self, chunk: usize, commit: Commit, by_another: bool) {
        let report = commit.report();
        if self.tally.add(chunk, commit) {
            let progress = self.tally.progress();
            self.heart.show(&progress);
            self.run.emit(Event::ChunkFinished { chunk, report, by_another, progress });
            self.check_limits();
        }
    }

    /// Where another driver has been, it may have been elsewhere too.
    async fn learn_of_others(&mut self) -> Result<()> {
        let commits = self.run.folder.commits(self.tally.commits().clone()).await?;
        for (chunk, commit) in commits {
            self.learn(chunk, commit, true);
        }
        self.queue.retain(|chunk| !self.tally.is_done(*chunk));
        Ok(())
    }

    fn check_limits(&mut self) {
        if let Some(error) = self.tally.exceeded(self.run.options.max_errors, self.run.options.max_error_rate)
        {
            self.finish(End::Failed(error));
        }
    }

    /// Starts nothing more. A failure stays what it is; a job that has expired can still be cancelled.
    fn finish(&mut self, end: End) {
        let (stopping, phase) = match end {
            End::Cancelled => (Stopping::Cancelled, Phase::Dropping),
            End::Expired => (Stopping::Expired, Phase::Ending),
            End::Failed(_) => (Stopping::Failed, Phase::Ending),
        };
        self.phase.send_if_modified(|now| std::mem::replace(now, phase.max(*now)) < phase);
        if matches!((&self.end, &end), (None, _) | (Some(End::Expired), End::Cancelled)) {
            self.run.emit(Event::Stopping(stopping));
            self.end = Some(end);
        }
    }

    /// Every driver looks once more for the commits of others when its own are there. So of those who commit the last chunks at the same
    /// time at least one, whose commit was created last, finds all, and publishes. A look that fails may have been that one: it fails the
    /// driver, and whoever runs its chunk again looks again.
    async fn conclude(mut self) -> Result<Summary> {
        let looked = if self.tally.is_complete() { Ok(()) } else { self.learn_of_others().await };
        match self.end.take() {
            Some(End::Failed(error)) => Err(error),
            Some(End::Cancelled) => Ok(self.summary(State::Cancelled)),
            _ if self.tally.is_complete() => self.publish().await,
            Some(End::Expired) => Ok(self.summary(State::Expired)),
            None if self.run.options.only.is_some() => looked.map(|()| self.summary(State::Running)),
            None => looked.and_then(|()| Err(Error::internal("a chunk was forgotten"))),
        }
    }

    async fn publish(self) -> Result<Summary> {
        self.run.emit(Event::Publishing);
        self.run.folder.publish(&self.run.job, self.tally.commits()).await?;
        self.run.emit(Event::Published);
        self.run.folder.clean_up().await;
        Ok(self.summary(State::Succeeded))
    }

    /// Another run has published, but was perhaps killed before it had cleaned up.
    async fn published_before(mut self) -> Result<Summary> {
        self.tally.begin(self.run.folder.commits(BTreeMap::new()).await?);
        self.run.folder.clean_up().await;
        Ok(self.summary(State::Succeeded))
    }

    fn summary(&self, state: State) -> Summary {
        let progress = self.tally.progress();
        self.heart.show(&progress);
        Summary { state, progress, elapsed: self.tally.elapsed() }
    }
}
