//! The links to the servers of one address: those in use are counted, those left behind are kept for a while.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use super::{address::Address, connection::Connection, link::Link, tls::Tls};
use crate::{Error, Result};

/// How many links there are at most, as in Spin. Who wants another one waits.
const MOST_LINKS: usize = 64;

/// How long a link that nobody uses can still be had.
const KEPT: Duration = Duration::from_secs(300);

/// The links of one address.
#[derive(Debug)]
pub(super) struct Pool {
    /// One for each connection that somebody holds, or that is being emptied.
    places: Arc<Semaphore>,
    // The last one was used last.
    kept: Mutex<Vec<(Arc<Link>, Instant)>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_LINKS)), kept: Mutex::default() }
    }
}

impl Pool {
    /// A connection by a link that was kept, or by a new one.
    ///
    /// # Errors
    /// [`Error::PostgresConnect`].
    pub(super) async fn open(self: Arc<Self>, address: &Address, tls: Tls) -> Result<Connection> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Error::Poisoned)?;
        let link = match self.take() {
            Some(link) => link,
            None => Arc::new(Link::open(address, tls).await?),
        };
        Ok(Connection::new(link, self, place))
    }

    /// Takes a link back from somebody who has no statement in work.
    pub(super) async fn take_back(&self, link: Arc<Link>) {
        if link.is_emptied().await {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((link, Instant::now()));
        } else {
            link.give_up().await;
        }
    }

    fn take(&self) -> Option<Arc<Link>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(link, since)| !link.client.is_closed() && since.elapsed() < KEPT);
        kept.pop().map(|(link, _)| link)
    }
}
