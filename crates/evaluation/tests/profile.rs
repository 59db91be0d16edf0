//! Profiles of parts are the profile of the whole, however the parts are cut and in whatever order they are merged; and reports say what
//! the rows that they are made of were made to say. Formulas are compared with other implementations in `metrics`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use evaluation::{
    Baseline, Columns, FORM, Feature, Frame, Kind, Named, Outcome, Profile, Report, Row, Rules, Schema, Task,
    Value, Verdict, report,
};
use proptest::prelude::*;

const CITIES: [&str; 3] = ["Bern", "Basel", "Zug"];

/// A row that owns its values.
#[derive(Clone, Debug)]
struct Made {
    number: Option<f64>,
    city: usize,
    positive: f64,
    truth: Option<usize>,
}

fn schema() -> Schema {
    let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
    Schema {
        features: vec![feature("size", Kind::Number), feature("city", Kind::Category)],
        task: Task::Classification { classes: vec!["no".to_owned(), "yes".to_owned()] },
    }
}

/// Calls `then` with the rows, borrowed.
fn with_rows<T>(made: &[Made], then: impl FnOnce(&[Row<'_>]) -> T) -> T {
    let parts: Vec<([Value<'_>; 2], [f64; 2])> = made
        .iter()
        .map(|row| {
            let number = row.number.map_or(Value::Missing, Value::Number);
            ([number, Value::Category(CITIES[row.city])], [1.0 - row.positive, row.positive])
        })
        .collect();
    let rows: Vec<Row<'_>> = made
        .iter()
        .zip(&parts)
        .map(|(row, (features, probabilities))| Row {
            features,
            predicted: Outcome::Class(Some(usize::from(row.positive > 0.5))),
            probabilities,
            truth: row.truth.map(|truth| Outcome::Class(Some(truth))),
        })
        .collect();
    then(&rows)
}

fn frame(made: &[Made]) -> Frame {
    with_rows(made, |rows| Frame::of(schema(), rows, 5)).expect("there are rows")
}

fn counted(frame: &Frame, made: &[Made]) -> Profile {
    let mut profile = Profile::new(frame).unwrap();
    with_rows(made, |rows| rows.iter().for_each(|row| profile.add(frame, row)));
    profile.account.matched += made.iter().filter(|row| row.truth.is_some()).count() as u64;
    profile
}

/// `n` rows whose sizes begin at `shift` and of which one in `wrong_each` is predicted wrongly.
fn rows(n: usize, shift: f64, wrong_each: usize) -> Vec<Made> {
    let row = |idx: usize| {
        let truth = usize::from(idx.is_multiple_of(3));
        let is_wrong = idx % wrong_each == 1;
        let predicted = if is_wrong { 1 - truth } else { truth };
        let number = Some(shift + (idx * 37 % 101) as f64);
        Made { number, city: idx % 3, positive: if predicted == 1 { 0.9 } else { 0.1 }, truth: Some(truth) }
    };
    (0..n).map(row).collect()
}

fn baseline(made: &[Made]) -> Baseline {
    let frame = frame(made);
    let profile = counted(&frame, made);
    Baseline { form: FORM, model: "m".to_owned(), columns: Columns::default(), frame, profile }
}

fn reported(baseline: &Baseline, windows: &[Vec<Made>]) -> Report {
    let named = |(idx, made): (usize, &Vec<Made>)| Named {
        name: format!("w{idx}"),
        profile: counted(&baseline.frame, made),
    };
    let windows: Vec<Named> = windows.iter().enumerate().map(named).collect();
    report(baseline, &windows, &[], Rules::default(), None).unwrap()
}

#[test]
fn the_same_rows_are_no_finding() {
    let made = rows(3000, 0.0, 10);
    let report = reported(&baseline(&made), &[made.clone(), made.clone()]);
    assert_eq!(report.findings, []);
    assert!(!report.is_alarm());
}

#[test]
fn more_errors_are_an_alarm_since_they_began() {
    let made = rows(3000, 0.0, 10);
    let report = reported(&baseline(&made), &[made.clone(), rows(3000, 0.0, 4), rows(3000, 0.0, 4)]);
    let accuracy = report.findings.iter().find(|finding| finding.subject == "accuracy").unwrap();
    assert_eq!(accuracy.since.as_deref(), Some("w1"));
    assert!(report.is_alarm());
    assert!(report.findings.iter().any(|finding| finding.subject == "promised accuracy"));
    assert!(report.features.iter().all(|feature| feature.drift.verdict == Verdict::Stable));
}

#[test]
fn moved_values_are_named_and_no_alarm() {
    let made = rows(3000, 0.0, 10);
    let report = reported(&baseline(&made), &[rows(3000, 40.0, 10)]);
    assert_eq!(report.features[0].name, "size");
    assert_eq!(report.features[0].drift.verdict, Verdict::Drifted);
    assert_eq!(report.features[1].drift.verdict, Verdict::Stable);
    assert!(!report.is_alarm());
}

#[test]
fn a_window_too_small_to_tell_is_no_alarm() {
    let made = rows(3000, 0.0, 10);
    let report = reported(&baseline(&made), &[rows(20, 0.0, 4)]);
    assert!(!report.is_alarm(), "{:?}", report.findings);
}

#[test]
fn a_page_is_whole_and_reads_nothing_else() {
    let made = rows(500, 0.0, 10);
    let page = reported(&baseline(&made), &[made.clone(), rows(500, 40.0, 4)]).page();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for outside in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

fn any_row() -> impl Strategy<Value = Made> {
    let number =
        prop_oneof![9 => (-1e6..1e6_f64).prop_map(Some), 1 => Just(None), 1 => Just(Some(f64::INFINITY))];
    let truth = prop_oneof![Just(None), Just(Some(0)), Just(Some(1))];
    (number, 0_usize..3, 0.0..=1.0_f64, truth).prop_map(|(number, city, positive, truth)| Made {
        number,
        city,
        positive,
        truth,
    })
}

proptest! {
    #[test]
    fn merging_is_counting_the_whole(made in prop::collection::vec(any_row(), 60..160), cuts in (0_usize..160, 0_usize..160)) {
        let frame = frame(&made);
        let (first, second) = (cuts.0.min(made.len()), cuts.1.min(made.len()));
        let (a, b) = (first.min(second), first.max(second));
        let part = |range: std::ops::Range<usize>| counted(&frame, &made[range]);
        let whole = part(0..made.len());
        let mut from_left = part(0..a);
        from_left.merge(&part(a..b)).unwrap();
        from_left.merge(&part(b..made.len())).unwrap();
        let mut from_right = part(b..made.len());
        let mut middle = part(a..b);
        middle.merge(&part(0..a)).unwrap();
        from_right.merge(&middle).unwrap();
        prop_assert_eq!(&from_left, &whole);
        prop_assert_eq!(&from_right, &whole);
        let stored: Profile = serde_json::from_str(&serde_json::to_string(&from_left).unwrap()).unwrap();
        prop_assert_eq!(&stored, &whole);
        prop_assert_eq!(stored.metrics(Rules::default().confidence), whole.metrics(Rules::default().confidence));
    }
}
