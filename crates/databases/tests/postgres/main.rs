//! Connections to PostgreSQL, against a real server. It must be installed: on Debian `postgresql`, whose
//! service need not run.

#![expect(clippy::disallowed_methods, reason = "a server is files and processes, and tests wait for it")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod server;

use std::{
    future::Future,
    slice,
    sync::Arc,
    time::{Duration, Instant},
};

use databases::{
    Error,
    postgres::{Address, Connection, DataType, Postgres, Value},
};

use server::{PASSWORD, PATIENCE, Server};

/// The only value of the only row.
async fn one(connection: &Connection, statement: &str) -> Value {
    let table = connection.query(statement, &[]).await.unwrap();
    table.rows[0][0].clone().unwrap()
}

async fn process_id(connection: &Connection) -> Value {
    one(connection, "SELECT pg_backend_pid()").await
}

/// Waits until `is_so` says so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
    }
}

/// Opens until the connection is one of the process with that id.
async fn reopened(postgres: &Postgres, address: &Address, id: &Value) -> Connection {
    let begun = Instant::now();
    let mut others = Vec::new();
    loop {
        let connection = postgres.open(address).await.unwrap();
        if process_id(&connection).await == *id {
            return connection;
        }
        others.push(connection);
        assert!(begun.elapsed() < PATIENCE && others.len() < 60, "the connection was not kept");
    }
}

/// Whether the server still has the process with that id.
async fn lives(observer: &Connection, id: &Value) -> bool {
    let statement = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
    let table = observer.query(statement, slice::from_ref(id)).await.unwrap();
    table.rows[0][0] != Some(Value::Int64(0))
}

#[track_caller]
fn is_refused(error: &Error, expected: &str) {
    let message = error.to_string();
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains(PASSWORD), "{message}");
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let server = Server::running().await;
    let connection = server.connect().await;
    let cases = [
        ("boolean", Value::Boolean(true), DataType::Boolean),
        ("smallint", Value::Int16(i16::MIN), DataType::Int16),
        ("integer", Value::Int32(i32::MAX), DataType::Int32),
        ("bigint", Value::Int64(i64::MIN), DataType::Int64),
        ("real", Value::Floating32(0.1), DataType::Floating32),
        ("double precision", Value::Floating64(0.1), DataType::Floating64),
        ("text", Value::Text("é\n'".to_owned()), DataType::Text),
        ("varchar", Value::Text(String::new()), DataType::Text),
        ("char(2)", Value::Text("ab".to_owned()), DataType::Text),
        ("bytea", Value::Binary(vec![0, 255]), DataType::Binary),
    ];
    for (name, value, data_type) in cases {
        let statement = format!("SELECT $1::{name} AS given, NULL::{name}");
        let table = connection.query(&statement, slice::from_ref(&value)).await.unwrap();
        assert_eq!(table.rows, [[Some(value), Some(Value::Null)]], "{name}");
        assert_eq!((table.columns[0].name.as_str(), table.columns[0].data_type), ("given", data_type));
        let table = connection.query(&statement, &[Value::Null]).await.unwrap();
        assert_eq!(table.rows, [[Some(Value::Null), Some(Value::Null)]], "{name}");
    }
    let byte = connection.query("SELECT ($1::\"char\")::text", &[Value::Int8(65)]).await.unwrap();
    assert_eq!(byte.rows[0][0], Some(Value::Text("A".to_owned())));
}

#[tokio::test]
async fn values_of_other_types_are_not_given() {
    let server = Server::running().await;
    let connection = server.connect().await;
    let statement = "SELECT 1.5::numeric, '{}'::jsonb, now(), NULL::uuid, 1.5::numeric::text";
    let table = connection.query(statement, &[]).await.unwrap();
    assert_eq!(table.rows, [[None, None, None, None, Some(Value::Text("1.5".to_owned()))]]);
    assert_eq!(table.columns[0].data_type, DataType::Other);
}

