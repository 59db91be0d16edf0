//! What is new, into the counters: read without a transaction, counted here, written in one that holds only if nobody else was faster.

use std::collections::BTreeMap;

use evaluation::{ClientKey, Counted, Fold, Folded, Happened, Place, Profile, Remembered, What, client_key};
use serde_json::json;

use crate::{
    Database, Dialect, Result, Store, Value,
    database::{Column, ColumnType, execute, transaction},
    events,
    model::{Model, json as written, parsed},
};

/// So many pieces of what came are looked at, and taken until they have so many events.
const MOST_PIECES: usize = 2000;
const ENOUGH_EVENTS: i64 = 8000;

/// The columns of what is remembered of keys, where it is written.
const KEYS: [Column; 5] = [
    Column("client", ColumnType::Text),
    Column("name", ColumnType::Text),
    Column("is_orphan", ColumnType::Integer),
    Column("time", ColumnType::Real),
    Column("remembered", ColumnType::Text),
];

/// The columns of profiles, where they are written.
const PROFILES: [Column; 3] = [
    Column("segment", ColumnType::Text),
    Column("start", ColumnType::Integer),
    Column("profile", ColumnType::Text),
];

/// How far a fold came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many events it has counted. 0: none was new, or somebody else was faster.
    pub counted: usize,
    /// Whether more may be waiting.
    pub is_more: bool,
}

/// Events that are not counted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    /// How many.
    pub n: u32,
    /// When the first of them came, in seconds since 1970.
    pub since: Option<f64>,
}

/// Events in their order, and the number of their last piece.
struct New {
    happened: Vec<Happened>,
    /// Whether more may be waiting.
    is_more: bool,
    last: i64,
    /// When they are counted.
    now: f64,
}

