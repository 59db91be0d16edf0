//! The process around a server: its threads, and the signals that end it.
//!
//! Guests compute on the workers, one per processor, in the same task that serves their connection: a thread more, or a task of
//! their own, would cost every request (measured: a fifth of the requests per second and three times the 99th percentile). What
//! must not wait for guests is with the thread that serves the front.

use std::{future::Future, thread};

use tokio::runtime::{self, Handle, Runtime as Threads};

use crate::error::{Error, Result};

/// The threads that servers run on.
#[derive(Debug)]
pub struct Runtime {
    front: Threads,
    workers: Threads,
}

/// A runtime with a worker per processor for guests, beside the thread that calls [`Runtime::block_on`].
///
/// # Errors
/// [`Error::Start`].
pub fn runtime() -> Result<Runtime> {
    let fail = |source| Error::Start { what: "the runtime", source };
    let front = runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
    let mut workers = runtime::Builder::new_multi_thread();
    workers.worker_threads(processors()).thread_name("plinth").enable_all();
    Ok(Runtime { front, workers: workers.build().map_err(fail)? })
}

impl Runtime {
    /// The workers, for [`crate::Server::run`].
    #[must_use]
    pub fn workers(&self) -> Handle {
        self.workers.handle().clone()
    }

    /// Runs `work` to its end on this thread, and then does not wait for the workers: a guest that computes for ever keeps its
    /// own.
    pub fn block_on<T>(self, work: impl Future<Output = T>) -> T {
        let result = self.front.block_on(work);
        self.workers.shutdown_background();
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
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
