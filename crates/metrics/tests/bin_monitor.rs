//! The monitor of bins against SciPy: radii to 1e-12 relative, log e-values to 1e-8 absolute (the dual's minimum is found by search). And that
//! a monitor stored as JSON goes on as if it had not been, and counts may come in any order.

#![cfg(test)]

use metrics::sequential::bin_monitor::{BinError, BinMonitor, BinSettings};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    baseline: Vec<u64>,
    test_level: f64,
    tolerance: f64,
    restart_every: u64,
    radius: f64,
    batches: Vec<Vec<u64>>,
    log_e_values: Vec<f64>,
}

#[test]
fn e_values_are_those_of_duality() {
    let golden: Value = serde_json::from_str(include_str!("../golden/bin_monitor.json")).unwrap();
    let cases = Vec::<Case>::deserialize(&golden["cases"]).unwrap();
    let mut n_alarms = 0;
    for case in &cases {
        let settings = BinSettings {
            test_level: case.test_level,
            tolerance: case.tolerance,
            restart_every: case.restart_every,
        };
        let mut monitor = BinMonitor::new(case.baseline.clone(), settings).unwrap();
        assert!((monitor.radius() / case.radius - 1.0).abs() <= 1e-12);
        assert_eq!(case.batches.len(), case.log_e_values.len());
        for (batch, expected) in case.batches.iter().zip(&case.log_e_values) {
            monitor.update(batch).unwrap();
            assert!((monitor.log_e_value() - expected).abs() <= 1e-8, "{} {expected}", monitor.log_e_value());
        }
        let is_alarming = |log_e_value: &f64| libm::exp(*log_e_value) >= 2.0 / case.test_level;
        let expected = case.log_e_values.iter().position(is_alarming);
        let n_until = |look: usize| case.batches[..=look].iter().flatten().sum::<u64>();
        assert_eq!(monitor.alarmed_at(), expected.map(n_until));
        n_alarms += usize::from(expected.is_some());
    }
    assert!(n_alarms > 0 && n_alarms < cases.len(), "{n_alarms}");
}

#[test]
fn impossible_monitors_are_refused() {
    let settings = BinSettings::default();
    assert_eq!(BinMonitor::new(vec![1], settings), Err(BinError::Baseline { n_bins: 1, n: 1 }));
    assert_eq!(BinMonitor::new(vec![0, 0], settings), Err(BinError::Baseline { n_bins: 2, n: 0 }));
    assert!(BinMonitor::new(vec![1, 1], BinSettings { tolerance: f64::NAN, ..settings }).is_err());
    assert!(BinMonitor::new(vec![1, 1], BinSettings { test_level: 1.0, ..settings }).is_err());
    assert!(BinMonitor::new(vec![1, 1], BinSettings { restart_every: 0, ..settings }).is_err());
    let mut monitor = BinMonitor::new(vec![1, 1], settings).unwrap();
    assert_eq!(monitor.update(&[1]), Err(BinError::Bins { expected: 2, found: 1 }));
}

fn bins() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0_u64..200, 4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_stored_monitor_goes_on(batches in prop::collection::vec(bins(), 1..12), cut in 0_usize..12) {
        let mut monitor = BinMonitor::new(vec![100, 0, 50, 200], BinSettings::default()).unwrap();
        let mut stored = monitor.clone();
        for (index, batch) in batches.iter().enumerate() {
            if index == cut {
                stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
            }
            prop_assert_eq!(monitor.update(batch), stored.update(batch));
        }
        prop_assert_eq!(serde_json::to_string(&monitor).unwrap(), serde_json::to_string(&stored).unwrap());
    }

    #[test]
    fn counts_may_be_added_before_a_look(first in bins(), second in bins()) {
        let looked = |counts: &[u64]| {
            let mut monitor = BinMonitor::new(vec![100, 0, 50, 200], BinSettings::default()).unwrap();
            monitor.update(counts).unwrap();
            monitor.log_e_value().to_bits()
        };
        let both: Vec<u64> = first.iter().zip(&second).map(|(first, second)| first + second).collect();
        let mut one_by_one = BinMonitor::new(vec![100, 0, 50, 200], BinSettings { restart_every: u64::MAX, ..BinSettings::default() }).unwrap();
        one_by_one.update(&first).unwrap();
        one_by_one.update(&second).unwrap();
        prop_assert_eq!(looked(&both), one_by_one.log_e_value().to_bits());
    }

    #[test]
    fn no_counts_break_a_monitor(baseline in prop::collection::vec(any::<u64>(), 2..5), seed in any::<u64>()) {
        let Ok(mut monitor) = BinMonitor::new(baseline.clone(), BinSettings::default()) else { return Ok(()) };
        for shift in 0..4 {
            let counts: Vec<u64> = baseline.iter().map(|count| count.rotate_left(shift) ^ seed >> (shift * 16)).collect();
            monitor.update(&counts).unwrap();
            prop_assert!(!monitor.log_e_value().is_nan());
        }
    }
}
