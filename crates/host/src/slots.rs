//! How many guests compute at once, so that a thread is always left for everything else.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A guest that computes only while it holds one of the slots, and holds none while it waits.
pub(crate) struct Slotted<F> {
    guest: F,
    slots: Option<Arc<Semaphore>>,
    queued: Option<Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>>,
}

impl<F> Slotted<F> {
    pub(crate) fn new(guest: F, slots: Option<Arc<Semaphore>>) -> Self {
        Self { guest, slots, queued: None }
    }

    fn take_slot(&mut self, context: &mut Context<'_>) -> Poll<Option<OwnedSemaphorePermit>> {
        let Some(slots) = &self.slots else { return Poll::Ready(None) };
        if self.queued.is_none()
            && let Ok(slot) = Arc::clone(slots).try_acquire_owned()
        {
            return Poll::Ready(Some(slot));
        }
        let slots = Arc::clone(slots);
        let queued = self.queued.get_or_insert_with(|| Box::pin(async { slots.acquire_owned().await.ok() }));
        let slot = ready!(queued.as_mut().poll(context));
        self.queued = None;
        Poll::Ready(slot)
    }
}

impl<F: Future + Unpin> Future for Slotted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _slot = ready!(self.take_slot(context));
        Pin::new(&mut self.guest).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{future, task::Waker};

    use super::*;

    #[test]
    fn a_guest_holds_a_slot_only_while_it_computes() {
        let slots = Arc::new(Semaphore::new(1));
        let computing = Arc::clone(&slots);
        let mut guest = Slotted::new(
            future::poll_fn(|_| {
                assert_eq!(computing.available_permits(), 0);
                Poll::<()>::Pending
            }),
            Some(Arc::clone(&slots)),
        );
        assert!(poll_once(&mut guest).is_pending());
        assert_eq!(slots.available_permits(), 1);
    }

    #[test]
    fn a_guest_without_a_slot_waits_for_one() {
        let slots = Arc::new(Semaphore::new(1));
        let mut guest = Slotted::new(future::ready(7), Some(Arc::clone(&slots)));
        let taken = Arc::clone(&slots).try_acquire_owned().unwrap();
        assert_eq!(poll_once(&mut guest), Poll::Pending);
        drop(taken);
        assert_eq!(poll_once(&mut guest), Poll::Ready(7));
        assert_eq!(slots.available_permits(), 1);
    }

    fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }
}
