//! Monitors keep their promise however often they look, and say when something has changed. What they find is held against how the rows were
//! made, never against what they said before; their formulas are compared with other implementations in `metrics`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "../../metrics/examples/false_alarms/random.rs"]
mod random;

use evaluation::{
    Baseline, Columns, Error, FORM, Feature, Frame, Judgement, Kind, MonitorReport, MonitorSettings,
    Monitors, Named, Outcome, Profile, Report, Row, Rules, Schema, Task, Value, Watched, report,
};
use proptest::prelude::*;
use random::Random;

const CITIES: [&str; 3] = ["Bern", "Basel", "Zug"];

/// A row that owns its values: `size`, `city`, a feature that is always missing, and whether the model is wrong.
#[derive(Clone, Debug)]
struct Made {
    size: Option<f64>,
    city: usize,
    truth: f64,
    error: f64,
    is_labelled: bool,
}

/// How rows are made.
#[derive(Clone, Copy)]
struct Recipe {
    wrong: f64,
    shift: f64,
}

const USUAL: Recipe = Recipe { wrong: 0.1, shift: 0.0 };

fn made(n: usize, recipe: Recipe, random: &mut Random) -> Vec<Made> {
    let row = |_| Made {
        size: (!random.bit(0.05)).then(|| random.normal() + recipe.shift),
        city: usize::from(random.bit(0.5)) + usize::from(random.bit(0.5)),
        truth: f64::from(u8::from(random.bit(0.3))),
        error: f64::from(u8::from(random.bit(recipe.wrong))),
        is_labelled: true,
    };
    (0..n).map(row).collect()
}

fn schema(task: Task) -> Schema {
    let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
    let features = vec![
        feature("size", Kind::Number),
        feature("city", Kind::Category),
        feature("nothing", Kind::Number),
    ];
    Schema { features, task }
}

fn classes() -> Task {
    Task::Classification { classes: vec!["no".to_owned(), "yes".to_owned()] }
}

