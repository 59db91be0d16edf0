//! From rows to policies and decisions: what the policy says of its rows is what it decides about them, and what cannot be promised is refused.

#![cfg(test)]

use proptest::prelude::*;
use two_phase::{
    Calibration, Error, Policy, Reason, Row, Score,
    calibrate::{Costs, Goal, Grouping, GuardSettings, Observed},
    calibrator::Kind,
    policy::{ModelRef, Outputs, Promise, Target, Thresholds},
};

fn model(name: &str, digit: char) -> ModelRef {
    let outputs = Outputs { probabilities: Some("probabilities".to_owned()), label: None };
    let onnx_sha256 = digit.to_string().repeat(64);
    ModelRef { name: name.to_owned(), version: "1".to_owned(), onnx_sha256, outputs }
}

fn calibration() -> Calibration {
    Calibration {
        edge: model("small", 'a'),
        cloud: model("<large>", 'b'),
        classes: ["no", "yes"].map(str::to_owned).to_vec(),
        score: Score::MaxProbability,
        calibrator: Kind::Temperature,
        guard: None,
        goal: Goal::Risk { target: Target::Error, max_risk: 0.05, confidence: 0.95 },
        grouping: Grouping::All,
        fit_share: 0.25,
        audit_share: 0.02,
        costs: None,
        data_sha256: "c".repeat(64),
    }
}

/// Rows whose edge is wrong the oftener the less sure it is, and whose cloud is wrong in one of a hundred. By a linear congruential generator.
fn rows(n: usize, seed: u64) -> Vec<Observed> {
    let mut state = seed;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let row = |key: usize| {
        let sureness = draw();
        let probability = 0.5 + 0.5 * sureness;
        let label = usize::from(draw() < 0.5);
        let other = 1.0 - probability;
        let truth = if draw() < 0.5 * (1.0 - sureness).powi(3) { 1 - label } else { label };
        Observed {
            key: key.to_string(),
            probabilities: if label == 1 { vec![other, probability] } else { vec![probability, other] },
            label,
            truth: Some(truth),
            cloud_label: Some(if draw() < 0.01 { 1 - truth } else { truth }),
            features: vec![draw()],
            segment: Some(if key.is_multiple_of(4) { "north" } else { "south" }.to_owned()),
            edge_ms: Some(2.0),
            cloud_ms: Some(40.0 + 20.0 * draw()),
            ..Observed::default()
        }
    };
    (0..n).map(row).collect()
}

fn decided(policy: &Policy, observed: &Observed, rung: usize) -> two_phase::Decision {
    let row = Row {
        probabilities: &observed.probabilities,
        label: observed.label,
        features: &observed.features,
        segment: observed.segment.as_deref(),
        is_audited: policy.is_audited(&observed.client, observed.key.as_bytes()),
    };
    policy.decide(&row, rung)
}

fn test_rows<'a>(policy: &Policy, rows: &'a [Observed]) -> Vec<&'a Observed> {
    let is_to_test = |row: &&Observed| {
        two_phase::sample::split_place(&row.client, row.key.as_bytes()) >= policy.data.fit_share
    };
    rows.iter().filter(is_to_test).collect()
}

#[test]
fn a_policy_does_to_its_rows_what_it_says() {
    let rows = rows(4000, 1);
    for (score, calibrator) in [
        (Score::MaxProbability, Kind::None),
        (Score::Margin, Kind::Temperature),
        (Score::Entropy, Kind::Isotonic),
    ] {
        let policy = Calibration { score, calibrator, ..calibration() }.policy(&rows).unwrap();
        let Thresholds::All { ladder } = &policy.thresholds else { panic!("one threshold for all") };
        let test = test_rows(&policy, &rows);
        assert_eq!((policy.data.n_fit + policy.data.n_test, policy.data.n_test), (4000, test.len() as u64));
        for (rung, point) in ladder.iter().enumerate() {
            let can_be = |row: &&&Observed| {
                matches!(decided(&policy, row, rung).reason, Reason::Confident | Reason::Audit)
            };
            let accepted: Vec<_> = test.iter().filter(can_be).collect();
            let n_wrong = accepted.iter().filter(|row| row.truth != Some(row.label)).count() as u64;
            assert_eq!(
                (accepted.len() as u64, Some(n_wrong)),
                (point.n_accepted, point.n_wrong),
                "{score:?} {rung}"
            );
        }
        let first = ladder[0];
        assert!(first.upper_bound.unwrap() <= 0.05 && first.coverage > 0.3, "{first:?}");
        assert!((policy.expectation.coverage - first.coverage).abs() < 1e-12);
        let beyond = decided(&policy, &rows[0], ladder.len());
        assert!(matches!(beyond.reason, Reason::Suspended) && !beyond.is_accepted());
        assert_eq!(Policy::from_json(&policy.to_json().unwrap()).as_ref(), Ok(&policy));
    }
}

