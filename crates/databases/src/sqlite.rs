//! One connection to a SQLite database.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use rusqlite::{
    hooks::{AuthAction, AuthContext, Authorization},
    params_from_iter,
    types::{ToSqlOutput, Value as Sql, ValueRef},
};

use crate::{Error, Result};

/// How long a statement waits for another connection's transaction before it is an error.
const BUSY: Duration = Duration::from_secs(10);

/// A value of a column or a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// No value.
    Null,
}

/// What a statement returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows, each with a value per column.
    pub rows: Vec<Vec<Value>>,
}

/// A connection. Its transactions are its own; several may be open at once.
#[derive(Debug)]
pub struct Connection(Mutex<rusqlite::Connection>);

impl Connection {
    /// Opens the database in `file`, or one in memory.
    ///
    /// A commit has reached the disk when its statement returns, and readers do not wait for it.
    pub(crate) fn open(file: Option<PathBuf>) -> Result<Self> {
        let mut connection = match file {
            Some(file) => rusqlite::Connection::open(file)?,
            None => rusqlite::Connection::open_in_memory()?,
        };
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.authorizer(Some(without_other_files))?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Carries out one statement.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Text`].
    pub fn execute(&self, statement: &str, parameters: Vec<Value>) -> Result<Rows> {
        let connection = self.lock()?;
        let mut statement = connection.prepare_cached(statement)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query(params_from_iter(parameters.into_iter().map(sql)))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = columns.iter().enumerate();
            rows.push(values.map(|(idx, column)| value(row.get_ref(idx)?, column)).collect::<Result<_>>()?);
        }
        Ok(Rows { columns, rows })
    }

    fn lock(&self) -> Result<MutexGuard<'_, rusqlite::Connection>> {
        self.0.lock().map_err(|_| Error::Poisoned)
    }
}

/// A database may not reach files of the host by attaching them.
fn without_other_files(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

fn sql(value: Value) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(match value {
        Value::Integer(number) => Sql::Integer(number),
        Value::Real(number) => Sql::Real(number),
        Value::Text(text) => Sql::Text(text),
        Value::Blob(bytes) => Sql::Blob(bytes),
        Value::Null => Sql::Null,
    })
}

fn value(value: ValueRef<'_>, column: &str) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text);
            Value::Text(text.map_err(|_| Error::Text { column: column.to_owned() })?.to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    #[test]
    fn values_come_back_as_they_went_in() {
        let connection = Folder::in_memory().sqlite().unwrap();
        let values = vec![
            Value::Integer(i64::MAX),
            Value::Real(0.1),
            Value::Text("é".to_owned()),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];
        let rows = connection.execute("SELECT ? AS a, ?, ?, ?, ?", values.clone()).unwrap();
        assert_eq!((rows.columns[0].as_str(), &rows.rows), ("a", &vec![values]));
    }

    #[test]
    fn what_one_connection_commits_another_sees() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Folder::at(folder.path().join(".spin"));
        let (first, second) = (databases.sqlite().unwrap(), databases.sqlite().unwrap());
        first.execute("CREATE TABLE t (x)", vec![]).unwrap();
        first.execute("BEGIN", vec![]).unwrap();
        first.execute("INSERT INTO t VALUES (?)", vec![Value::Integer(1)]).unwrap();
        let seen = |connection: &Connection| {
            connection.execute("SELECT count(*) FROM t", vec![]).unwrap().rows[0][0].clone()
        };
        assert_eq!((seen(&first), seen(&second)), (Value::Integer(1), Value::Integer(0)));
        first.execute("COMMIT", vec![]).unwrap();
        assert_eq!(seen(&second), Value::Integer(1));
        assert!(folder.path().join(".spin/sqlite_db.db").is_file());
    }

    #[test]
    fn other_files_cannot_be_attached() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Folder::at(folder.path().to_owned()).sqlite().unwrap();
        let statement = format!("ATTACH '{}' AS other", folder.path().join("other.db").display());
        let error = connection.execute(&statement, vec![]).unwrap_err().to_string();
        assert!(error.contains("not authorized"), "{error}");
        assert!(!folder.path().join("other.db").exists());
    }

    #[test]
    fn a_wrong_statement_leaves_the_connection_usable() {
        let connection = Folder::in_memory().sqlite().unwrap();
        let error = connection.execute("SELEC 1", vec![]).unwrap_err().to_string();
        assert!(error.contains("SELEC"), "{error}");
        let too_few = connection.execute("SELECT ?", vec![]);
        assert!(too_few.is_err(), "{too_few:?}");
        assert_eq!(connection.execute("SELECT 1", vec![]).unwrap().rows, vec![vec![Value::Integer(1)]]);
    }
}
