//! How many requests run and wait at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;

/// Lets as many requests in as may run, and as many wait as may wait.
#[derive(Debug)]
pub(crate) struct Admission {
    running: Arc<Semaphore>,
    max_running: u32,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// There are too many requests already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let max_running = limits.concurrent_requests.max(1);
        Self {
            running: Arc::new(Semaphore::new(max_running as usize)),
            max_running,
            waiting: AtomicUsize::new(0),
            max_waiting: limits.waiting_requests,
        }
    }

    /// Resolves when no request runs.
    pub(crate) async fn drained(&self) {
        // Fails only if the semaphore were closed, and nothing closes it.
        drop(self.running.acquire_many(self.max_running).await);
    }

    /// A place, to be held as long as the request's instance lives.
    pub(crate) async fn admit(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        let running = Arc::clone(&self.running);
        if let Ok(place) = Arc::clone(&running).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::new(&self.waiting, self.max_waiting)?;
        running.acquire_owned().await.map_err(|_| Overloaded)
    }
}

/// Counts a waiting request until it is dropped: admitted, or gone with its connection.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize, max: usize) -> Result<Self, Overloaded> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < max { Ok(waiting) } else { Err(Overloaded) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn limits() -> Limits {
        Limits { concurrent_requests: 1, waiting_requests: 1, ..Limits::default() }
    }

    #[tokio::test]
    async fn requests_wait_up_to_the_bound() {
        let admission = Admission::new(&limits());
        let first = admission.admit().await.unwrap();
        let mut second = Box::pin(admission.admit());
        assert!(poll_once(&mut second).is_pending());
        assert_eq!(admission.admit().await.unwrap_err(), Overloaded);
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_request_that_gives_up_waiting_makes_room() {
        let admission = Admission::new(&limits());
        let _first = admission.admit().await.unwrap();
        let mut second = Box::pin(admission.admit());
        assert!(poll_once(&mut second).is_pending());
        drop(second);
        let mut third = Box::pin(admission.admit());
        assert!(poll_once(&mut third).is_pending(), "it waits: there is room to wait");
    }

    fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }
}