#[test]
fn the_audited_share_of_accepted_rows_is_escalated() {
    let rows = rows(20_000, 2);
    let policy = Calibration { audit_share: 0.1, ..calibration() }.policy(&rows[..4000]).unwrap();
    let reasons: Vec<_> = rows.iter().map(|row| decided(&policy, row, 0).reason).collect();
    let count = |reason: &Reason| reasons.iter().filter(|it| *it == reason).count() as f64;
    let (audited, confident) = (count(&Reason::Audit), count(&Reason::Confident));
    let share = audited / (audited + confident);
    assert!((share - 0.1).abs() < 0.015, "{share}");
    assert!((policy.expectation.escalated - (1.0 - 0.9 * policy.expectation.coverage)).abs() < 1e-12);
}

#[test]
fn each_promise_counts_what_it_is_about() {
    let rows = rows(4000, 3);
    let policy = |target| {
        let goal = Goal::Risk { target, max_risk: 0.05, confidence: 0.95 };
        Calibration { goal, ..calibration() }.policy(&rows).unwrap()
    };
    for (target, words, is_wrong) in [
        (Target::Error, "is wrong", (|row| row.truth != Some(row.label)) as fn(&Observed) -> bool),
        (Target::Disagreement, "differs from the cloud's", |row| row.cloud_label != Some(row.label)),
        (Target::Regret, "would have been right", |row| {
            row.truth != Some(row.label) && row.truth == row.cloud_label
        }),
    ] {
        let policy = policy(target);
        let test = test_rows(&policy, &rows);
        let n_wrong = test.iter().filter(|row| is_wrong(row)).count() as u64;
        assert_eq!(policy.curve.last().unwrap().n_wrong, Some(n_wrong), "{target:?}");
        let statement = policy.promise.statement();
        assert!(statement.contains(words) && statement.contains("at most 5 %"), "{statement}");
    }
}

#[test]
fn rows_without_what_the_promise_is_about_are_left_out_and_counted() {
    let mut rows = rows(4000, 4);
    rows.iter_mut().take(1000).for_each(|row| row.truth = None);
    let policy = calibration().policy(&rows).unwrap();
    assert_eq!((policy.data.n_unlabelled, policy.data.n_fit + policy.data.n_test), (1000, 3000));
    rows.iter_mut().for_each(|row| row.truth = None);
    let error = calibration().policy(&rows).unwrap_err();
    assert_eq!(error.to_string(), "no row has a true label, which a promise on error needs");
}

#[test]
fn too_little_data_is_never_a_threshold() {
    let goal = Goal::Risk { target: Target::Error, max_risk: 0.01, confidence: 0.95 };
    let calibration = Calibration { goal, ..calibration() };
    for n in [0_usize, 3, 300] {
        let error = calibration.policy(&rows(n, 5)).unwrap_err();
        let expected =
            if n == 0 { "no row has" } else { "needs ≥ 299 accepted rows for 1 % at 0.95, found" };
        assert!(error.to_string().starts_with(expected), "{n}: {error}");
    }
    let mut wrong = rows(4000, 6);
    wrong.iter_mut().for_each(|row| row.truth = Some(1 - row.label));
    assert!(matches!(calibration.policy(&wrong), Err(Error::NotKept { .. })));
}

