//! The deadline of guests that compute. The timer of the request comes first; this is for those that never wait.

use engine::{Engine, NO_DEADLINE, Ticker, epochs};

use crate::{
    error::{Error, Result},
    limits::Limits,
};

/// The epochs after which a guest that computes is stopped.
pub(crate) fn ticks(limits: &Limits) -> u64 {
    limits.deadline.map_or(NO_DEADLINE, epochs)
}

/// A ticker for `engine`, if `limits` have a deadline.
///
/// # Errors
/// [`Error::DeadlineWithoutEpochs`], or [`Error::Start`] if there is no thread to be had.
pub(crate) fn start_ticker(engine: &Engine, limits: &Limits) -> Result<Option<Ticker>> {
    if limits.deadline.is_none() {
        return Ok(None);
    }
    if !engine.epoch_interruption() {
        return Err(Error::DeadlineWithoutEpochs);
    }
    let started = Ticker::start(engine);
    started.map(Some).map_err(|source| Error::Start { what: "the epoch thread", source })
}
