//! A link to a server: a client of tokio-postgres and the task that moves its bytes. It knows how to be
//! emptied for the next user, and how to be given up in the middle of a statement.

use std::time::Duration;

use tokio::{task::AbortHandle, time};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{address::Address, tls::Tls};
use crate::{Error, Result};

/// How long a server may take to empty or to cancel before the link is simply closed.
const CLOSING: Duration = Duration::from_secs(5);

/// What `DISCARD ALL` does, but for what tokio-postgres itself has prepared. `BEGIN` fails in a transaction
/// that has failed, and is why a link without a transaction causes no warning in the server's log. The rows
/// are that of the locks, and one if a statement prepared in SQL is left.
const EMPTY: &str = "BEGIN; ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; \
    SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LIMIT 1";

/// The rows of [`EMPTY`] if nothing is left.
const ROWS_OF_EMPTY: usize = 1;

/// A link to a server.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    tls: Tls,
    driver: AbortHandle,
}

impl Link {
    /// A new link, with a task on the runtime that this is called in.
    ///
    /// # Errors
    /// [`Error::PostgresConnect`].
    pub(super) async fn open(address: &Address, tls: Tls) -> Result<Self> {
        let connected = address.config().connect(tls.clone()).await;
        let (client, connection) =
            connected.map_err(|source| Error::PostgresConnect { servers: address.servers(), source })?;
        // An end of the connection is seen by whoever uses the client next.
        let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self { client, tls, driver })
    }

    /// Takes away what the last user has left. False if the link is broken or something stays.
    pub(super) async fn is_emptied(&self) -> bool {
        let answer = time::timeout(CLOSING, self.client.simple_query(EMPTY)).await;
        let Ok(Ok(messages)) = answer else { return false };
        let rows = messages.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_)));
        rows.count() == ROWS_OF_EMPTY
    }

    /// Tells the server to stop what it does for this link, and closes it. A server does not see a closed
    /// socket while it works at a statement.
    pub(super) async fn give_up(&self) {
        let token = self.client.cancel_token();
        let cancel = token.cancel_query(self.tls.clone());
        // A server that cannot be told will notice the closed link at the statement's end.
        drop(time::timeout(CLOSING, cancel).await);
        self.driver.abort();
    }
}
