//! What comes, appended as it came: several rows in one piece, a line of JSON each. Nothing is counted here.

use evaluation::{Happened, Record, What, client_key};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Database, Dialect, Error, Result, Store, Value,
    database::{execute, transaction},
    model::json,
};

/// The kind of an event in the table.
const PREDICTION: i64 = 0;
const TRUTH: i64 = 1;

/// A piece has so many bytes at most, unless it is of one row, and so many rows.
const PIECE_BYTES: usize = 256 << 10;
const PIECE_ROWS: i64 = 1000;

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
    pub fn add_predictions(&self, model: &str, received: f64, records: &[&str]) -> Result<Added> {
        for (row, record) in records.iter().enumerate() {
            let key = Record::check(record);
            let key = key.map_err(|error| Error::Row { row, reason: error.to_string() })?;
            check_key(&key).map_err(|reason| Error::Row { row, reason })?;
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
        let lines = labels.iter().map(|label| json("a label", label)).collect::<Result<Vec<_>>>()?;
        self.append(model, TRUTH, received, &lines)
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

    fn append(&self, model: &str, kind: i64, received: f64, rows: &[impl AsRef<str>]) -> Result<Added> {
        let statement = append(self.database.dialect());
        let add = |piece: &Piece| {
            let parameters = [
                Value::text(model),
                Value::Integer(kind),
                Value::Real(received),
                Value::Integer(piece.n),
                Value::text(&piece.lines),
            ];
            execute(self.database, statement, &parameters).map(drop)
        };
        match pieces(rows).as_slice() {
            [] => {}
            [piece] => add(piece)?,
            pieces => {
                // Outside of the transaction, which a missing table would end.
                execute(self.database, "SELECT 1 FROM plinth_events LIMIT 1", &[])?;
                transaction(self.database, || pieces.iter().try_for_each(add))?;
            }
        }
        Ok(Added { accepted: rows.len() })
    }
}

/// Rows that are kept together.
#[derive(Default)]
struct Piece {
    lines: String,
    n: i64,
}

fn pieces(rows: &[impl AsRef<str>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for row in rows.iter().map(AsRef::as_ref) {
        let has_room =
            |piece: &&mut Piece| piece.lines.len() + row.len() < PIECE_BYTES && piece.n < PIECE_ROWS;
        let piece = match pieces.last_mut().filter(has_room) {
            Some(piece) => piece,
            None => pieces.push_mut(Piece::default()),
        };
        // In JSON a line break is white space: within a text it is escaped.
        piece.lines.extend(row.chars().map(|c| if c == '\n' { ' ' } else { c }));
        piece.lines.push('\n');
        piece.n += 1;
    }
    pieces
}

/// In PostgreSQL, numbers of pieces may become visible in another order than they were given: who appends holds a lock that who folds
/// waits for, once, before it looks how far it may go.
const fn append(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "INSERT INTO plinth_events (model, kind, received, n, body) VALUES ($1, $2, $3, $4, $5)"
        }
        Dialect::Postgres => {
            "WITH held AS (SELECT pg_advisory_xact_lock_shared(7305805210423457644)) \
             INSERT INTO plinth_events (model, kind, received, n, body) \
             SELECT $1::text, $2::bigint, $3::double precision, $4::bigint, $5::text FROM held"
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

/// The events of a piece as the table has it: kind, received, body.
pub(crate) fn happened(row: &[Value]) -> Result<Vec<Happened>> {
    let [kind, received, Value::Text(lines)] = row else {
        return Err(Error::Stored { what: "events", reason: "a column is missing".to_owned() });
    };
    let received = received.real().unwrap_or_default();
    let what = match kind.integer() {
        Some(PREDICTION) => prediction,
        _ => truth,
    };
    lines.lines().map(|line| Ok(Happened { received, what: what(line)? })).collect()
}

fn prediction(line: &str) -> Result<What> {
    Ok(What::Prediction(Record::read(line)?))
}

fn truth(line: &str) -> Result<What> {
    let truth: Truth = serde_json::from_str(line)
        .map_err(|error| Error::Stored { what: "a label", reason: error.to_string() })?;
    let of = client_key(&truth.client, &truth.key).unwrap_or_default();
    Ok(What::Truth { of, label: truth.label, time: truth.time })
}
