//! A connection as its user holds it: statements with parameters, and what becomes of the link afterwards.

use std::{
    mem,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::TryStreamExt as _;
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{
    link::Link,
    pool::Pool,
    value::{Table, Value},
};
use crate::{Error, Result};

/// The bytes that the rows of one statement may take, as in Spin.
const MOST_BYTES: usize = 128 << 20;

/// A connection to a database. Dropping it rolls an open transaction back, and stops a statement whose future
/// was dropped.
#[derive(Debug)]
pub struct Connection {
    link: Arc<Link>,
    pool: Arc<Pool>,
    place: Option<OwnedSemaphorePermit>,
    /// Statements whose end has not been seen.
    unfinished: AtomicUsize,
    runtime: Handle,
}

impl Connection {
    pub(super) fn new(link: Arc<Link>, pool: Arc<Pool>, place: OwnedSemaphorePermit) -> Self {
        let runtime = Handle::current();
        Self { link, pool, place: Some(place), unfinished: AtomicUsize::new(0), runtime }
    }

    /// Carries out a statement and gives its rows.
    ///
    /// # Errors
    /// [`Error::Postgres`], [`Error::PostgresRows`].
    pub async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Table> {
        self.begun();
        self.seen_to_end(table(&self.link, statement, parameters).await)
    }

    /// Carries out a statement and says how many rows it has changed.
    ///
    /// # Errors
    /// [`Error::Postgres`].
    pub async fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64> {
        self.begun();
        self.seen_to_end(self.link.client.execute_raw(statement, parameters).await.map_err(Error::Postgres))
    }

    fn begun(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// A statement is over if it succeeded or if the server says that it failed. After any other error nobody
    /// knows.
    fn seen_to_end<T>(&self, result: Result<T>) -> Result<T> {
        let is_over = match &result {
            Ok(_) => true,
            Err(Error::Postgres(error)) => error.as_db_error().is_some(),
            Err(_) => false,
        };
        self.unfinished.fetch_sub(usize::from(is_over), Ordering::Relaxed);
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (link, pool, place) = (Arc::clone(&self.link), Arc::clone(&self.pool), self.place.take());
        let is_idle = *self.unfinished.get_mut() == 0;
        self.runtime.spawn(async move {
            if is_idle {
                pool.take_back(link).await;
            } else {
                link.give_up().await;
            }
            drop(place);
        });
    }
}

async fn table(link: &Link, statement: &str, parameters: &[Value]) -> Result<Table> {
    let mut rows = pin!(link.client.query_raw(statement, parameters).await?);
    let mut table = Table::default();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        table.push(&row)?;
        bytes += table.rows.last().map_or(0, |row| size(row));
        if bytes > MOST_BYTES {
            return Err(Error::PostgresRows { most_bytes: MOST_BYTES });
        }
    }
    Ok(table)
}

/// What a row takes in memory, about.
fn size(row: &[Option<Value>]) -> usize {
    let text = |value: &Option<Value>| match value {
        Some(Value::Text(text)) => text.len(),
        Some(Value::Binary(bytes)) => bytes.len(),
        _ => 0,
    };
    mem::size_of::<Vec<Value>>() + mem::size_of_val(row) + row.iter().map(text).sum::<usize>()
}