#[tokio::test]
async fn statements_tell_their_rows_or_how_many_they_changed() {
    let server = Server::running().await;
    let connection = server.connect().await;
    connection.execute("CREATE TEMP TABLE t (x integer)", &[]).await.unwrap();
    let none = connection.query("SELECT x FROM t", &[]).await.unwrap();
    assert!(none.columns.is_empty() && none.rows.is_empty(), "{none:?}");
    let two = [Value::Int32(1), Value::Int32(2)];
    assert_eq!(connection.execute("INSERT INTO t VALUES ($1), ($2)", &two).await.unwrap(), 2);
    assert_eq!(connection.execute("UPDATE t SET x = 3 WHERE x = $1", &two[..1]).await.unwrap(), 1);
    assert_eq!(one(&connection, "SELECT sum(x) FROM t").await, Value::Int64(5));
}

#[tokio::test]
async fn a_wrong_statement_leaves_the_connection_usable() {
    let server = Server::running().await;
    let connection = server.connect().await;
    let failed = connection.query("SELECT * FROM nowhere", &[]).await.unwrap_err();
    is_refused(&failed, "relation \"nowhere\" does not exist");
    is_refused(&failed, "(42P01)");
    let text = [Value::Text("1".to_owned())];
    is_refused(&connection.query("SELECT $1::integer", &text).await.unwrap_err(), "parameter 0");
    is_refused(&connection.execute("SELECT 1", &text).await.unwrap_err(), "parameters");
    assert_eq!(one(&connection, "SELECT 1").await, Value::Int32(1));
}

#[tokio::test]
async fn who_is_not_let_in_learns_why() {
    let server = Server::running().await;
    let postgres = Postgres::default();
    let port = server.port();
    let wrong = Address::parse(&format!("postgres://plinth:wrong@127.0.0.1:{port}")).unwrap();
    let refused = postgres.open(&wrong).await.unwrap_err();
    is_refused(&refused, &format!("cannot connect to postgres://127.0.0.1:{port}: "));
    is_refused(&refused, "password authentication failed");
    let encrypted = postgres.open(&server.address("?sslmode=require")).await.unwrap_err();
    is_refused(&encrypted, "server does not support TLS");
    let nobody = Address::parse("postgres://plinth:wrong@127.0.0.1:1").unwrap();
    is_refused(&postgres.open(&nobody).await.unwrap_err(), "Connection refused");
}

#[tokio::test]
async fn the_next_user_of_a_connection_finds_nothing_of_the_last() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let first = postgres.open(&address).await.unwrap();
    let id = process_id(&first).await;
    for statement in [
        "SET application_name = 'first'",
        "CREATE TEMP TABLE left_behind (x integer)",
        "SELECT pg_advisory_lock(1)",
        "LISTEN anything",
        "SET ROLE pg_monitor",
        "BEGIN",
    ] {
        first.query(statement, &[]).await.unwrap();
    }
    drop(first);
    let second = reopened(&postgres, &address, &id).await;
    for (statement, expected) in [
        ("SELECT current_setting('application_name')", ""),
        ("SELECT coalesce(to_regclass('left_behind')::text, '')", ""),
        ("SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'", "0"),
        ("SELECT count(*)::text FROM pg_listening_channels()", "0"),
        ("SELECT current_user::text", "plinth"),
    ] {
        assert_eq!(one(&second, statement).await, Value::Text(expected.to_owned()), "{statement}");
    }
}

