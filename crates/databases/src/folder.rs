//! Where an application's databases are.

use std::{fs, path::PathBuf, sync::Arc};

use crate::{Connection, Error, KeyValue, Result};

/// The file of the database with the label `default`.
const SQLITE: &str = "sqlite_db.db";

/// The file of all key-value stores.
const KEY_VALUE: &str = "sqlite_key_value.db";

/// The folder of an application's databases, or none: then they are in memory and gone with the process.
///
/// The folder and its files are made by the first call that needs them.
#[derive(Clone, Debug, Default)]
pub struct Folder(Option<Arc<PathBuf>>);

impl Folder {
    /// Databases in files below `path`.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(Some(Arc::new(path)))
    }

    /// Databases in memory.
    #[must_use]
    pub const fn in_memory() -> Self {
        Self(None)
    }

    /// A new connection to the default SQLite database. In memory, each connection has a database of its own, as in Spin.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::Sqlite`].
    pub fn sqlite(&self) -> Result<Connection> {
        Connection::open(self.file(SQLITE)?)
    }

    /// All key-value stores. To be opened once: in memory, each call has stores of its own.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::Sqlite`].
    pub fn key_value(&self) -> Result<KeyValue> {
        KeyValue::open(self.file(KEY_VALUE)?)
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some(folder) = &self.0 else { return Ok(None) };
        fs::create_dir_all(&**folder)
            .map_err(|source| Error::Folder { path: folder.to_path_buf(), source })?;
        Ok(Some(folder.join(name)))
    }
}
