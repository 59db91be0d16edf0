//! The risk monitors against MAPIE, NumPy and SciPy: bounds and thresholds to 1e-12 absolute, log e-values to 1e-12 relative, binomial
//! bounds to 1e-9 absolute, alarms by index. And that a monitor stored as JSON goes on as if it had not been.

#![cfg(test)]

use metrics::risk_monitor::{
    BoundSettings, LossCounts, MeanSequence, MixtureMonitor, MixtureSettings, Reference, RiskMonitor,
    Tolerance, error_rate_threshold,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

fn golden(part: &str) -> (Value, Value) {
    let mut golden: Value = serde_json::from_str(include_str!("../golden/mapie.json")).unwrap();
    (golden["streams"].take(), golden[part].take())
}

fn cases<'de, T: Deserialize<'de>>(part: &'de Value) -> Vec<T> {
    let cases = part.as_array().unwrap();
    assert!(!cases.is_empty());
    cases.iter().map(|case| T::deserialize(case).unwrap()).collect()
}

fn stream(streams: &Value, name: &str) -> Vec<f64> {
    Vec::deserialize(&streams[name]).unwrap()
}

/// Compares the values at the indices that are shown.
fn assert_shown(name: &str, found: &[f64], shown: &[(usize, f64)], relative: f64) {
    assert_eq!(shown.last().unwrap().0, found.len() - 1);
    for &(index, expected) in shown {
        let tolerance = 1e-12 + relative * expected.abs();
        assert!((found[index] - expected).abs() <= tolerance, "{name} {index}: {} {expected}", found[index]);
    }
}

#[derive(Deserialize)]
struct SequenceCase {
    stream: String,
    level: f64,
    v_opt: f64,
    lower: Vec<(usize, f64)>,
    upper: Vec<(usize, f64)>,
}

#[test]
fn confidence_sequences_are_mapies() {
    let (streams, part) = golden("sequences");
    for case in cases::<SequenceCase>(&part) {
        let settings = BoundSettings { level: case.level, v_opt: case.v_opt };
        let mut sequence = MeanSequence::new(settings).unwrap();
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for value in stream(&streams, &case.stream) {
            sequence.update(value).unwrap();
            lower.push(sequence.bounds().lower);
            upper.push(sequence.bounds().upper);
        }
        assert_shown(&case.stream, &lower, &case.lower, 0.0);
        assert_shown(&case.stream, &upper, &case.upper, 0.0);
    }
}

#[derive(Deserialize)]
struct MonitorCase {
    stream: String,
    test_level: f64,
    tolerance: f64,
    kind: String,
    reference: (u64, u64),
    threshold: f64,
    lower: Vec<(usize, f64)>,
    alarmed_at: Option<u64>,
}

#[test]
fn monitors_alarm_where_mapies_do() {
    let (streams, part) = golden("monitors");
    let cases = cases::<MonitorCase>(&part);
    assert!(cases.iter().filter(|case| case.alarmed_at.is_some()).count() >= 4);
    for case in cases {
        let is_absolute = case.kind == "absolute";
        let tolerance = if is_absolute {
            Tolerance::Absolute(case.tolerance)
        } else {
            Tolerance::Relative(case.tolerance)
        };
        let (n_errors, n) = case.reference;
        let reference = Reference::of_losses(&LossCounts::of_errors(n_errors, n).unwrap()).unwrap();
        let threshold = reference.threshold(tolerance, case.test_level).unwrap();
        assert!((threshold - case.threshold).abs() <= 1e-12);
        let mut monitor = RiskMonitor::new(threshold, case.test_level).unwrap();
        let mut lower = Vec::new();
        for loss in stream(&streams, &case.stream) {
            assert_eq!(monitor.update(loss).unwrap(), monitor.alarmed_at().is_some());
            lower.push(monitor.lower_bound());
        }
        assert_shown(&case.stream, &lower, &case.lower, 0.0);
        assert_eq!(monitor.alarmed_at(), case.alarmed_at, "{}", case.stream);
    }
}

#[derive(Deserialize)]
struct HoeffdingCase {
    losses: Vec<f64>,
    level: f64,
    upper: f64,
}

#[test]
fn references_are_mapies() {
    let (_, part) = golden("hoeffding");
    for case in cases::<HoeffdingCase>(&part) {
        let mut losses = LossCounts::default();
        case.losses.iter().for_each(|&loss| losses.add(loss).unwrap());
        let upper = Reference::of_losses(&losses).unwrap().hoeffding_upper(case.level).unwrap();
        assert!((upper - case.upper).abs() <= 1e-12);
    }
}

#[derive(Deserialize)]
struct BinomialCase {
    n_errors: u64,
    n: u64,
    test_level: f64,
    upper: f64,
}

#[test]
fn binomial_bounds_are_scipys() {
    let (_, part) = golden("binomial");
    for BinomialCase { n_errors, n, test_level, upper } in cases(&part) {
        let found = error_rate_threshold(n_errors, n, Tolerance::Absolute(0.0), test_level).unwrap();
        assert!((found - upper).abs() <= 1e-9, "{n_errors} of {n}: {found} {upper}");
        let relative = error_rate_threshold(n_errors, n, Tolerance::Relative(0.1), test_level).unwrap();
        assert!((relative - upper * 1.1).abs() <= 2e-9);
    }
}

#[derive(Deserialize)]
struct MixtureCase {
    stream: String,
    threshold: f64,
    n: usize,
    log_e_values: Vec<(usize, f64)>,
}

#[test]
fn mixtures_are_plain_weighted_sums() {
    let (streams, part) = golden("mixtures");
    for case in cases::<MixtureCase>(&part) {
        let mut monitor = MixtureMonitor::new(case.threshold, MixtureSettings::default()).unwrap();
        let losses = stream(&streams, &case.stream);
        let mut look = |&loss: &f64| {
            monitor.update(loss).unwrap();
            monitor.log_e_value()
        };
        let found: Vec<f64> = losses[..case.n.min(losses.len())].iter().map(&mut look).collect();
        assert_shown(&case.stream, &found, &case.log_e_values, 1e-12);
    }
}

fn counted(losses: &[f64]) -> LossCounts {
    let mut counts = LossCounts::default();
    losses.iter().for_each(|&loss| counts.add(loss).unwrap());
    counts
}

fn resumed<T: serde::Serialize + serde::de::DeserializeOwned>(state: &T) -> T {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_stored_monitor_goes_on(losses in prop::collection::vec(0.0..=1.0_f64, 1..300), cut in 0_usize..300) {
        let mut risk = RiskMonitor::new(0.3, 0.05).unwrap();
        let mut mixture = MixtureMonitor::new(0.3, MixtureSettings { restart_every: 7, ..Default::default() }).unwrap();
        let (mut stored_risk, mut stored_mixture) = (risk.clone(), mixture.clone());
        for (index, &loss) in losses.iter().enumerate() {
            if index == cut {
                (stored_risk, stored_mixture) = (resumed(&stored_risk), resumed(&stored_mixture));
            }
            prop_assert_eq!(risk.update(loss), stored_risk.update(loss));
            prop_assert_eq!(mixture.update(loss), stored_mixture.update(loss));
        }
        prop_assert_eq!(risk, stored_risk);
        prop_assert_eq!(serde_json::to_string(&mixture).unwrap(), serde_json::to_string(&stored_mixture).unwrap());
    }

    #[test]
    fn a_batch_may_be_counted_in_any_order(losses in prop::collection::vec(0.0..=1.0_f64, 1..60), cut in 0_usize..60) {
        let (left, right) = losses.split_at(cut.min(losses.len()));
        let (mut forth, mut back) = (counted(left), counted(right));
        forth.merge(&counted(right));
        back.merge(&counted(left));
        let looked = |counts: &LossCounts| {
            let mut risk = RiskMonitor::new(0.3, 0.05).unwrap();
            let mut mixture = MixtureMonitor::new(0.3, MixtureSettings::default()).unwrap();
            (risk.update_batch(counts), mixture.update_batch(counts), risk.lower_bound().to_bits(), mixture.log_e_value().to_bits())
        };
        prop_assert_eq!(looked(&forth), looked(&back));
        let mut one_by_one = MixtureMonitor::new(0.3, MixtureSettings::default()).unwrap();
        losses.iter().for_each(|&loss| { one_by_one.update(loss).unwrap(); });
        prop_assert_eq!(one_by_one.log_e_value().to_bits(), looked(&forth).3);
    }

    #[test]
    fn no_loss_breaks_a_monitor(losses in prop::collection::vec(any::<f64>(), 0..50), threshold in 1e-9..1.0_f64) {
        let mut risk = RiskMonitor::new(threshold, 0.05).unwrap();
        let mut mixture = MixtureMonitor::new(threshold, MixtureSettings::default()).unwrap();
        for loss in losses {
            prop_assert_eq!(risk.update(loss).is_ok(), (0.0..=1.0).contains(&loss));
            prop_assert_eq!(mixture.update(loss).is_ok(), (0.0..=1.0).contains(&loss));
            prop_assert!(!mixture.log_e_value().is_nan());
        }
    }
}
