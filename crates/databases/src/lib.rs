//! SQLite databases and key-value stores in a folder of the application: what is behind the labels of a manifest.
//!
//! Files and tables are those of Spin (`.spin/sqlite_db.db`, `.spin/sqlite_key_value.db`), so that an application may change hosts
//! with its data. Every call blocks until the disk has answered. Who may open what is decided elsewhere.

#![expect(clippy::disallowed_methods, reason = "databases are files")]

mod folder;
mod key_value;
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
    /// Another thread failed while it used this database.
    #[error("the database was left in use by a thread that failed")]
    Poisoned,
}

/// The result of a call of a database.
pub type Result<T> = std::result::Result<T, Error>;