/// Calls `then` with the rows, borrowed, of the task.
fn with_rows<T>(task: &Task, made: &[Made], then: impl FnOnce(&[Row<'_>]) -> T) -> T {
    let features: Vec<[Value<'_>; 3]> = made
        .iter()
        .map(|row| {
            let size = row.size.map_or(Value::Missing, Value::Number);
            [size, Value::Category(CITIES[row.city]), Value::Missing]
        })
        .collect();
    let class = |number: f64| Outcome::Class(Some(usize::from(number > 0.5)));
    let outcomes = |row: &Made| match task {
        Task::Regression => (Outcome::Number(row.truth + row.error), Outcome::Number(row.truth)),
        Task::Classification { .. } => (class((row.truth - row.error).abs()), class(row.truth)),
    };
    let rows: Vec<Row<'_>> = made
        .iter()
        .zip(&features)
        .map(|(row, features)| {
            let (predicted, truth) = outcomes(row);
            Row { features, predicted, probabilities: &[], truth: row.is_labelled.then_some(truth) }
        })
        .collect();
    then(&rows)
}

fn counted(frame: &Frame, made: &[Made]) -> Profile {
    let mut profile = Profile::new(frame).unwrap();
    with_rows(&frame.schema.task, made, |rows| rows.iter().for_each(|row| profile.add(frame, row)));
    profile
}

fn baseline_of(task: Task, made: &[Made]) -> Baseline {
    let frame = with_rows(&task.clone(), made, |rows| Frame::of(schema(task), rows, 5)).expect("rows");
    let profile = counted(&frame, made);
    Baseline { form: FORM, model: "m".to_owned(), columns: Columns::default(), frame, profile }
}

fn baseline(random: &mut Random) -> Baseline {
    baseline_of(classes(), &made(1000, USUAL, random))
}

fn monitors(baseline: &Baseline) -> Monitors {
    Monitors::new(baseline, MonitorSettings::default()).unwrap()
}

/// Monitors that have looked at every 50 of the rows; the looks are numbered from `first`.
fn look(monitors: &mut Monitors, frame: &Frame, made: &[Made], first: usize) {
    for (idx, rows) in made.chunks(50).enumerate() {
        monitors.look(frame, &counted(frame, rows), &(first + idx).to_string()).unwrap();
    }
}

fn of<'a>(reports: &'a [MonitorReport], name: &str) -> &'a MonitorReport {
    reports.iter().find(|monitor| monitor.name == name).unwrap()
}

#[test]
fn half_of_the_level_is_the_losss_and_features_without_bins_have_none() {
    let reports = monitors(&baseline(&mut Random::new(1))).reports();
    let names: Vec<&str> = reports.iter().map(|monitor| monitor.name.as_str()).collect();
    assert_eq!(names, ["error rate", "feature size", "feature city", "prediction"]);
    assert_eq!(reports[1].watched, Watched::Feature("size".to_owned()));
    // Half of 5 %, and a third of the other half. Expected: ln(2 / level).
    let expected = [(0.025, 80_f64), (0.025 / 3.0, 240.0), (0.025 / 3.0, 240.0), (0.025 / 3.0, 240.0)];
    for (monitor, (level, e_value)) in reports.iter().zip(expected) {
        assert!((monitor.test_level - level).abs() < 1e-15, "{monitor:?}");
        assert!((libm::exp(monitor.log_threshold) - e_value).abs() < 1e-9, "{monitor:?}");
    }
}

/// Expected: of `n` rows without an error, the bound of Clopper and Pearson is `1 - level^(1/n)`, here at a quarter of 5 %; the accuracy may
/// fall by 2 % of 1.
#[test]
fn the_threshold_is_the_bound_of_the_baselines_errors_and_what_a_report_tolerates() {
    let rows = made(1000, Recipe { wrong: 0.0, ..USUAL }, &mut Random::new(2));
    let reports = monitors(&baseline_of(classes(), &rows)).reports();
    let expected = 1.0 - libm::pow(0.0125, 1e-3) + 0.02;
    let found = of(&reports, "error rate").loss.unwrap().threshold;
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

/// The promise is 5 % at most; of 100 streams, 14 or more have then a probability below a thousandth.
#[test]
fn streams_without_a_change_alarm_as_rarely_as_promised() {
    let has_alarmed = |seed: &u64| {
        let mut random = Random::new(*seed);
        let baseline = baseline(&mut random);
        let mut monitors = monitors(&baseline);
        look(&mut monitors, &baseline.frame, &made(2000, USUAL, &mut random), 0);
        !monitors.alarms().is_empty()
    };
    let n_alarmed = (1..=100).filter(has_alarmed).count();
    assert!(n_alarmed < 14, "{n_alarmed}");
}

/// What alarms after 40 looks without a change and 40 with one, and at which look it first did.
fn alarms(task: Task, changed: Recipe, seed: u64) -> Vec<(String, usize)> {
    let mut random = Random::new(seed);
    let baseline = baseline_of(task, &made(1000, USUAL, &mut random));
    let mut monitors = monitors(&baseline);
    look(&mut monitors, &baseline.frame, &made(2000, USUAL, &mut random), 0);
    look(&mut monitors, &baseline.frame, &made(2000, changed, &mut random), 40);
    let alarms = monitors.alarms().into_iter();
    alarms
        .map(|alarm| {
            let since: usize = alarm.since.parse().unwrap();
            assert_eq!(alarm.n, 50 * (since as u64 + 1), "{alarm:?}");
            assert!(alarm.log_e_value >= alarm.log_threshold, "{alarm:?}");
            (alarm.subject, since)
        })
        .collect()
}

#[track_caller]
fn check_alarm(task: Task, changed: Recipe, subject: &str) {
    for seed in 1..=5 {
        let found = alarms(task.clone(), changed, seed);
        assert!(found.len() == 1 && found[0].0 == subject, "{found:?}");
        assert!((40..70).contains(&found[0].1), "{found:?}");
    }
}

#[test]
fn more_errors_alarm_after_they_began() {
    check_alarm(classes(), Recipe { wrong: 0.3, ..USUAL }, "error rate");
}

#[test]
fn values_that_move_alarm_after_they_began() {
    check_alarm(classes(), Recipe { shift: 1.0, ..USUAL }, "feature size");
}

/// Errors are 0 or 1, and 1 in five rows of the baseline at most: none is above the 90 % quantile of these. Then some are 3.
#[test]
fn larger_errors_of_a_regression_alarm() {
    let mut random = Random::new(3);
    let usual = made(1000, Recipe { wrong: 0.2, ..USUAL }, &mut random);
    let baseline = baseline_of(Task::Regression, &usual);
    assert_eq!(baseline.frame.large_error, Some(1.0));
    let mut monitors = monitors(&baseline);
    look(&mut monitors, &baseline.frame, &usual, 0);
    assert_eq!(monitors.alarms(), []);
    let larger: Vec<Made> = usual.iter().map(|row| Made { error: 3.0 * row.error, ..row.clone() }).collect();
    look(&mut monitors, &baseline.frame, &larger, 20);
    assert!(monitors.alarms().iter().any(|alarm| alarm.subject == "large errors"));
    let n_large = larger.iter().filter(|row| row.error > 1.0).count();
    let mean = of(&monitors.reports(), "large errors").loss.unwrap().mean.unwrap();
    assert!((mean - n_large as f64 / 2000.0).abs() < 1e-12, "{mean}");
}

#[test]
fn a_baseline_without_labels_leaves_the_loss_alone() {
    let mut random = Random::new(4);
    let unlabelled = |rows: Vec<Made>| -> Vec<Made> {
        rows.into_iter().map(|row| Made { is_labelled: false, ..row }).collect()
    };
    for task in [classes(), Task::Regression] {
        let baseline = baseline_of(task, &unlabelled(made(500, USUAL, &mut random)));
        let reports = monitors(&baseline).reports();
        assert!(reports.iter().all(|monitor| !monitor.watched.is_loss()), "{reports:?}");
    }
}

#[test]
fn monitors_that_were_stored_go_on_as_if_they_had_not() {
    let mut random = Random::new(5);
    let baseline = baseline(&mut random);
    let (first, second) =
        (made(1010, USUAL, &mut random), made(990, Recipe { wrong: 0.3, shift: 0.5 }, &mut random));
    let mut kept = monitors(&baseline);
    look(&mut kept, &baseline.frame, &first, 0);
    let mut stored: Monitors = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    assert_eq!(stored, kept);
    look(&mut kept, &baseline.frame, &second, 40);
    look(&mut stored, &baseline.frame, &second, 40);
    assert_eq!(stored, kept);
    assert!(!kept.alarms().is_empty());
}

#[test]
fn monitors_keep_their_size() {
    let mut random = Random::new(6);
    let baseline = baseline(&mut random);
    let delta = counted(&baseline.frame, &made(200, USUAL, &mut random));
    let mut monitors = monitors(&baseline);
    let mut size_after = |n: usize| {
        (0..n).for_each(|_| monitors.look(&baseline.frame, &delta, "now").unwrap());
        serde_json::to_string(&monitors).unwrap().len()
    };
    let (early, late) = (size_after(500), size_after(4000));
    assert!(late < 2 * early, "{early} {late}");
}

#[test]
fn those_of_another_baseline_are_refused() {
    let mut random = Random::new(7);
    let (one, other) = (baseline(&mut random), baseline(&mut random));
    let monitors = monitors(&one);
    assert!(monitors.fits(&one) && !monitors.fits(&other));
    let refused = report(&other, &[], &[], Rules::default(), Some(&monitors));
    assert!(matches!(refused, Err(Error::OtherBaseline { what: "monitors", .. })), "{refused:?}");
    assert_ne!(one.frame.digest(), other.frame.digest());
    assert!(one.frame.check_digest("profiles", &one.frame.digest()).is_ok());
    assert!(one.frame.check_digest("profiles", &other.frame.digest()).is_err());
    let read: Frame = serde_json::from_str(&serde_json::to_string(&one.frame).unwrap()).unwrap();
    assert_eq!(read.digest(), one.frame.digest());
}

#[test]
fn settings_out_of_range_are_refused() {
    let baseline = baseline(&mut Random::new(8));
    let usual = MonitorSettings::default();
    for settings in [
        MonitorSettings { test_level: 0.0, ..usual },
        MonitorSettings { test_level: f64::NAN, ..usual },
        MonitorSettings { drift_tolerance: -1.0, ..usual },
    ] {
        assert!(matches!(Monitors::new(&baseline, settings), Err(Error::Setting { .. })), "{settings:?}");
    }
}

/// A report of one window without a change and three with one.
fn reported(changed: Recipe, carried: bool) -> Report {
    let mut random = Random::new(9);
    let baseline = baseline(&mut random);
    let recipes = [USUAL, changed, changed, changed];
    let rows: Vec<Vec<Made>> = recipes.iter().map(|recipe| made(1000, *recipe, &mut random)).collect();
    let named = |(idx, rows): (usize, &Vec<Made>)| Named {
        name: format!("w{idx}"),
        profile: counted(&baseline.frame, rows),
    };
    let windows: Vec<Named> = rows.iter().enumerate().map(named).collect();
    let mut monitors = monitors(&baseline);
    look(&mut monitors, &baseline.frame, &rows.concat(), 0);
    report(&baseline, &windows, &[], Rules::default(), carried.then_some(&monitors)).unwrap()
}

/// The findings about a subject, in one text each.
fn found(report: &Report, subject: &str) -> Vec<(Judgement, Option<String>)> {
    let of_subject = report.findings.iter().filter(|finding| finding.subject == subject);
    of_subject.map(|finding| (finding.judgement, finding.since.clone())).collect()
}

#[test]
fn a_report_says_since_when_the_loss_is_worse_by_window_or_by_carried_look() {
    let changed = Recipe { wrong: 0.4, ..USUAL };
    let by_window = reported(changed, false);
    assert_eq!(found(&by_window, "error rate"), [(Judgement::Worse, Some("w1".to_owned()))]);
    let carried = found(&reported(changed, true), "error rate");
    let since: usize = carried[0].1.as_deref().unwrap().parse().unwrap();
    assert!(carried.len() == 1 && (20..30).contains(&since), "{carried:?}");
}

#[test]
fn a_feature_is_named_once_with_both_kinds_of_evidence_and_wakes_nobody() {
    let report = reported(Recipe { shift: 1.0, ..USUAL }, false);
    assert_eq!(found(&report, "size"), [(Judgement::Open, Some("w1".to_owned()))]);
    let size = report.findings.iter().find(|finding| finding.subject == "size").unwrap();
    assert!(size.text.contains("population stability index") && size.text.contains("evidence"), "{size:?}");
    assert!(!report.is_alarm());
    let page = report.page();
    assert!(page.contains("Watched continuously") && page.contains("feature size"));
}

#[test]
fn a_report_without_a_change_has_no_finding() {
    let report = reported(USUAL, true);
    assert_eq!(report.findings, []);
    assert_eq!(of(&report.monitors, "error rate").n, 4000);
    assert_eq!(of(&report.monitors, "feature city").n, 4000);
}

fn any_row() -> impl Strategy<Value = Made> {
    let size =
        prop_oneof![9 => (-3.0..3.0_f64).prop_map(Some), 1 => Just(None), 1 => Just(Some(f64::INFINITY))];
    (size, 0_usize..3, 0..2_u8, 0..2_u8, any::<bool>()).prop_map(|(size, city, truth, error, is_labelled)| {
        Made { size, city, truth: f64::from(truth), error: f64::from(error), is_labelled }
    })
}

proptest! {
    #[test]
    fn the_parts_that_a_looks_rows_were_counted_in_do_not_matter(
        rows in prop::collection::vec(any_row(), 1..200),
        cut in 0_usize..200,
    ) {
        let baseline = baseline(&mut Random::new(10));
        let frame = &baseline.frame;
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let mut merged = counted(frame, right);
        merged.merge(&counted(frame, left)).unwrap();
        let (mut whole, mut parts, mut apart) = (monitors(&baseline), monitors(&baseline), monitors(&baseline));
        whole.look(frame, &counted(frame, &rows), "now").unwrap();
        parts.look(frame, &merged, "now").unwrap();
        prop_assert_eq!(&whole, &parts);
        // Two looks have seen as many rows as one, and as many wrong ones.
        apart.look(frame, &counted(frame, left), "now").unwrap();
        apart.look(frame, &counted(frame, right), "now").unwrap();
        let n_labelled = rows.iter().filter(|row| row.is_labelled).count() as u64;
        let n_wrong = rows.iter().filter(|row| row.is_labelled && row.error > 0.0).count() as f64;
        for reports in [whole.reports(), apart.reports()] {
            let errors = of(&reports, "error rate");
            prop_assert_eq!(errors.n, n_labelled);
            let mean = errors.loss.unwrap().mean.unwrap_or_default();
            prop_assert!((mean * n_labelled as f64 - n_wrong).abs() < 1e-9);
            for name in ["feature size", "feature city", "prediction"] {
                prop_assert_eq!(of(&reports, name).n, rows.len() as u64);
            }
        }
    }
}
