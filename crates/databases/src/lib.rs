//! SQLite databases and key-value stores in a folder of the application: what is behind the labels of a
//! manifest. And connections to PostgreSQL servers, which are behind an address.
//!
//! Files and tables are those of Spin (`.spin/sqlite_db.db`, `.spin/sqlite_key_value.db`), so that an
//! application may change hosts with its data. Every call of these blocks until the disk has answered. Who
//! may open what is decided elsewhere.

#![expect(clippy::disallowed_methods, reason = "databases are files")]

mod folder;
mod key_value;
pub mod postgres;
mod sqlite;

pub use folder::Folder;
pub use key_value::KeyValue;
pub use sqlite::{Connection, Rows, Value};

/// A database that cannot be opened, or a statement that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// SQLite's own error.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A value that SQLite cannot give as text.
    #[error("a text of column `{column}` is not UTF-8")]
    Text {
        /// The column's name.
        column: String,
    },
    /// No address of a PostgreSQL database.
    #[error("no address of a PostgreSQL database: {reason}")]
    PostgresAddress {
        /// What is wrong with it.
        reason: String,
    },
    /// No PostgreSQL server of an address lets us in.
    #[error("cannot connect to {servers}: {}", chain(source))]
    PostgresConnect {
        /// The servers, without user and password.
        servers: String,
        /// Why not.
        source: tokio_postgres::Error,
    },
    /// No PostgreSQL server of an address has let us in so far.
    #[error("no connection to {servers} after {} s", after.as_secs())]
    PostgresTimeout {
        /// The servers, without user and password.
        servers: String,
        /// The time that it may take.
        after: std::time::Duration,
    },
    /// A statement that a PostgreSQL server refuses, or a connection that broke.
    #[error("{}", chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// More rows than can be held.
    #[error("the rows of a statement take more than {most_bytes} bytes: ask for fewer, such as by LIMIT")]
    PostgresRows {
        /// What they may take.
        most_bytes: usize,
    },
    /// TLS that cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(tokio_rustls::rustls::Error),
    /// Another thread failed while it used this database.
    #[error("the database was left in use by a thread that failed")]
    Poisoned,
}

/// The result of a call of a database.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of PostgreSQL with its causes, of which it says nothing itself, and the code by which programs
/// know it.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    let code = error.code().map(|code| format!(" ({})", code.code()));
    text + code.as_deref().unwrap_or_default()
}
