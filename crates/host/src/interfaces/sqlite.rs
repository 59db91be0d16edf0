//! `fermyon:spin/sqlite@2.0.0`. Each connection that a guest opens is one of its own, with its own transactions; what it leaves
//! uncommitted is gone with its instance.

use std::sync::Arc;

use databases::{Connection, Rows, Value as Stored};
use wasmtime::{Result, component::Resource};

use super::{
    MOST_CONNECTIONS,
    bindings::fermyon::spin::sqlite::{Error, Host, HostConnection, QueryResult, RowResult, Value},
    blocking,
};
use crate::state::State;

/// A connection that a guest holds.
#[expect(unreachable_pub, reason = "the generated bindings name it in public items")]
pub struct Open(Arc<Connection>);

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, database: String) -> Result<Result<Resource<Open>, Error>> {
        if !self.outbound.function.sqlite_databases.contains(&database) {
            return Ok(Err(Error::AccessDenied));
        }
        if self.connections >= MOST_CONNECTIONS {
            return Ok(Err(Error::Io(format!("more than {MOST_CONNECTIONS} connections at once"))));
        }
        let folder = self.outbound.service.stores.folder.clone();
        match blocking(move || folder.sqlite()).await? {
            Ok(connection) => {
                self.connections += 1;
                Ok(Ok(self.table.push(Open(Arc::new(connection)))?))
            }
            Err(error) => Ok(Err(Error::Io(error.to_string()))),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Open>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Result<QueryResult, Error>> {
        let connection = Arc::clone(&self.table.get(&connection)?.0);
        let parameters = parameters.into_iter().map(stored).collect();
        let executed = blocking(move || connection.execute(&statement, parameters)).await?;
        Ok(executed.map(query_result).map_err(|error| Error::Io(error.to_string())))
    }

    async fn drop(&mut self, connection: Resource<Open>) -> Result<()> {
        self.connections -= 1;
        let open = self.table.delete(connection)?;
        blocking(move || drop(open)).await
    }
}

fn query_result(found: Rows) -> QueryResult {
    let row = |values: Vec<Stored>| RowResult { values: values.into_iter().map(value).collect() };
    QueryResult { columns: found.columns, rows: found.rows.into_iter().map(row).collect() }
}

fn stored(value: Value) -> Stored {
    match value {
        Value::Integer(number) => Stored::Integer(number),
        Value::Real(number) => Stored::Real(number),
        Value::Text(text) => Stored::Text(text),
        Value::Blob(bytes) => Stored::Blob(bytes),
        Value::Null => Stored::Null,
    }
}

fn value(stored: Stored) -> Value {
    match stored {
        Stored::Integer(number) => Value::Integer(number),
        Stored::Real(number) => Value::Real(number),
        Stored::Text(text) => Value::Text(text),
        Stored::Blob(bytes) => Value::Blob(bytes),
        Stored::Null => Value::Null,
    }
}
