//! A model's baseline, its settings, and how far its events have been counted.

use evaluation::{Baseline, Cut};
use serde::{Deserialize, Serialize};

use crate::{
    Database, Error, Result, Store, Value,
    database::{execute, transaction},
};

/// How a model is evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How rows are cut.
    #[serde(default)]
    pub cut: Cut,
    /// How long events and keys are kept, in seconds. Counters stay.
    pub retention_s: f64,
    /// An alarm of one subject is raised again after so many seconds at the earliest.
    pub cooldown_s: f64,
}

impl Default for Settings {
    /// Windows of a day, thirty days, six hours.
    fn default() -> Self {
        Self { cut: Cut::default(), retention_s: 30.0 * 86_400.0, cooldown_s: 6.0 * 3600.0 }
    }
}

/// A model that is evaluated.
pub(crate) struct Model {
    pub(crate) baseline: Baseline,
    pub(crate) settings: Settings,
    /// The number of the last event that was counted.
    pub(crate) folded: i64,
    pub(crate) monitors: Option<String>,
    /// What has been said of it: the watches of its subjects.
    pub(crate) judged: Option<String>,
}

/// How far counting has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The model.
    pub model: String,
    /// Whether it has a baseline.
    pub has_baseline: bool,
    /// Events that are kept and not counted yet.
    pub waiting: u64,
    /// Labels that wait for their prediction.
    pub orphans: u64,
    /// Captured predictions that never arrived.
    pub lost: u64,
    /// What came and could not be counted.
    pub refused: u64,
    /// Why the last of these could not.
    pub last_refused: Option<String>,
}

impl<D: Database> Store<'_, D> {
    /// Gives a model this baseline. If it had another one, or other windows or segments, all events that are still kept are counted anew;
    /// if it had the same, nothing happens.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn put_baseline(&self, model: &str, baseline: &Baseline, settings: &Settings) -> Result<()> {
        let baseline = json("a baseline", baseline)?;
        let settings = json("settings", settings)?;
        let statement = "INSERT INTO plinth_models (model, baseline, settings, folded, refused) VALUES ($1, $2, $3, 0, 0) \
             ON CONFLICT (model) DO UPDATE SET baseline = excluded.baseline, settings = excluded.settings, folded = 0, \
             monitors = NULL, judged = NULL, refused = 0, last_refused = NULL \
             WHERE plinth_models.baseline <> excluded.baseline OR plinth_models.settings <> excluded.settings \
             RETURNING 1";
        let of_model = [Value::text(model)];
        // Outside of the transaction, which a missing table would end.
        execute(self.database, "SELECT 1 FROM plinth_models WHERE model = $1", &of_model)?;
        transaction(self.database, || {
            let parameters = [Value::text(model), Value::Text(baseline), Value::Text(settings)];
            if execute(self.database, statement, &parameters)?.is_empty() {
                return Ok(());
            }
            execute(self.database, "DELETE FROM plinth_profiles WHERE model = $1", &of_model)?;
            execute(self.database, "DELETE FROM plinth_keys WHERE model = $1", &of_model).map(drop)
        })
    }

    pub(crate) fn model(&self, model: &str) -> Result<Model> {
        let statement =
            "SELECT baseline, settings, folded, monitors, judged FROM plinth_models WHERE model = $1";
        let rows = execute(self.database, statement, &[Value::text(model)])?;
        let missing = || Error::NoBaseline { model: model.to_owned() };
        let row = rows.into_iter().next().ok_or_else(missing)?;
        let [Value::Text(baseline), Value::Text(settings), folded, monitors, judged] = row.as_slice() else {
            return Err(missing());
        };
        Ok(Model {
            baseline: parsed("a baseline", baseline)?,
            settings: parsed("settings", settings)?,
            folded: folded.integer().unwrap_or_default(),
            monitors: monitors.clone().into_text(),
            judged: judged.clone().into_text(),
        })
    }

    /// All models of which anything is known, by name.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn models(&self) -> Result<Vec<Status>> {
        let statement = "SELECT names.model, CASE WHEN known.baseline IS NULL THEN 0 ELSE 1 END, \
             (SELECT CAST(coalesce(sum(e.n), 0) AS BIGINT) FROM plinth_events e WHERE e.model = names.model AND e.id > coalesce(known.folded, 0)), \
             (SELECT count(*) FROM plinth_keys k WHERE k.model = names.model AND k.is_orphan = 1), \
             coalesce(lost.n, 0), coalesce(known.refused, 0), known.last_refused \
             FROM (SELECT model FROM plinth_models UNION SELECT DISTINCT model FROM plinth_events \
                   UNION SELECT model FROM plinth_lost) AS names \
             LEFT JOIN plinth_models AS known ON known.model = names.model \
             LEFT JOIN plinth_lost AS lost ON lost.model = names.model ORDER BY names.model";
        Ok(execute(self.database, statement, &[])?.into_iter().filter_map(status).collect())
    }
}

fn status(row: Vec<Value>) -> Option<Status> {
    let [model, has_baseline, waiting, orphans, lost, refused, last_refused] =
        <[Value; 7]>::try_from(row).ok()?;
    let count = |value: &Value| value.integer().and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    Some(Status {
        model: model.into_text()?,
        has_baseline: has_baseline.integer() == Some(1),
        waiting: count(&waiting),
        orphans: count(&orphans),
        lost: count(&lost),
        refused: count(&refused),
        last_refused: last_refused.into_text(),
    })
}

pub(crate) fn json(what: &'static str, value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Stored { what, reason: error.to_string() })
}

pub(crate) fn parsed<T: for<'de> Deserialize<'de>>(what: &'static str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::Stored { what, reason: error.to_string() })
}
