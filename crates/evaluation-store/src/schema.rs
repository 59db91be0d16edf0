//! The tables.

use crate::{Database, Dialect};

/// Each is made unless it is there.
const TABLES: [&str; 9] = [
    "CREATE TABLE IF NOT EXISTS plinth_models (
        model TEXT PRIMARY KEY, baseline TEXT NOT NULL, settings TEXT NOT NULL, folded INTEGER NOT NULL,
        monitors TEXT, judged TEXT, refused INTEGER NOT NULL, last_refused TEXT)",
    "CREATE TABLE IF NOT EXISTS plinth_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, kind INTEGER NOT NULL, received REAL NOT NULL,
        n INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS plinth_events_of_model ON plinth_events (model, id)",
    "CREATE TABLE IF NOT EXISTS plinth_keys (
        model TEXT NOT NULL, client TEXT NOT NULL, name TEXT NOT NULL, is_orphan INTEGER NOT NULL,
        time REAL NOT NULL, remembered TEXT NOT NULL, PRIMARY KEY (model, client, name))",
    "CREATE INDEX IF NOT EXISTS plinth_keys_by_time ON plinth_keys (model, time)",
    "CREATE TABLE IF NOT EXISTS plinth_profiles (
        model TEXT NOT NULL, segment TEXT NOT NULL, start INTEGER NOT NULL, profile TEXT NOT NULL,
        PRIMARY KEY (model, segment, start))",
    "CREATE TABLE IF NOT EXISTS plinth_promises (
        model TEXT NOT NULL, policy TEXT NOT NULL, target TEXT NOT NULL, statement TEXT NOT NULL, monitors TEXT NOT NULL,
        PRIMARY KEY (model, policy))",
    "CREATE TABLE IF NOT EXISTS plinth_lost (model TEXT PRIMARY KEY, n INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS plinth_alarms (
        id TEXT PRIMARY KEY, model TEXT NOT NULL, subject TEXT NOT NULL, raised REAL NOT NULL, next REAL,
        alarm TEXT NOT NULL, delivery TEXT NOT NULL)",
];

/// Instances that make tables of PostgreSQL at once would fail, one of them; this keeps them apart.
const LOCK: &str = "SELECT pg_advisory_lock(7305805210423457643)::text";
const UNLOCK: &str = "SELECT pg_advisory_unlock(7305805210423457643)::text";

/// Makes what is not there.
pub(crate) fn make(database: &impl Database) -> Result<(), String> {
    let dialect = database.dialect();
    if dialect == Dialect::Postgres {
        database.execute(LOCK, &[])?;
    }
    for table in TABLES {
        database.execute(&dialect.types(table), &[])?;
    }
    if dialect == Dialect::Postgres {
        database.execute(UNLOCK, &[])?;
    }
    Ok(())
}
