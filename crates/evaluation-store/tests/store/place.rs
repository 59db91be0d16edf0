//! Empty databases for the tests: a SQLite file, or a schema of a PostgreSQL server.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use databases::{
    Folder, Value as OfSqlite,
    postgres::{self, Postgres, Value as OfPostgres},
};
use evaluation_store::{Database, Dialect, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::Server;

/// How many schemas there are.
static SCHEMAS: AtomicUsize = AtomicUsize::new(0);

/// A database that others may open, too.
pub(crate) enum Place {
    Sqlite { databases: Folder, _folder: TempDir },
    Postgres { runtime: Arc<Runtime>, server: Arc<Server>, schema: String },
}

/// A connection to one.
pub(crate) enum Opened {
    Sqlite(databases::Connection),
    Postgres { runtime: Arc<Runtime>, connection: postgres::Connection },
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::Sqlite { databases: Folder::at(folder.path().to_owned()), _folder: folder }
    }

    pub(crate) fn postgres() -> Self {
        let runtime = Arc::new(Runtime::new().unwrap());
        let server = runtime.block_on(Server::running());
        let schema = format!("of_{}_{}", process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let place = Self::Postgres { runtime, server, schema: schema.clone() };
        place.open().execute(&format!("CREATE SCHEMA {schema}"), &[]).unwrap();
        place
    }

    pub(crate) fn open(&self) -> Opened {
        match self {
            Self::Sqlite { databases, .. } => Opened::Sqlite(databases.sqlite().unwrap()),
            Self::Postgres { runtime, server, schema } => {
                let opened = runtime.block_on(Postgres::default().open(&server.address("")));
                let opened = Opened::Postgres { runtime: Arc::clone(runtime), connection: opened.unwrap() };
                opened.execute(&format!("SET search_path TO {schema}"), &[]).unwrap();
                opened
            }
        }
    }
}

impl Database for Opened {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, String> {
        match self {
            Self::Sqlite(connection) => {
                let parameters = parameters.iter().map(of_sqlite).collect();
                let found = connection.execute(statement, parameters).map_err(|error| error.to_string())?;
                Ok(found.rows.into_iter().map(|row| row.into_iter().map(from_sqlite).collect()).collect())
            }
            Self::Postgres { runtime, connection } => {
                let parameters: Vec<_> = parameters.iter().map(of_postgres).collect();
                let found = runtime.block_on(connection.query(statement, &parameters));
                let found = found.map_err(|error| error.to_string())?;
                Ok(found.rows.into_iter().map(|row| row.into_iter().map(from_postgres).collect()).collect())
            }
        }
    }
}

fn of_sqlite(value: &Value) -> OfSqlite {
    match value.clone() {
        Value::Integer(number) => OfSqlite::Integer(number),
        Value::Real(number) => OfSqlite::Real(number),
        Value::Text(text) => OfSqlite::Text(text),
        Value::Null => OfSqlite::Null,
    }
}

fn from_sqlite(value: OfSqlite) -> Value {
    match value {
        OfSqlite::Integer(number) => Value::Integer(number),
        OfSqlite::Real(number) => Value::Real(number),
        OfSqlite::Text(text) => Value::Text(text),
        OfSqlite::Blob(_) | OfSqlite::Null => Value::Null,
    }
}

fn of_postgres(value: &Value) -> OfPostgres {
    match value.clone() {
        Value::Integer(number) => OfPostgres::Int64(number),
        Value::Real(number) => OfPostgres::Floating64(number),
        Value::Text(text) => OfPostgres::Text(text),
        Value::Null => OfPostgres::Null,
    }
}

fn from_postgres(value: Option<OfPostgres>) -> Value {
    match value {
        Some(OfPostgres::Int32(number)) => Value::Integer(number.into()),
        Some(OfPostgres::Int64(number)) => Value::Integer(number),
        Some(OfPostgres::Floating64(number)) => Value::Real(number),
        Some(OfPostgres::Text(text)) => Value::Text(text),
        _ => Value::Null,
    }
}
