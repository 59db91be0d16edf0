//! `fermyon:spin/postgres@2.0.0`. An address is for whoever may reach all of its servers. What a guest leaves
//! uncommitted or unfinished is gone with its instance; the connection itself may serve the next one.

use std::sync::Arc;

use databases::{
    Error as Fault,
    postgres::{Address, Column as StoredColumn, Connection, DataType, Table, Value},
};
use wasmtime::{Result, component::Resource};

use super::{
    MOST_CONNECTIONS,
    bindings::fermyon::spin::{
        postgres::{Host, HostConnection},
        rdbms_types::{self, Column, DbDataType, DbValue, Error, ParameterValue, RowSet},
    },
};
use crate::{outbound::AllowedHosts, output, state::State};

/// A connection that a guest holds.
#[expect(unreachable_pub, reason = "the generated bindings name it in public items")]
pub struct Open(Connection);

impl rdbms_types::Host for State {}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> Result<Result<Resource<Open>, Error>> {
        let function = &self.outbound.function;
        let address = match permitted(&address, &function.allowed_hosts, &function.id) {
            Ok(address) => address,
            Err(message) => {
                output::say(format_args!("{}: denied a connection: {message}", function.id));
                return Ok(Err(Error::ConnectionFailed(message)));
            }
        };
        if self.connections >= MOST_CONNECTIONS {
            let message = format!("more than {MOST_CONNECTIONS} connections at once");
            return Ok(Err(Error::ConnectionFailed(message)));
        }
        let service = Arc::clone(&self.outbound.service);
        match service.stores.postgres.open(&address).await {
            Ok(connection) => {
                self.connections += 1;
                Ok(Ok(self.table.push(Open(connection))?))
            }
            Err(fault) => Ok(Err(Error::ConnectionFailed(fault.to_string()))),
        }
    }

    async fn query(
        &mut self,
        connection: Resource<Open>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<RowSet, Error>> {
        let connection = &self.table.get(&connection)?.0;
        let parameters = match parameters(params) {
            Ok(parameters) => parameters,
            Err(message) => return Ok(Err(Error::BadParameter(message))),
        };
        Ok(connection.query(&statement, &parameters).await.map(row_set).map_err(query_failed))
    }

    async fn execute(
        &mut self,
        connection: Resource<Open>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<u64, Error>> {
        let connection = &self.table.get(&connection)?.0;
        let parameters = match parameters(params) {
            Ok(parameters) => parameters,
            // As in Spin.
            Err(message) => return Ok(Err(Error::ValueConversionFailed(message))),
        };
        Ok(connection.execute(&statement, &parameters).await.map_err(query_failed))
    }

    async fn drop(&mut self, connection: Resource<Open>) -> Result<()> {
        self.connections -= 1;
        self.table.delete(connection)?;
        Ok(())
    }
}

/// The address, if the component may reach every server that it leads to; if not, what to say to its guest.
fn permitted(address: &str, allowed: &AllowedHosts, id: &str) -> Result<Address, String> {
    let address = Address::parse(address).map_err(|fault| fault.to_string())?;
    let is_denied = |endpoint: &&databases::postgres::Endpoint| {
        !allowed.allows_host("postgres", &endpoint.host, Some(endpoint.port))
    };
    match address.endpoints().iter().find(is_denied) {
        None => Ok(address),
        Some(endpoint) => Err(format!(
            "`{endpoint}` is not allowed: add \"{endpoint}\" to `allowed_outbound_hosts` of \
            `[component.{id}]` in the manifest"
        )),
    }
}

fn query_failed(fault: Fault) -> Error {
    Error::QueryFailed(fault.to_string())
}

fn parameters(values: Vec<ParameterValue>) -> Result<Vec<Value>, String> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: ParameterValue) -> Result<Value, String> {
    Ok(match value {
        ParameterValue::Boolean(value) => Value::Boolean(value),
        ParameterValue::Int8(value) => Value::Int8(value),
        ParameterValue::Int16(value) => Value::Int16(value),
        ParameterValue::Int32(value) => Value::Int32(value),
        ParameterValue::Int64(value) => Value::Int64(value),
        ParameterValue::Floating32(value) => Value::Floating32(value),
        ParameterValue::Floating64(value) => Value::Floating64(value),
        ParameterValue::Str(value) => Value::Text(value),
        ParameterValue::Binary(value) => Value::Binary(value),
        ParameterValue::DbNull => Value::Null,
        ParameterValue::Uint8(_)
        | ParameterValue::Uint16(_)
        | ParameterValue::Uint32(_)
        | ParameterValue::Uint64(_) => {
            return Err("PostgreSQL has no unsigned integers: use a signed one".to_owned());
        }
    })
}

