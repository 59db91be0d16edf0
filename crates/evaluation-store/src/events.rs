//! What comes, appended as it came. Nothing is counted here.

use evaluation::{Happened, Record, What, client_key};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, value::RawValue};

use crate::{Database, Dialect, Error, Result, Store, Value, database::execute};

/// The kind of an event in the table.
const PREDICTION: i64 = 0;
const TRUTH: i64 = 1;

/// What is true of a row: `{"key": …, "client": …, "label": …, "time": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The row's name, a text or a whole number.
    pub key: Json,
    /// Whose name that is; empty if nobody said.
    #[serde(default)]
    pub client: String,
    /// What is true: a class, as text or as a number, or a number.
    pub label: Json,
    /// When that was known, in seconds since 1970 or in RFC 3339; when it came, if it is not there.
    #[serde(default, deserialize_with = "evaluation::time")]
    pub time: Option<f64>,
}

/// How much has been appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// So many rows are kept.
    pub accepted: usize,
}

impl<D: Database> Store<'_, D> {
    /// Appends captured predictions, all or none, which came at `received`. They are there when this returns.
    ///
    /// # Errors
    /// [`Error::Row`] if one is none, [`Error::Database`].
    pub fn add_predictions(&self, model: &str, received: f64, records: &[&RawValue]) -> Result<Added> {
        for (row, record) in records.iter().enumerate() {
            let read = Record::read(record.get());
            let read = read.map_err(|error| Error::Row { row, reason: error.to_string() })?;
            check_key(&read.key).map_err(|reason| Error::Row { row, reason })?;
        }
        self.append(model, PREDICTION, received, records)
    }

    /// Appends labels, all or none, which came at `received`. They are there when this returns.
    ///
    /// # Errors
    /// [`Error::Row`] if one has no key, [`Error::Database`].
    pub fn add_labels(&self, model: &str, received: f64, labels: &[Truth]) -> Result<Added> {
        for (row, label) in labels.iter().enumerate() {
            let checked = if label.key.is_null() {
                Err("a label needs a key".to_owned())
            } else {
                check_key(&label.key)
            };
            checked.map_err(|reason| Error::Row { row, reason })?;
        }
        self.append(model, TRUTH, received, labels)
    }

    /// Counts captured predictions that never arrived.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn add_lost(&self, model: &str, n: u64) -> Result<()> {
        let statement = "INSERT INTO plinth_lost (model, n) VALUES ($1, $2) \
                         ON CONFLICT (model) DO UPDATE SET n = plinth_lost.n + excluded.n";
        let n = Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        execute(self.database, statement, &[Value::text(model), n]).map(drop)
    }

    fn append(&self, model: &str, kind: i64, received: f64, bodies: &[impl Serialize]) -> Result<Added> {
        let list = serde_json::to_string(bodies)
            .map_err(|error| Error::Row { row: 0, reason: error.to_string() })?;
        let parameters = [Value::text(model), Value::Integer(kind), Value::Real(received), Value::Text(list)];
        execute(self.database, append(self.database.dialect()), &parameters)?;
        Ok(Added { accepted: bodies.len() })
    }
}

/// In PostgreSQL, numbers of rows may become visible in another order than they were given: who appends holds a lock that who folds
/// waits for, once, before it looks how far it may go.
const fn append(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "INSERT INTO plinth_events (model, kind, received, body) \
             SELECT $1, $2, $3, value FROM json_each($4) ORDER BY key"
        }
        Dialect::Postgres => {
            "WITH held AS (SELECT pg_advisory_xact_lock_shared(7305805210423457644)) \
             INSERT INTO plinth_events (model, kind, received, body) \
             SELECT $1::text, $2::bigint, $3::double precision, given.value::text \
             FROM held, json_array_elements($4::text::json) WITH ORDINALITY AS given (value, place) ORDER BY place"
        }
    }
}

fn check_key(key: &Json) -> std::result::Result<(), String> {
    match key {
        Json::Null | Json::String(_) => Ok(()),
        Json::Number(number) if number.is_i64() || number.is_u64() => Ok(()),
        other => Err(format!("a key is a string or a whole number, found `{other}`")),
    }
}

/// An event as the table has it: kind, received, body.
pub(crate) fn happened(row: &[Value]) -> Result<Happened> {
    let unreadable = |reason: String| Error::Stored { what: "an event", reason };
    let [kind, received, Value::Text(body)] = row else {
        return Err(unreadable("a column is missing".to_owned()));
    };
    let what = match kind.integer() {
        Some(PREDICTION) => What::Prediction(Record::read(body)?),
        _ => {
            let truth: Truth = serde_json::from_str(body).map_err(|error| unreadable(error.to_string()))?;
            let of = client_key(&truth.client, &truth.key).unwrap_or_default();
            What::Truth { of, label: truth.label, time: truth.time }
        }
    };
    Ok(Happened { received: received.real().unwrap_or_default(), what })
}