#[tokio::test]
async fn a_transaction_left_open_is_rolled_back() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let observer = server.connect().await;
    observer.execute("CREATE TABLE transactions (x integer)", &[]).await.unwrap();
    let first = postgres.open(&address).await.unwrap();
    let id = process_id(&first).await;
    first.execute("BEGIN", &[]).await.unwrap();
    first.execute("INSERT INTO transactions VALUES (1)", &[]).await.unwrap();
    drop(first);
    observer.execute("BEGIN", &[]).await.unwrap();
    // Waits until the other transaction is over.
    observer.execute("LOCK TABLE transactions", &[]).await.unwrap();
    assert_eq!(one(&observer, "SELECT count(*) FROM transactions").await, Value::Int64(0));
    observer.execute("DROP TABLE transactions", &[]).await.unwrap();
    observer.execute("COMMIT", &[]).await.unwrap();
    drop(reopened(&postgres, &address, &id).await);
}

#[tokio::test]
async fn connections_that_cannot_be_emptied_are_closed() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let observer = server.connect().await;
    for statements in [["BEGIN", "SELECT 1/0"], ["PREPARE p AS SELECT 1", "SELECT 1"]] {
        let connection = postgres.open(&address).await.unwrap();
        let id = process_id(&connection).await;
        for statement in statements {
            drop(connection.execute(statement, &[]).await);
        }
        drop(connection);
        until("closed", async || !lives(&observer, &id).await).await;
    }
}

#[tokio::test]
async fn types_of_the_database_survive_that_a_connection_is_emptied() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let first = postgres.open(&address).await.unwrap();
    let id = process_id(&first).await;
    first.execute("CREATE TYPE mood AS ENUM ('good')", &[]).await.unwrap();
    assert_eq!(first.query("SELECT 'good'::mood", &[]).await.unwrap().rows, [[None]]);
    drop(first);
    let second = reopened(&postgres, &address, &id).await;
    second.execute("CREATE TYPE mood2 AS ENUM ('bad')", &[]).await.unwrap();
    assert_eq!(second.query("SELECT 'bad'::mood2, 'good'::mood", &[]).await.unwrap().rows, [[None, None]]);
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_stopped() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let observer = server.connect().await;
    let connection = postgres.open(&address).await.unwrap();
    let id = process_id(&connection).await;
    let is_at_work = async || {
        let statement = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%sleep%'";
        let table = observer.query(statement, slice::from_ref(&id)).await.unwrap();
        table.rows[0][0] == Some(Value::Int64(1))
    };
    tokio::select! {
        ended = connection.query("SELECT pg_sleep(3600)", &[]) => panic!("{ended:?}"),
        () = until("at work", is_at_work) => {}
    }
    drop(connection);
    until("stopped", async || !lives(&observer, &id).await).await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let server = Server::running().await;
    let (postgres, address) = (Postgres::default(), server.address(""));
    let observer = server.connect().await;
    let first = postgres.open(&address).await.unwrap();
    let id = process_id(&first).await;
    drop(first);
    drop(reopened(&postgres, &address, &id).await);
    let terminate = "SELECT pg_terminate_backend($1, 60000)";
    observer.query(terminate, slice::from_ref(&id)).await.unwrap();
    until("seen to be closed", async || {
        let second = postgres.open(&address).await.unwrap();
        second.query("SELECT 1", &[]).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn who_wants_one_connection_too_many_waits_for_another_to_leave() {
    let server = Server::running().await;
    let (postgres, address) = (Arc::new(Postgres::default()), server.address("?application_name=many"));
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(postgres.open(&address).await.unwrap());
    }
    let mut waiting = Box::pin(postgres.open(&address));
    assert!(is_pending(&mut waiting).await, "there are more than 64");
    drop(held.pop());
    waiting.await.unwrap();
}

async fn is_pending<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    tokio::time::timeout(Duration::from_millis(50), future).await.is_err()
}

#[tokio::test]
async fn more_rows_than_can_be_held_are_an_error() {
    let server = Server::running().await;
    let connection = server.connect().await;
    let many = "SELECT repeat('x', 1000000) FROM generate_series(1, 200)";
    let error = connection.query(many, &[]).await.unwrap_err();
    assert!(matches!(error, Error::PostgresRows { .. }), "{error}");
}
