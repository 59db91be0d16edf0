//! The databases of Spin, as `evaluate` keeps its rows in them.

use evaluation_store::{Database, Dialect, Value};
use spin_sdk::{pg, sqlite};

/// A database that the environment names.
pub(crate) enum Opened {
    Sqlite(sqlite::Connection),
    Postgres(pg::Connection),
}

impl Opened {
    /// Opens the PostgreSQL database at `address`, or the SQLite database with this label.
    pub(crate) fn new(address: Option<&str>, label: &str) -> Result<Self, String> {
        match address {
            Some(address) => {
                pg::Connection::open(address).map(Self::Postgres).map_err(|error| error.to_string())
            }
            None => sqlite::Connection::open(label).map(Self::Sqlite).map_err(|error| error.to_string()),
        }
    }
}

impl Database for Opened {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, String> {
        match self {
            Self::Sqlite(connection) => {
                let parameters: Vec<sqlite::Value> = parameters.iter().map(of_sqlite).collect();
                let found = connection.execute(statement, &parameters).map_err(|error| error.to_string())?;
                Ok(found
                    .rows
                    .into_iter()
                    .map(|row| row.values.into_iter().map(from_sqlite).collect())
                    .collect())
            }
            Self::Postgres(connection) => {
                let parameters: Vec<pg::ParameterValue> = parameters.iter().map(of_postgres).collect();
                let found = connection.query(statement, &parameters).map_err(|error| error.to_string())?;
                Ok(found.rows.into_iter().map(|row| row.into_iter().map(from_postgres).collect()).collect())
            }
        }
    }
}

fn of_sqlite(value: &Value) -> sqlite::Value {
    match value {
        Value::Integer(number) => sqlite::Value::Integer(*number),
        Value::Real(number) => sqlite::Value::Real(*number),
        Value::Text(text) => sqlite::Value::Text(text.clone()),
        Value::Null => sqlite::Value::Null,
    }
}

fn from_sqlite(value: sqlite::Value) -> Value {
    match value {
        sqlite::Value::Integer(number) => Value::Integer(number),
        sqlite::Value::Real(number) => Value::Real(number),
        sqlite::Value::Text(text) => Value::Text(text),
        sqlite::Value::Blob(bytes) => Value::Text(String::from_utf8_lossy(&bytes).into_owned()),
        sqlite::Value::Null => Value::Null,
    }
}

fn of_postgres(value: &Value) -> pg::ParameterValue {
    match value {
        Value::Integer(number) => pg::ParameterValue::Int64(*number),
        Value::Real(number) => pg::ParameterValue::Floating64(*number),
        Value::Text(text) => pg::ParameterValue::Str(text.clone()),
        Value::Null => pg::ParameterValue::DbNull,
    }
}

fn from_postgres(value: pg::DbValue) -> Value {
    match value {
        pg::DbValue::Int8(number) => Value::Integer(i64::from(number)),
        pg::DbValue::Int16(number) => Value::Integer(i64::from(number)),
        pg::DbValue::Int32(number) => Value::Integer(i64::from(number)),
        pg::DbValue::Int64(number) => Value::Integer(number),
        pg::DbValue::Floating32(number) => Value::Real(f64::from(number)),
        pg::DbValue::Floating64(number) => Value::Real(number),
        pg::DbValue::Boolean(is) => Value::Integer(i64::from(is)),
        pg::DbValue::Str(text) => Value::Text(text),
        // PostgreSQL has no unsigned types; the others are in no table of ours.
        _ => Value::Null,
    }
}
