//! PostgreSQL: connections to servers that an address names, kept open between those who use them. Not a
//! server, and no judge of who may open what.

mod address;
mod connection;
mod link;
mod pool;
mod tls;
mod value;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, task, time};

pub use address::{Address, Endpoint};
pub use connection::Connection;
pub use value::{Column, DataType, Table, Value};

use crate::{Error, Result};
use pool::Pool;
use tls::Tls;

/// How long opening a connection may take, waiting for one to become free included.
const OPENING: Duration = Duration::from_secs(10);

/// For how many addresses connections are kept that nobody uses.
const MOST_ADDRESSES: usize = 16;

/// The connections of an application to PostgreSQL servers.
///
/// Who opens an address gets a connection that somebody else has left, if there is one, and finds nothing of
/// theirs in it: no transaction, setting, temporary table, lock or prepared statement.
#[derive(Debug, Default)]
pub struct Postgres {
    pools: Mutex<HashMap<Arc<str>, Arc<Pool>>>,
    tls: OnceCell<Tls>,
}

impl Postgres {
    /// A connection to the first server of `address` that accepts one. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::PostgresConnect`], [`Error::PostgresTimeout`].
    pub async fn open(&self, address: &Address) -> Result<Connection> {
        let tls = self.tls.get_or_try_init(trusting_the_system).await?.clone();
        let pool = self.pool(address);
        let opened = time::timeout(OPENING, pool.open(address, tls)).await;
        opened.unwrap_or_else(|_| Err(Error::PostgresTimeout { servers: address.servers(), after: OPENING }))
    }

    fn pool(&self, address: &Address) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(address.text()) {
            return Arc::clone(pool);
        }
        if pools.len() >= MOST_ADDRESSES {
            pools.retain(|_, pool| Arc::strong_count(pool) > 1);
        }
        let pool = Arc::new(Pool::default());
        pools.insert(address.text().into(), Arc::clone(&pool));
        pool
    }
}

/// Reads the system's certificates where that stops nobody else.
async fn trusting_the_system() -> Result<Tls> {
    task::spawn_blocking(Tls::of_the_system).await.map_err(|_| Error::Poisoned)?
}
