//! The clock of guests that compute: a thread that lets the engine's epochs go by, so that a guest that never waits can be
//! stopped as well. One thread per server, and only if there is a deadline.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use engine::Engine;

use crate::{
    error::{Error, Result},
    limits::Limits,
};

/// How precisely a computing guest is stopped.
const TICK: Duration = Duration::from_millis(10);

/// A guest without a deadline. Half of the range, because wasmtime adds the current epoch.
const NEVER: u64 = u64::MAX / 2;

/// The epochs after which a guest that computes is stopped. A little late: the timer of the request comes first.
pub(crate) fn ticks(limits: &Limits) -> u64 {
    limits.deadline.map_or(NEVER, |deadline| {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos()) + 1;
        u64::try_from(ticks).map_or(NEVER, |ticks| ticks.min(NEVER))
    })
}

/// The thread. Stops when dropped.
pub(crate) struct Ticker {
    is_stopped: Arc<AtomicBool>,
}

impl Ticker {
    /// A ticker for `engine`, if `limits` have a deadline.
    ///
    /// # Errors
    /// [`Error::DeadlineWithoutEpochs`], or [`Error::Start`] if there is no thread to be had.
    pub(crate) fn start(engine: &Engine, limits: &Limits) -> Result<Option<Self>> {
        if limits.deadline.is_none() {
            return Ok(None);
        }
        if !engine.epoch_interruption() {
            return Err(Error::DeadlineWithoutEpochs);
        }
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (ticking, engine) = (Arc::clone(&is_stopped), engine.wasmtime().clone());
        let tick = move || {
            while !ticking.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        };
        let thread = thread::Builder::new().name("epochs".to_owned()).spawn(tick);
        thread.map_err(|source| Error::Start { what: "the epoch thread", source })?;
        Ok(Some(Self { is_stopped }))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(deadline: Option<Duration>, expected: u64) {
        assert_eq!(ticks(&Limits { deadline, ..Limits::default() }), expected);
    }

    #[test]
    fn a_deadline_is_rounded_up_to_ticks() {
        check(None, NEVER);
        check(Some(Duration::ZERO), 1);
        check(Some(Duration::from_millis(100)), 11);
        check(Some(Duration::from_millis(101)), 12);
        check(Some(Duration::MAX), NEVER);
    }
}
