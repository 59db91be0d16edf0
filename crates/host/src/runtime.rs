//! The process around a server: its threads, and the signals that end it.

use std::{future::Future, thread};

use tokio::runtime::{self, Runtime as Threads};

use crate::error::{Error, Result};

/// The threads that servers run on.
#[derive(Debug)]
pub struct Runtime(Threads);

/// A runtime with a thread per processor for guests, and one more that is always free for everything else.
///
/// # Errors
/// [`Error::Start`].
pub fn runtime() -> Result<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(processors() + 1).thread_name("plinth").enable_all();
    builder.build().map(Runtime).map_err(|source| Error::Start { what: "the runtime", source })
}

impl Runtime {
    /// Runs `work` to its end, and then does not wait for the threads: a guest that computes for ever keeps its own.
    pub fn block_on<T>(self, work: impl Future<Output = T>) -> T {
        let result = self.0.block_on(work);
        self.0.shutdown_background();
        result
    }
}

/// Resolves when the process is asked to stop, by SIGTERM or SIGINT. From this call on neither ends the process by itself.
///
/// # Errors
/// [`Error::Start`].
pub fn termination() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|source| Error::Start { what: "a signal handler", source });
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// How many threads compute at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
