//! The store in real databases of both kinds: what is acknowledged is kept, what is kept is counted once, whoever counts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as tests do"
)]
#![expect(clippy::disallowed_methods, reason = "a server is files and processes, and tests wait for it")]

mod place;
#[path = "../../../databases/tests/postgres/server.rs"]
#[expect(dead_code, reason = "its owner uses more of it")]
mod server;

use evaluation::{
    Baseline, Columns, Cut, FORM, Feature, Frame, Kind, Outcome, Profile, Row, Schema, Task, Value as Cell,
};
use evaluation_store::{Database, Error, Selection, Settings, Store, Truth, Value};
use serde_json::json;
use two_phase::Policy;

use self::place::Place;

const MODEL: &str = "m";

/// Class 1 above a half, right nine times of ten.
fn baseline() -> Baseline {
    let schema = Schema {
        features: vec![Feature { name: "x".to_owned(), kind: Kind::Number }],
        task: Task::Classification { classes: vec!["0".to_owned(), "1".to_owned()] },
    };
    let rows: Vec<([Cell<'_>; 1], usize, usize)> = (0..1000_u32)
        .map(|row| {
            let x = f64::from(row % 100) / 100.0;
            let predicted = usize::from(x > 0.5);
            ([Cell::Number(x)], predicted, if row.is_multiple_of(10) { 1 - predicted } else { predicted })
        })
        .collect();
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|(features, predicted, truth)| Row {
            features,
            predicted: Outcome::Class(Some(*predicted)),
            probabilities: &[],
            truth: Some(Outcome::Class(Some(*truth))),
        })
        .collect();
    let frame = Frame::of(schema, &rows, 10).unwrap();
    let mut profile = Profile::new(&frame).unwrap();
    rows.iter().for_each(|row| profile.add(&frame, row));
    let columns = Columns { prediction: Some("label".to_owned()), ..Columns::default() };
    Baseline { form: FORM, model: MODEL.to_owned(), columns, frame, profile }
}

fn settings() -> Settings {
    Settings {
        cut: Cut { window_s: 100, segments: vec!["country".to_owned()], horizon_s: None },
        ..Settings::default()
    }
}

/// Row `n` at second `n`, right unless `is_wrong`.
fn row(n: u32) -> (String, String) {
    let x = f64::from(n % 100) / 100.0;
    let label = u8::from(x > 0.5);
    let country = if n.is_multiple_of(4) { "FR" } else { "DE" };
    let row = json!({"key": n, "client": "c", "time": n, "inputs": {"x": x, "country": country}, "outputs": {"label": label}});
    (row.to_string(), label.to_string())
}

fn truth(n: u32, label: &str) -> Truth {
    Truth { key: json!(n), client: "c".to_owned(), label: json!(label), time: Some(f64::from(n) + 1.0) }
}

fn add<D: Database>(store: &Store<'_, D>, rows: std::ops::Range<u32>, is_wrong: impl Fn(u32) -> bool) {
    let made: Vec<_> = rows.clone().map(row).collect();
    let bodies: Vec<&str> = made.iter().map(|(body, _)| body.as_str()).collect();
    store.add_predictions(MODEL, f64::from(rows.end), &bodies).unwrap();
    let label = |(n, (_, label)): (u32, &(String, String))| match is_wrong(n) {
        true => truth(n, if label == "1" { "0" } else { "1" }),
        false => truth(n, label),
    };
    let labels: Vec<Truth> = rows.clone().zip(&made).map(label).collect();
    store.add_labels(MODEL, f64::from(rows.end), &labels).unwrap();
}

fn fold_all<D: Database>(store: &Store<'_, D>, now: f64) -> usize {
    let mut n = 0;
    while let Ok(progress) = store.fold(MODEL, now) {
        n += progress.counted;
        if !progress.is_more {
            break;
        }
    }
    n
}

fn what_is_added_is_counted_once_and_reported(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    add(&store, 0..250, |n| n.is_multiple_of(10));
    assert!(matches!(store.fold(MODEL, 0.0), Err(Error::NoBaseline { .. })));
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    assert_eq!(fold_all(&store, 300.0), 500);
    assert_eq!(fold_all(&store, 300.0), 0);
    let report = store.report(MODEL, &Selection::default(), Default::default()).unwrap();
    assert_eq!((report.current.n_rows, report.current.account.matched), (250, 250));
    assert_eq!(report.windows.iter().map(|part| part.n_rows).collect::<Vec<_>>(), [100, 100, 50]);
    let accuracy = report.current.metrics.iter().find(|metric| metric.name == "accuracy").unwrap();
    assert!((accuracy.estimate.value - 0.9).abs() < 1e-12);
    let segments: Vec<(&str, u64)> =
        report.segments.iter().map(|part| (part.name.as_str(), part.n_rows)).collect();
    assert_eq!(segments, [("country=DE", 187), ("country=FR", 63)]);
    let french = Selection { from: Some(100.0), to: Some(200.0), segment: Some("country=FR".to_owned()) };
    assert_eq!(store.report(MODEL, &french, Default::default()).unwrap().current.n_rows, 25);
}

fn many_who_count_at_once_count_each_row_once(place: &Place) {
    let first = place.open();
    Store::new(&first).put_baseline(MODEL, &baseline(), &settings()).unwrap();
    std::thread::scope(|scope| {
        for part in 0..4_u32 {
            let database = place.open();
            scope.spawn(move || {
                let store = Store::new(&database);
                for piece in 0..10 {
                    let from = part * 1000 + piece * 100;
                    add(&store, from..from + 100, |_| false);
                    // Whoever is slower finds that somebody else was faster; that is no error.
                    store.fold(MODEL, 5000.0).unwrap();
                }
            });
        }
    });
    let store = Store::new(&first);
    fold_all(&store, 5000.0);
    let report = store.report(MODEL, &Selection::default(), Default::default()).unwrap();
    assert_eq!((report.current.n_rows, report.current.account.matched), (4000, 4000));
    assert_eq!(report.monitors.iter().map(|monitor| monitor.n).max(), Some(4000));
}

fn a_new_baseline_counts_what_is_kept_anew(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    add(&store, 0..300, |_| false);
    fold_all(&store, 300.0);
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    assert_eq!(fold_all(&store, 300.0), 0, "the same baseline again changes nothing");
    let longer = Settings { cut: Cut { window_s: 1000, ..Cut::default() }, ..settings() };
    store.put_baseline(MODEL, &baseline(), &longer).unwrap();
    assert_eq!(fold_all(&store, 300.0), 600);
    let report = store.report(MODEL, &Selection::default(), Default::default()).unwrap();
    assert_eq!((report.windows.len(), report.segments.len(), report.current.n_rows), (1, 0, 300));
}

fn what_is_old_is_forgotten_and_its_counters_stay(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    let settings = Settings { retention_s: 500.0, ..settings() };
    store.put_baseline(MODEL, &baseline(), &settings).unwrap();
    add(&store, 0..100, |_| false);
    fold_all(&store, 100.0);
    add(&store, 900..1000, |_| false);
    fold_all(&store, 1000.0);
    let n = |what: &str| {
        let statement = format!("SELECT CAST({what} AS BIGINT)");
        database.execute(&statement, &[]).unwrap()[0][0].clone()
    };
    let kept = (n("(SELECT sum(n) FROM plinth_events)"), n("(SELECT count(*) FROM plinth_keys)"));
    assert_eq!(kept, (Value::Integer(200), Value::Integer(100)));
    let report = store.report(MODEL, &Selection::default(), Default::default()).unwrap();
    assert_eq!(report.current.n_rows, 200);
}

fn an_alarm_is_raised_once_and_taken_by_one(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    add(&store, 0..500, |n| (n / 4).is_multiple_of(10));
    fold_all(&store, 500.0);
    assert_eq!(store.raise(MODEL, 500.0, "/evaluate").unwrap(), 0, "{:?}", store.alarms(MODEL));
    add(&store, 500..1500, |n| (n / 4).is_multiple_of(2));
    fold_all(&store, 1500.0);
    let n_raised = store.raise(MODEL, 1500.0, "/evaluate").unwrap();
    assert!(n_raised > 0);
    assert_eq!(store.raise(MODEL, 1501.0, "/evaluate").unwrap(), 0);
    let mut taken = Vec::new();
    while let Some(due) = store.take_due(1501.0).unwrap() {
        taken.push(due);
    }
    assert_eq!(taken.len(), n_raised);
    // Whoever took it has not said what became of it: after a minute it is due again.
    assert!(store.take_due(1562.0).unwrap().is_some());
    let mut delivery = taken[0].delivery.clone();
    delivery.record(alerts::Answer::Status { status: 204, retry_after: None }, 1502);
    store.put_delivery(&delivery).unwrap();
    let raised = store.alarms(MODEL).unwrap();
    assert_eq!(raised.len(), n_raised);
    assert!(raised.iter().any(|it| it.delivery.next_attempt().is_none()));
    let error_rate = raised.iter().find(|it| it.event["subject"] == "error rate").unwrap();
    assert_eq!(error_rate.event["specversion"], "1.0");
    assert_eq!(error_rate.event["data"]["model"], MODEL);
}

fn rows_that_are_none_are_named_and_nothing_is_kept(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    let good = row(1).0;
    for wrong in [r#"{"key":1.5}"#, "[]", r#"{"key":"a","time":"yesterday"}"#] {
        let error = store.add_predictions(MODEL, 0.0, &[&good, wrong]).unwrap_err();
        assert!(matches!(error, Error::Row { row: 1, .. }), "{error}");
    }
    assert!(store.models().unwrap().is_empty());
    let broken = good.replace(',', ",\n");
    store.add_predictions(MODEL, 0.0, &[&good, &broken]).unwrap();
    assert_eq!(store.models().unwrap()[0].waiting, 2);
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    assert_eq!(fold_all(&store, 1.0), 2);
    store.add_lost(MODEL, 3).unwrap();
    store.add_lost(MODEL, 4).unwrap();
    assert_eq!(store.models().unwrap()[0].lost, 7);
}

/// Rows of the edge that were audited, by a policy of which they are wrong as often as `is_wrong` says.
fn add_audited<D: Database>(
    store: &Store<'_, D>,
    policy: &str,
    rung: usize,
    rows: std::ops::Range<u32>,
    is_wrong: impl Fn(u32) -> bool,
) {
    let line = |n: u32| {
        let edge = "1";
        let right = if is_wrong(n) { "0" } else { edge };
        let note = json!({"policy": policy, "rung": rung, "group": "", "phase": "cloud", "reason": "audit", "edge": edge, "cloud": right});
        let row = json!({"key": n, "client": "c", "time": n, "inputs": {"x": 0.7}, "outputs": {"label": 1}, "two_phase": note});
        (row.to_string(), truth(n, right))
    };
    let (lines, labels): (Vec<String>, Vec<Truth>) = rows.clone().map(line).unzip();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    store.add_predictions(MODEL, f64::from(rows.end), &lines).unwrap();
    store.add_labels(MODEL, f64::from(rows.end), &labels).unwrap();
}

fn a_broken_promise_steps_up_and_is_an_alarm(place: &Place) {
    let database = place.open();
    let store = Store::new(&database);
    store.put_baseline(MODEL, &baseline(), &settings()).unwrap();
    let policy = Policy::from_json(include_bytes!("../../../../models/digits-edge/policy.json")).unwrap();
    let unknown = store.promise(MODEL, &policy.id());
    assert!(matches!(unknown, Err(Error::NoPolicy { .. })), "{unknown:?}");
    let n_rungs = policy.thresholds.ladders().next().unwrap().1.len();
    assert!(n_rungs > 1);
    assert_eq!(store.put_policy(MODEL, &policy).unwrap().rung, 0);
    let rung = || store.promise(MODEL, &policy.id()).unwrap().rung;

    // One wrong in a hundred is what was promised; of another policy nothing is known.
    add_audited(&store, &policy.id(), 0, 0..1000, |n| n.is_multiple_of(100));
    add_audited(&store, "another", 0, 1000..2000, |_| true);
    fold_all(&store, 2000.0);
    let seen = store.put_policy(MODEL, &policy).unwrap();
    assert_eq!((seen.rung, seen.ladders[0].n, seen.ladders[0].n_wrong), (0, 1000, 10.0));

    add_audited(&store, &policy.id(), 0, 2000..3000, |n| n.is_multiple_of(5));
    fold_all(&store, 3000.0);
    assert_eq!(rung(), 1);
    store.raise(MODEL, 3000.0, "/evaluate").unwrap();
    let alarms = store.alarms(MODEL).unwrap();
    let subject = format!("promise of policy {}", policy.id());
    assert!(alarms.iter().any(|it| it.event["subject"] == subject.as_str()), "{alarms:?}");
    // Rows that were accepted on the rung before say nothing of this one.
    add_audited(&store, &policy.id(), 0, 3000..3500, |_| true);
    fold_all(&store, 3500.0);
    assert_eq!(rung(), 1);
}

/// Each behaviour in a database of each kind.
macro_rules! in_every_database {
    ($($behaviour:ident),* $(,)?) => {
        mod in_sqlite {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(&super::Place::sqlite());
            })*
        }

        mod in_postgres {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(&super::Place::postgres());
            })*
        }
    };
}

in_every_database!(
    what_is_added_is_counted_once_and_reported,
    many_who_count_at_once_count_each_row_once,
    a_new_baseline_counts_what_is_kept_anew,
    what_is_old_is_forgotten_and_its_counters_stay,
    an_alarm_is_raised_once_and_taken_by_one,
    rows_that_are_none_are_named_and_nothing_is_kept,
    a_broken_promise_steps_up_and_is_an_alarm,
);
