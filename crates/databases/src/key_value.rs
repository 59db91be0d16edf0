//! Key-value stores: bytes under the name of a store and a key, in one table of a SQLite database.

use std::path::PathBuf;

use crate::{Connection, Result, Value};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value \
    (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

/// All key-value stores of an application.
#[derive(Debug)]
pub struct KeyValue(Connection);

impl KeyValue {
    pub(crate) fn open(file: Option<PathBuf>) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute(TABLE, vec![])?;
        Ok(Self(connection))
    }

    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// As [`Connection::execute`].
    pub fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let statement = "SELECT value FROM spin_key_value WHERE store = ? AND key = ?";
        let found = self.0.execute(statement, vec![text(store), text(key)])?;
        Ok(found.rows.into_iter().flatten().next().and_then(|value| match value {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }))
    }

    /// Gives `key` a value in place of the one that it may have.
    ///
    /// # Errors
    /// As [`Connection::execute`].
    pub fn set(&self, store: &str, key: &str, value: Vec<u8>) -> Result<()> {
        let statement = "INSERT INTO spin_key_value (store, key, value) VALUES (?, ?, ?) \
            ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
        self.0.execute(statement, vec![text(store), text(key), Value::Blob(value)]).map(drop)
    }

    /// Takes the value of `key` away, if it has one.
    ///
    /// # Errors
    /// As [`Connection::execute`].
    pub fn delete(&self, store: &str, key: &str) -> Result<()> {
        let statement = "DELETE FROM spin_key_value WHERE store = ? AND key = ?";
        self.0.execute(statement, vec![text(store), text(key)]).map(drop)
    }

    /// The keys of a store.
    ///
    /// # Errors
    /// As [`Connection::execute`].
    pub fn keys(&self, store: &str) -> Result<Vec<String>> {
        let statement = "SELECT key FROM spin_key_value WHERE store = ? ORDER BY key";
        let found = self.0.execute(statement, vec![text(store)])?;
        Ok(found
            .rows
            .into_iter()
            .flatten()
            .filter_map(|value| match value {
                Value::Text(key) => Some(key),
                _ => None,
            })
            .collect())
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::Folder;

    #[test]
    fn stores_keep_their_keys_apart() {
        let stores = Folder::in_memory().key_value().unwrap();
        stores.set("default", "k", b"one".to_vec()).unwrap();
        stores.set("other", "k", b"two".to_vec()).unwrap();
        stores.set("default", "k", b"three".to_vec()).unwrap();
        assert_eq!(stores.get("default", "k").unwrap().as_deref(), Some(b"three".as_slice()));
        stores.delete("default", "k").unwrap();
        assert_eq!(stores.get("default", "k").unwrap(), None);
        assert_eq!(stores.keys("other").unwrap(), ["k"]);
    }

    #[test]
    fn values_outlive_the_process_that_wrote_them() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Folder::at(folder.path().to_owned());
        databases.key_value().unwrap().set("default", "k", vec![0, 1]).unwrap();
        assert_eq!(databases.key_value().unwrap().get("default", "k").unwrap(), Some(vec![0, 1]));
    }
}
