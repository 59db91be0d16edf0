//! What a fold leads to: monitors that look at what is new, alarms, and their deliveries. Who sends them is somebody else.

use alerts::{Alarm, Cooldown, Delivery, Watches, event};
use evaluation::{Finding, Folded, MonitorSettings, Monitors, Report, Rules, Windows, rfc3339};
use serde_json::json;

use crate::{
    Database, Error, Result, Selection, Store, Value,
    database::{execute, transaction},
    model::{Model, json as written, parsed},
    profiles::Selected,
};

/// Whoever takes a delivery has so many seconds for it; then another may.
const CLAIM_S: f64 = 60.0;

/// An alarm that has been raised.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Raised {
    /// The event, as it is sent.
    pub event: serde_json::Value,
    /// What became of it.
    pub delivery: Delivery,
}

/// An event that is to be sent now.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// The event's bytes, the same at every attempt.
    pub body: String,
    /// What became of it so far.
    pub delivery: Delivery,
}

impl<D: Database> Store<'_, D> {
    /// Judges a model by its monitors and by the windows that have ended, and keeps what is an event now; tells how many are new. `source` is
    /// who says so, as `CloudEvents` has it.
    ///
    /// # Errors
    /// [`Error::NoBaseline`], [`Error::Database`].
    pub fn raise(&self, model: &str, now: f64, source: &str) -> Result<usize> {
        let known = self.model(model)?;
        let selected = self.selected(model, &known, &ended(&known, now))?;
        let mut report = self.report_of(&known, selected, Rules::default(), true)?;
        report.findings.extend(self.broken_promises(model)?);
        let judged = known.judged.as_deref();
        let mut watches: Watches = judged.map(|text| parsed("alarms", text)).transpose()?.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
        let (at, cooldown) = (now as i64, Cooldown(known.settings.cooldown_s.max(0.0) as u64));
        let due = watches.due(&report.findings, at, cooldown);
        let alarms = due.into_iter().map(|(finding, occurrence)| {
            let alarm = Alarm::new(model, finding, occurrence, evidence(&report, finding));
            body(&alarm, source).map(|body| (alarm, body))
        });
        let alarms = alarms.collect::<Result<Vec<_>>>()?;
        let judgement = written("alarms", &watches)?;
        if judged == Some(judgement.as_str()) {
            return Ok(0);
        }
        self.keep(model, judged, &judgement, &alarms)
    }

    /// Keeps alarms and what has been said, unless somebody else has been faster.
    fn keep(
        &self,
        model: &str,
        before: Option<&str>,
        after: &str,
        alarms: &[(Alarm, String)],
    ) -> Result<usize> {
        transaction(self.database, || {
            let statement = "UPDATE plinth_models SET judged = $1 WHERE model = $2 AND coalesce(judged, '') = $3 RETURNING 1";
            let parameters =
                [Value::text(after), Value::text(model), Value::text(before.unwrap_or_default())];
            if execute(self.database, statement, &parameters)?.is_empty() {
                return Ok(0);
            }
            for (alarm, event) in alarms {
                self.insert(alarm, event)?;
            }
            Ok(alarms.len())
        })
    }

    fn insert(&self, alarm: &Alarm, event: &str) -> Result<()> {
        let statement = "INSERT INTO plinth_alarms (id, model, subject, raised, next, alarm, delivery) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
        let at = alarm.raised_at as f64;
        let parameters = [
            Value::text(&alarm.id),
            Value::text(&alarm.model),
            Value::text(&alarm.subject),
            Value::Real(at),
            Value::Real(at),
            Value::text(event),
            Value::Text(written("a delivery", &Delivery::new(&alarm.id, alarm.raised_at))?),
        ];
        execute(self.database, statement, &parameters).map(drop)
    }

    /// Takes an event that is to be sent at `now`, if there is one. Nobody else gets it for a minute.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn take_due(&self, now: f64) -> Result<Option<Due>> {
        let statement = "UPDATE plinth_alarms SET next = $1 WHERE id = \
             (SELECT id FROM plinth_alarms WHERE next <= $2 ORDER BY next LIMIT 1) AND next <= $2 RETURNING alarm, delivery";
        let parameters = [Value::Real(now + CLAIM_S), Value::Real(now)];
        let row = execute(self.database, statement, &parameters)?.into_iter().next();
        let Some(row) = row else { return Ok(None) };
        let [Value::Text(body), Value::Text(delivery)] = row.as_slice() else { return Ok(None) };
        Ok(Some(Due { body: body.clone(), delivery: parsed("a delivery", delivery)? }))
    }

    /// Keeps what became of an event.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        let statement = "UPDATE plinth_alarms SET delivery = $1, next = $2 WHERE id = $3";
        let next = delivery.next_attempt().map_or(Value::Null, |at| Value::Real(at as f64));
        let parameters = [Value::Text(written("a delivery", delivery)?), next, Value::text(&delivery.id)];
        execute(self.database, statement, &parameters).map(drop)
    }

    /// The alarms of a model, the newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn alarms(&self, model: &str) -> Result<Vec<Raised>> {
        let statement =
            "SELECT alarm, delivery FROM plinth_alarms WHERE model = $1 ORDER BY raised DESC, id LIMIT 1000";
        let rows = execute(self.database, statement, &[Value::text(model)])?;
        let raised = |row: Vec<Value>| {
            let [event, delivery] = <[Value; 2]>::try_from(row).ok()?;
            let raised = parsed("an alarm", &event.into_text()?);
            Some(raised.and_then(|event| {
                let delivery = parsed("a delivery", &delivery.into_text().unwrap_or_default())?;
                Ok(Raised { event, delivery })
            }))
        };
        rows.into_iter().filter_map(raised).collect()
    }

    /// The monitors after they have looked at what a fold has found.
    pub(crate) fn looked(&self, known: &Model, folded: &Folded, now: f64) -> Result<String> {
        let mut monitors = monitors(known)?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds")]
        let at = rfc3339(now as i64);
        let frame = &known.baseline.frame;
        monitors.look(frame, &folded.whole(frame)?, &at)?;
        written("monitors", &monitors)
    }

    /// The report of selected profiles; with the monitors that looked at every fold if it is of everything.
    pub(crate) fn report_of(
        &self,
        known: &Model,
        selected: Selected,
        rules: Rules,
        is_whole: bool,
    ) -> Result<Report> {
        let (windows, segments) = selected.named(Windows::Seconds(known.settings.cut.window_s));
        let carried = if is_whole { Some(monitors(known)?) } else { None };
        Ok(evaluation::report(&known.baseline, &windows, &segments, rules, carried.as_ref())?)
    }
}

/// Windows that have ended.
fn ended(known: &Model, now: f64) -> Selection {
    let length = known.settings.cut.window_s as f64;
    Selection { to: Some((now / length).floor() * length), ..Selection::default() }
}

fn monitors(known: &Model) -> Result<Monitors> {
    match &known.monitors {
        Some(text) => parsed("monitors", text),
        None => Ok(Monitors::new(&known.baseline, MonitorSettings::default())?),
    }
}

fn body(alarm: &Alarm, source: &str) -> Result<String> {
    let event = event(alarm, source).and_then(|event| event.body());
    event.map_err(|error| Error::Stored { what: "an event", reason: error.to_string() })
}

/// What an alarm was concluded from.
fn evidence(report: &Report, finding: &Finding) -> serde_json::Value {
    let window = report.windows.iter().rev().find(|part| part.n_labelled > 0);
    json!({
        "finding": finding,
        "rows": report.current.n_rows,
        "labelled": report.current.n_labelled,
        "last_window": window.map(|part| json!({"start": part.name, "rows": part.n_rows, "metrics": part.changes})),
        "monitors": report.monitors.iter().filter(|it| it.alarmed_at.is_some()).collect::<Vec<_>>(),
        "rules": report.rules,
    })
}
