//! The clock of guests that compute: a thread that lets an engine's epochs go by, so that a guest that never waits can be stopped too.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::Engine;

/// How precisely a computing guest is stopped.
const TICK: Duration = Duration::from_millis(10);

/// An instance without a deadline. Half of the range, because wasmtime adds the current epoch.
pub const NO_DEADLINE: u64 = u64::MAX / 2;

/// The epochs after which a guest that computes for `deadline` is stopped; a little late rather than early.
#[must_use]
pub fn epochs(deadline: Duration) -> u64 {
    let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos()).saturating_add(1);
    u64::try_from(ticks).map_or(NO_DEADLINE, |ticks| ticks.min(NO_DEADLINE))
}

/// The thread. Stops when dropped.
#[derive(Debug)]
pub struct Ticker {
    is_stopped: Arc<AtomicBool>,
}

impl Ticker {
    /// A ticker for `engine`. Without epoch interruption it has no effect.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (ticking, engine) = (Arc::clone(&is_stopped), engine.wasmtime().clone());
        let tick = move || {
            while !ticking.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        };
        thread::Builder::new().name("epochs".to_owned()).spawn(tick)?;
        Ok(Self { is_stopped })
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

    #[test]
    fn a_deadline_is_rounded_up_to_epochs() {
        for (milliseconds, expected) in [(0, 1), (100, 11), (101, 12)] {
            assert_eq!(epochs(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(epochs(Duration::MAX), NO_DEADLINE);
    }
}