impl<D: Database> Store<'_, D> {
    /// Counts what is new of a model, up to some thousand events. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`crate::Error::NoBaseline`], [`crate::Error::Database`]. Nothing has been counted then.
    pub fn fold(&self, model: &str, now: f64) -> Result<Progress> {
        let known = self.model(model)?;
        let Some(new) = self.new_events(model, &known, now)? else {
            return Ok(Progress { counted: 0, is_more: false });
        };
        let keys = self.remembered(model, &new.happened)?;
        let baseline = &known.baseline;
        let mut fold = Fold::new(&baseline.frame, &baseline.columns, &known.settings.cut, keys);
        for happened in &new.happened {
            fold.add(happened)?;
        }
        let folded = fold.finish();
        let is_written = self.write(model, &known, &new, &folded)?;
        if is_written {
            self.age(model, new.last, now - known.settings.retention_s)?;
        }
        let is_more = !is_written || new.is_more;
        Ok(Progress { counted: if is_written { new.happened.len() } else { 0 }, is_more })
    }

    /// What of a model is not counted yet, of the first thousand pieces. Nothing waits of a model without a baseline.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub fn waiting(&self, model: &str) -> Result<Waiting> {
        let statement = "SELECT CAST(coalesce(sum(n), 0) AS BIGINT), min(received) FROM \
             (SELECT n, received FROM plinth_events WHERE model = $1 AND id > \
              coalesce((SELECT folded FROM plinth_models WHERE model = $1), 9223372036854775807) ORDER BY id LIMIT 1000) \
             AS waiting";
        let rows = execute(self.database, statement, &[Value::text(model)])?;
        let [n, since] = rows.first().map_or(&[][..], Vec::as_slice) else { return Ok(Waiting::default()) };
        let n = n.integer().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        Ok(Waiting { n, since: since.real() })
    }

    fn new_events(&self, model: &str, known: &Model, now: f64) -> Result<Option<New>> {
        let last = match self.database.dialect() {
            Dialect::Sqlite => i64::MAX,
            Dialect::Postgres => self.last_visible()?,
        };
        let Some((last, is_more)) = self.enough(model, known.folded, last)? else { return Ok(None) };
        let statement = "SELECT kind, received, body FROM plinth_events WHERE model = $1 AND id > $2 AND id <= $3 ORDER BY id";
        let parameters = [Value::text(model), Value::Integer(known.folded), Value::Integer(last)];
        let rows = execute(self.database, statement, &parameters)?;
        let pieces = rows.iter().map(|row| events::happened(row));
        let happened = pieces.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        Ok(Some(New { happened, is_more, last, now }))
    }

    /// The last of the pieces after `folded` that are enough for once, and whether there may be more; none if there is none.
    fn enough(&self, model: &str, folded: i64, last: i64) -> Result<Option<(i64, bool)>> {
        let statement = format!(
            "SELECT id, n FROM plinth_events WHERE model = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT {MOST_PIECES}"
        );
        let parameters = [Value::text(model), Value::Integer(folded), Value::Integer(last)];
        let rows = execute(self.database, &statement, &parameters)?;
        let (mut n_events, mut last) = (0, None);
        for (place, row) in rows.iter().enumerate() {
            let [id, n] = row.as_slice() else { continue };
            n_events += n.integer().unwrap_or_default();
            last = id.integer();
            if n_events >= ENOUGH_EVENTS {
                return Ok(last.map(|last| (last, place + 1 < rows.len() || rows.len() == MOST_PIECES)));
            }
        }
        Ok(last.map(|last| (last, rows.len() == MOST_PIECES)))
    }

    /// The last event before which none can still become visible: those that append now are waited for.
    fn last_visible(&self) -> Result<i64> {
        execute(self.database, "SELECT 1 FROM plinth_events LIMIT 1", &[])?;
        transaction(self.database, || {
            execute(self.database, "SELECT pg_advisory_xact_lock(7305805210423457644)::text", &[])?;
            let rows = execute(self.database, "SELECT coalesce(max(id), 0) FROM plinth_events", &[])?;
            Ok(rows.first().and_then(|row| row.first()?.integer()).unwrap_or_default())
        })
    }

    /// What is remembered of the keys that these events are about.
    fn remembered(&self, model: &str, happened: &[Happened]) -> Result<BTreeMap<ClientKey, Remembered>> {
        let of = |happened: &Happened| match &happened.what {
            What::Prediction(record) => client_key(&record.client, &record.key),
            What::Truth { of, .. } => Some(of.clone()),
        };
        let names: Vec<ClientKey> = happened.iter().filter_map(of).collect();
        let given = self.database.dialect().rows(2, &KEYS[..2]);
        let statement = format!(
            "SELECT keys.client, keys.name, keys.remembered FROM (SELECT DISTINCT client, name FROM {given}) AS wanted \
             JOIN plinth_keys AS keys ON keys.model = $1 AND keys.client = wanted.client AND keys.name = wanted.name"
        );
        let parameters = [Value::text(model), Value::Text(written("keys", &names)?)];
        let rows = execute(self.database, &statement, &parameters)?;
        let known = |row: Vec<Value>| {
            let [client, name, remembered] = <[Value; 3]>::try_from(row).ok()?;
            let remembered = parsed("a key", &remembered.into_text()?);
            Some(remembered.map(|remembered| {
                ((client.into_text().unwrap_or_default(), name.into_text().unwrap_or_default()), remembered)
            }))
        };
        rows.into_iter().filter_map(known).collect()
    }

    /// Writes what was found, unless somebody else has counted these events; tells whether it did.
    fn write(&self, model: &str, known: &Model, new: &New, folded: &Folded) -> Result<bool> {
        let profiles = self.merged(model, known, &folded.counted)?;
        let monitors = self.looked(known, folded, new.now)?;
        transaction(self.database, || {
            let statement = "UPDATE plinth_models SET folded = $1, monitors = $2, refused = refused + $3, \
                 last_refused = coalesce($4, last_refused) WHERE model = $5 AND folded = $6 RETURNING 1";
            let refused = i64::try_from(folded.refused.len()).unwrap_or(i64::MAX);
            let parameters = [
                Value::Integer(new.last),
                Value::Text(monitors),
                Value::Integer(refused),
                folded.refused.last().map_or(Value::Null, Value::text),
                Value::text(model),
                Value::Integer(known.folded),
            ];
            if execute(self.database, statement, &parameters)?.is_empty() {
                return Ok(false);
            }
            self.write_keys(model, &folded.keys, new.now)?;
            self.write_profiles(model, &profiles)?;
            self.audit(model, &folded.audited)?;
            Ok(true)
        })
    }

    /// What is remembered of keys, and since when: what nobody asks for any longer is forgotten.
    fn write_keys(&self, model: &str, keys: &[(ClientKey, Remembered)], now: f64) -> Result<()> {
        let row = |((client, name), remembered): &(ClientKey, Remembered)| {
            let is_orphan = u8::from(remembered.is_orphan());
            Ok(json!([client, name, is_orphan, now, written("a key", remembered)?]))
        };
        let rows = keys.iter().map(row).collect::<Result<Vec<_>>>()?;
        let given = self.database.dialect().rows(2, &KEYS);
        let statement = format!(
            "INSERT INTO plinth_keys (model, client, name, is_orphan, time, remembered) \
             SELECT $1, client, name, is_orphan, time, remembered FROM {given} WHERE true \
             ON CONFLICT (model, client, name) DO UPDATE SET is_orphan = excluded.is_orphan, time = excluded.time, \
             remembered = excluded.remembered"
        );
        execute(self.database, &statement, &[Value::text(model), Value::Text(written("keys", &rows)?)])
            .map(drop)
    }

    fn write_profiles(&self, model: &str, profiles: &[(Place, Profile)]) -> Result<()> {
        let row = |(place, profile): &(Place, Profile)| {
            Ok(json!([place.segment, place.window, written("a profile", profile)?]))
        };
        let rows = profiles.iter().map(row).collect::<Result<Vec<_>>>()?;
        let given = self.database.dialect().rows(2, &PROFILES);
        let statement = format!(
            "INSERT INTO plinth_profiles (model, segment, start, profile) SELECT $1, segment, start, profile FROM {given} \
             WHERE true ON CONFLICT (model, segment, start) DO UPDATE SET profile = excluded.profile"
        );
        execute(self.database, &statement, &[Value::text(model), Value::Text(written("profiles", &rows)?)])
            .map(drop)
    }

    /// The counters of each place, with what is new.
    fn merged(
        &self,
        model: &str,
        known: &Model,
        counted: &BTreeMap<Place, Counted>,
    ) -> Result<Vec<(Place, Profile)>> {
        let mut merged = Vec::with_capacity(counted.len());
        for (place, new) in counted {
            let mut profile = match self.profile(model, place)? {
                Some(profile) => profile,
                None => Profile::new(&known.baseline.frame)?,
            };
            new.add_to(&mut profile)?;
            merged.push((place.clone(), profile));
        }
        Ok(merged)
    }

    fn profile(&self, model: &str, place: &Place) -> Result<Option<Profile>> {
        let statement =
            "SELECT profile FROM plinth_profiles WHERE model = $1 AND segment = $2 AND start = $3";
        let parameters = [Value::text(model), Value::text(&place.segment), Value::Integer(place.window)];
        let rows = execute(self.database, statement, &parameters)?;
        let text = rows.into_iter().next().and_then(|row| row.into_iter().next()?.into_text());
        text.map(|text| parsed("a profile", &text)).transpose()
    }

    /// Forgets counted events and keys from before a time.
    fn age(&self, model: &str, folded: i64, before: f64) -> Result<()> {
        let events = "DELETE FROM plinth_events WHERE model = $1 AND id <= $2 AND received < $3";
        execute(self.database, events, &[Value::text(model), Value::Integer(folded), Value::Real(before)])?;
        let keys = "DELETE FROM plinth_keys WHERE model = $1 AND time < $2";
        execute(self.database, keys, &[Value::text(model), Value::Real(before)]).map(drop)
    }
}