fn row_set(table: Table) -> RowSet {
    RowSet {
        columns: table.columns.into_iter().map(column).collect(),
        rows: table.rows.into_iter().map(|row| row.into_iter().map(db_value).collect()).collect(),
    }
}

fn column(column: StoredColumn) -> Column {
    let data_type = match column.data_type {
        DataType::Boolean => DbDataType::Boolean,
        DataType::Int16 => DbDataType::Int16,
        DataType::Int32 => DbDataType::Int32,
        DataType::Int64 => DbDataType::Int64,
        DataType::Floating32 => DbDataType::Floating32,
        DataType::Floating64 => DbDataType::Floating64,
        DataType::Text => DbDataType::Str,
        DataType::Binary => DbDataType::Binary,
        DataType::Other => DbDataType::Other,
    };
    Column { name: column.name, data_type }
}

fn db_value(value: Option<Value>) -> DbValue {
    match value {
        None => DbValue::Unsupported,
        Some(Value::Boolean(value)) => DbValue::Boolean(value),
        Some(Value::Int8(value)) => DbValue::Int8(value),
        Some(Value::Int16(value)) => DbValue::Int16(value),
        Some(Value::Int32(value)) => DbValue::Int32(value),
        Some(Value::Int64(value)) => DbValue::Int64(value),
        Some(Value::Floating32(value)) => DbValue::Floating32(value),
        Some(Value::Floating64(value)) => DbValue::Floating64(value),
        Some(Value::Text(value)) => DbValue::Str(value),
        Some(Value::Binary(value)) => DbValue::Binary(value),
        Some(Value::Null) => DbValue::DbNull,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(address: &str, entries: &[&str]) -> Option<String> {
        let allowed = AllowedHosts::parse(entries.iter().copied()).unwrap();
        permitted(address, &allowed, "shop").err()
    }

    #[test]
    fn an_address_is_permitted_if_the_manifest_names_its_server() {
        let address = "postgres://user:secret@127.0.0.1:5432/shop";
        for entry in
            ["postgres://127.0.0.1:5432", "postgres://127.0.0.1", "postgres://*:*", "*://127.0.0.0/8:5432"]
        {
            assert_eq!(denial(address, &[entry]), None, "{entry}");
        }
        assert_eq!(denial("host=DB.example.com user=u", &["postgres://*.example.com"]), None);
        assert_eq!(denial("postgres://u@[::1]/d", &["postgres://[::1]"]), None);
    }

    #[test]
    fn a_denial_says_what_to_write_and_no_password() {
        let address = "postgres://user:secret@127.0.0.1:5433/shop";
        for entries in
            [&[][..], &["postgres://127.0.0.1"], &["http://127.0.0.1:5433"], &["postgres://localhost:5433"]]
        {
            let message = denial(address, entries).unwrap();
            assert!(
                message.contains("add \"postgres://127.0.0.1:5433\" to `allowed_outbound_hosts`"),
                "{message}"
            );
            assert!(message.contains("`[component.shop]`") && !message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn every_server_of_an_address_must_be_allowed() {
        let entries = ["postgres://a:1", "postgres://b:2"];
        assert_eq!(denial("host=a,b port=1,2", &entries), None);
        assert!(denial("host=a,b port=1", &entries).unwrap().contains("`postgres://b:1`"));
        assert!(denial("host=a,c port=1,2", &entries).unwrap().contains("`postgres://c:2`"));
    }

    #[test]
    fn an_address_cannot_lead_around_the_permission() {
        let all = ["postgres://*:*"];
        assert!(denial("host=a hostaddr=10.0.0.1", &["postgres://a"]).unwrap().contains("hostaddr"));
        assert!(denial("host=/var/run/postgresql", &all).unwrap().contains("Unix sockets"));
        assert!(denial("nonsense", &all).unwrap().contains("write `postgres://"));
    }

    #[test]
    fn unsigned_integers_are_no_parameters() {
        assert!(parameters(vec![ParameterValue::Int64(1), ParameterValue::Uint8(1)]).is_err());
        assert_eq!(parameters(vec![ParameterValue::DbNull]).unwrap(), [Value::Null]);
    }
}