#[test]
fn classes_and_segments_have_thresholds_of_their_own() {
    let mut rows = rows(8000, 7);
    rows.iter_mut()
        .filter(|row| row.segment.as_deref() == Some("north"))
        .take(1950)
        .for_each(|row| row.segment = None);
    let grouping = Grouping::Segment { field: "region".to_owned() };
    let policy = Calibration { grouping, ..calibration() }.policy(&rows).unwrap();
    let Thresholds::Segment { field, groups } = &policy.thresholds else { panic!("by segment") };
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!((field.as_str(), names), ("region", vec!["north", "south"]));
    let why = groups[0].why_none.as_deref().unwrap();
    assert!(
        groups[0].ladder.is_empty() && why.starts_with("needs ≥ 72 accepted rows for 5 % at 0.975"),
        "{why}"
    );
    let of = |segment: Option<&str>| {
        let row = Observed { segment: segment.map(str::to_owned), ..rows[1].clone() };
        decided(&policy, &row, 0).reason.code()
    };
    assert_eq!([of(Some("north")), of(Some("west")), of(None)], ["no-threshold"; 3]);
    assert_ne!(of(Some("south")), "no-threshold");

    let policy = Calibration { grouping: Grouping::Class, ..calibration() }.policy(&rows).unwrap();
    assert!(policy.promise.statement().starts_with("For every predicted class at once"));
    let ladders: Vec<_> =
        policy.thresholds.ladders().map(|(name, ladder)| (name, ladder.is_empty())).collect();
    assert_eq!(ladders, [("no", false), ("yes", false)]);
    let monitors = policy.monitors(0.05).unwrap();
    assert_eq!(monitors.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["no", "yes"]);
}

#[test]
fn a_budget_is_kept_without_labels() {
    let mut rows = rows(4000, 8);
    rows.iter_mut().for_each(|row| (row.truth, row.cloud_label) = (None, None));
    let goal = Goal::Budget { max_escalated: 0.3 };
    let calibration = Calibration { goal, calibrator: Kind::None, ..calibration() };
    let policy = calibration.policy(&rows).unwrap();
    assert!((policy.expectation.escalated - 0.3).abs() < 0.002, "{:?}", policy.expectation);
    assert!(matches!(policy.promise, Promise::Budget { .. }) && policy.aurc.is_none());
    assert!(policy.monitors(0.05).unwrap().is_empty());
    assert!(policy.plot().contains("no labels"));
    Policy::from_json(&policy.to_json().unwrap()).unwrap();
    let goal = Goal::Budget { max_escalated: 0.01 };
    let error = Calibration { goal, ..calibration }.policy(&rows).unwrap_err();
    assert!(error.to_string().starts_with("a budget of 1 % cannot be kept: 2 % of the rows"), "{error}");
}

#[test]
fn rows_out_of_range_or_without_a_distribution_are_escalated_with_the_reason() {
    let rows = rows(4000, 9);
    let guard = Some(GuardSettings { features: vec!["age".to_owned()], margin: 0.1 });
    let policy = Calibration { guard, ..calibration() }.policy(&rows).unwrap();
    let sure = Observed { probabilities: vec![0.0, 1.0], label: 1, key: "1".to_owned(), ..rows[0].clone() };
    assert!(decided(&policy, &sure, 0).is_accepted());
    let old = Observed { features: vec![1.5], ..sure.clone() };
    let decision = decided(&policy, &old, 0);
    assert_eq!(decision.reason, Reason::OutOfRange { feature: "age".to_owned(), found: 1.5 });
    assert!(!decision.is_accepted() && decision.confidence.is_some());
    let broken = Observed { probabilities: vec![f64::NAN, 1.0], ..sure.clone() };
    let decision = decided(&policy, &broken, 0);
    assert_eq!((decision.reason.code(), decision.confidence), ("not-a-distribution", None));
    let unknown = Observed { label: 2, ..sure };
    assert_eq!(decided(&policy, &unknown, 0).reason, Reason::UnknownClass { label: 2 });
}

/// Expected by hand: every row costs what its way costs, and times are those of its way.
#[test]
fn cost_and_latency_are_those_of_the_rows() {
    let rows = rows(4000, 10);
    let costs = Some(Costs { cloud_call: 0.5, error: 100.0 });
    let policy = Calibration { costs, audit_share: 0.0, ..calibration() }.policy(&rows).unwrap();
    let test = test_rows(&policy, &rows);
    let (mut cost, mut time, mut edge_errors) = (0.0, 0.0, 0.0);
    for row in &test {
        let is_accepted = decided(&policy, row, 0).is_accepted();
        let answer = if is_accepted { Some(row.label) } else { row.cloud_label };
        cost += if is_accepted { 0.0 } else { 0.5 } + if answer == row.truth { 0.0 } else { 100.0 };
        time += row.edge_ms.unwrap() + if is_accepted { 0.0 } else { row.cloud_ms.unwrap() };
        edge_errors += f64::from(u8::from(row.truth != Some(row.label)));
    }
    let n = test.len() as f64;
    let (found, latency) = (policy.expectation.cost.unwrap(), policy.expectation.latency.unwrap());
    assert!((found.two_phase / (cost / n * 1000.0) - 1.0).abs() < 1e-9, "{found:?}");
    assert!((found.edge_only / (edge_errors / n * 1e5) - 1.0).abs() < 1e-9, "{found:?}");
    assert!((latency.two_phase.mean_ms / (time / n) - 1.0).abs() < 1e-9, "{latency:?}");
    assert!((latency.edge_only.p99_ms - 2.0).abs() < 1e-12 && latency.two_phase.p99_ms > 59.0, "{latency:?}");
}

/// The promise through the whole call, split and calibrator included. The true risk is the mean of the error's rate over sureness that is
/// accepted. Of 300 policies at 0.95, three standard errors beyond 15 may break it.
#[test]
fn whole_policies_keep_their_promise() {
    let true_risk = |policy: &Policy| {
        let rates = (0..1000).map(|place| (f64::from(place) + 0.5) / 1000.0).filter_map(|sureness| {
            let probabilities = [0.5 - 0.5 * sureness, 0.5 + 0.5 * sureness];
            let row = Row { probabilities: &probabilities, label: 1, ..Row::default() };
            policy.decide(&row, 0).is_accepted().then(|| 0.5 * (1.0 - sureness).powi(3))
        });
        let rates: Vec<f64> = rates.collect();
        rates.iter().sum::<f64>() / rates.len() as f64
    };
    let policies: Vec<Policy> =
        (0..300).filter_map(|seed| calibration().policy(&rows(1200, 1000 + seed)).ok()).collect();
    let n_broken = policies.iter().filter(|policy| true_risk(policy) > 0.05).count();
    assert!(policies.len() > 270 && n_broken <= 26, "{n_broken} of {}", policies.len());
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    let mut rows = rows(100, 11);
    rows[7].key = "3".to_owned();
    let error = calibration().policy(&rows).unwrap_err().to_string();
    assert_eq!(error, "row 7: expected a key of its own, found 3, which row 3 has");
}

#[test]
fn the_plot_is_whole_and_names_are_no_markup() {
    let policy = calibration().policy(&rows(4000, 12)).unwrap();
    let plot = policy.plot();
    assert!(plot.starts_with("<svg xmlns=") && plot.ends_with("</svg>\n"));
    assert!(plot.contains("prefers-color-scheme: dark") && plot.contains("promised: at most 5 %"));
    assert!(plot.contains("&lt;large&gt;") && !plot.contains("<large>"));
    assert!(!plot.contains("NaN") && !plot.contains("inf"));
    let count = |tag: &str| plot.matches(tag).count();
    assert_eq!((count("<circle"), count("<polyline"), count("<polygon")), (1, 1, 1));
    assert!(policy.curve.len() <= 101);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ladders_rise_decisions_follow_and_files_keep_every_byte(
        seed in 0_u64..10_000, n in 1500_usize..4000, score in 0_usize..3, kind in 0_usize..3, max_risk in 0.05..0.2_f64,
    ) {
        let score = [Score::MaxProbability, Score::Margin, Score::Entropy][score];
        let calibrator = [Kind::None, Kind::Temperature, Kind::Isotonic][kind];
        let goal = Goal::Risk { target: Target::Error, max_risk, confidence: 0.9 };
        let rows = rows(n, seed);
        let policy = Calibration { score, calibrator, goal, ..calibration() }.policy(&rows);
        let Ok(policy) = policy else {
            let is_not_kept = matches!(policy, Err(Error::NotKept { .. }));
            prop_assert!(is_not_kept);
            return Ok(());
        };
        let bytes = policy.to_json().unwrap();
        let again = Policy::from_json(&bytes).unwrap();
        prop_assert_eq!(again.to_json().unwrap(), bytes);
        let Thresholds::All { ladder } = &policy.thresholds else { panic!("one for all") };
        prop_assert!(ladder.windows(2).all(|pair| pair[0].threshold < pair[1].threshold && pair[0].coverage > pair[1].coverage));
        for observed in rows.iter().take(200) {
            for (rung, point) in ladder.iter().enumerate() {
                let decision = decided(&again, observed, rung);
                let is_at_or_above = decision.confidence.unwrap() >= point.threshold;
                let is_audited = again.is_audited("", observed.key.as_bytes());
                prop_assert_eq!(decision.is_accepted(), is_at_or_above && !is_audited);
            }
        }
    }
}
