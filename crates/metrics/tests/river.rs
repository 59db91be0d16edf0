//! The change detectors against River: indices of warnings and detections exactly, what is held then to 1e-12. And that a detector stored as
//! JSON goes on as if it had not been.

#![cfg(test)]

use std::fmt::Debug;

use metrics::sequential::{
    Signal,
    adwin::{Adwin, AdwinSettings},
    ddm::{Ddm, DdmSettings},
    eddm::{Eddm, EddmSettings},
    hddm_a::{HddmA, HddmASettings},
    hddm_w::{HddmW, HddmWSettings},
    page_hinkley::{Direction, PageHinkley, PageHinkleySettings},
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/river.json")).unwrap()
}

/// The cases of a detector, with their streams and the names of both.
fn cases(golden: &Value, detector: &str) -> Vec<(String, Value, Vec<f64>)> {
    let cases = golden[detector].as_array().unwrap();
    let named = |case: &Value| format!("{detector} {} {}", case["settings"], case["stream"]);
    cases.iter().map(|case| (named(case), case.clone(), stream(golden, case))).collect()
}

fn stream(golden: &Value, case: &Value) -> Vec<f64> {
    let name = case["stream"].as_str().unwrap();
    if let Some(numbers) = golden["numbers"][name].as_array() {
        let is_of_bits = case.get("warnings").is_some();
        if !is_of_bits {
            return numbers.iter().map(|number| number.as_f64().unwrap()).collect();
        }
    }
    let bits = golden["bits"][name.strip_prefix("bits_").unwrap_or(name)].as_str().unwrap();
    bits.bytes().map(|bit| f64::from(bit - b'0')).collect()
}

fn number(settings: &Value, name: &str, default: f64) -> f64 {
    settings.get(name).map_or(default, |value| value.as_f64().unwrap())
}

fn count(settings: &Value, name: &str, default: u64) -> u64 {
    settings.get(name).map_or(default, |value| value.as_u64().unwrap())
}

fn indices(case: &Value, key: &str) -> Vec<usize> {
    serde_json::from_value(case[key].clone()).unwrap()
}

/// Runs a detector of numbers; its detections, and what it holds at the first eight and at the end.
fn run_numbers<D>(
    mut detector: D,
    stream: &[f64],
    update: fn(&mut D, f64) -> bool,
    held: fn(&D) -> Vec<f64>,
) -> (Vec<usize>, Vec<Vec<f64>>) {
    let (mut drifts, mut states) = (Vec::new(), Vec::new());
    for (index, &value) in stream.iter().enumerate() {
        if update(&mut detector, value) {
            drifts.push(index);
            states.push(held(&detector));
        }
    }
    states.truncate(8);
    states.push(held(&detector));
    (drifts, states)
}

fn assert_numbers(name: &str, case: &Value, (drifts, states): &(Vec<usize>, Vec<Vec<f64>>)) {
    assert_eq!(drifts, &indices(case, "drifts"), "{name}");
    let expected: Vec<Vec<f64>> = serde_json::from_value(case["states"].clone()).unwrap();
    assert_eq!(states.len(), expected.len(), "{name}");
    for (found, expected) in states.iter().flatten().zip(expected.iter().flatten()) {
        assert!(
            (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
            "{name}: {found} {expected}"
        );
    }
}

fn adwin(settings: &Value) -> Adwin {
    let default = AdwinSettings::default();
    Adwin::new(AdwinSettings {
        delta: number(settings, "delta", default.delta),
        clock: count(settings, "clock", default.clock),
        max_buckets: usize::try_from(count(settings, "max_buckets", default.max_buckets as u64)).unwrap(),
        min_window_length: count(settings, "min_window_length", default.min_window_length),
        grace_period: count(settings, "grace_period", default.grace_period),
    })
    .unwrap()
}

#[test]
fn adwin_cuts_where_rivers_does() {
    let golden = golden();
    for (name, case, stream) in cases(&golden, "adwin") {
        let held = |adwin: &Adwin| vec![adwin.width() as f64, adwin.total(), adwin.mean(), adwin.variance()];
        assert_numbers(&name, &case, &run_numbers(adwin(&case["settings"]), &stream, Adwin::update, held));
    }
}

fn page_hinkley(settings: &Value) -> PageHinkley {
    let default = PageHinkleySettings::default();
    let mode = settings.get("mode").cloned().unwrap_or_else(|| "both".into());
    PageHinkley::new(PageHinkleySettings {
        min_instances: count(settings, "min_instances", default.min_instances),
        delta: number(settings, "delta", default.delta),
        threshold: number(settings, "threshold", default.threshold),
        alpha: number(settings, "alpha", default.alpha),
        direction: serde_json::from_value::<Direction>(mode).unwrap(),
    })
    .unwrap()
}

#[test]
fn page_hinkley_alarms_where_rivers_does() {
    let golden = golden();
    for (name, case, stream) in cases(&golden, "page_hinkley") {
        let held = |detector: &PageHinkley| vec![detector.mean(), detector.sums().0, detector.sums().1];
        let run = run_numbers(page_hinkley(&case["settings"]), &stream, PageHinkley::update, held);
        assert_numbers(&name, &case, &run);
    }
}

/// Compares a detector of errors with a case.
fn assert_errors<D>(
    (name, case, stream): &(String, Value, Vec<f64>),
    mut detector: D,
    update: fn(&mut D, bool) -> Signal,
    held: fn(&D) -> f64,
) {
    let signals: Vec<Signal> = stream.iter().map(|&value| update(&mut detector, value > 0.5)).collect();
    let of = |wanted: Signal| -> Vec<usize> {
        signals.iter().enumerate().filter(|&(_, &signal)| signal == wanted).map(|(index, _)| index).collect()
    };
    assert_eq!(of(Signal::Drift), indices(case, "drifts"), "{name}");
    let warnings: Vec<[usize; 2]> = serde_json::from_value(case["warnings"].clone()).unwrap();
    let expected: Vec<usize> = warnings.into_iter().flat_map(|[first, last]| first..=last).collect();
    assert_eq!(of(Signal::Warning), expected, "{name}");
    let expected = case["end"].as_f64().unwrap();
    assert!((held(&detector) - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{name}");
}

fn ddm(settings: &Value) -> Ddm {
    let default = DdmSettings::default();
    Ddm::new(DdmSettings {
        warm_start: count(settings, "warm_start", default.warm_start),
        warning_threshold: number(settings, "warning_threshold", default.warning_threshold),
        drift_threshold: number(settings, "drift_threshold", default.drift_threshold),
    })
    .unwrap()
}

fn eddm(settings: &Value) -> Eddm {
    let default = EddmSettings::default();
    Eddm::new(EddmSettings {
        warm_start: count(settings, "warm_start", default.warm_start),
        alpha: number(settings, "alpha", default.alpha),
        beta: number(settings, "beta", default.beta),
    })
    .unwrap()
}

fn is_two_sided(settings: &Value) -> bool {
    settings.get("two_sided_test").is_some_and(|value| value.as_bool().unwrap())
}

fn hddm_a(settings: &Value) -> HddmA {
    let default = HddmASettings::default();
    HddmA::new(HddmASettings {
        drift_confidence: number(settings, "drift_confidence", default.drift_confidence),
        warning_confidence: number(settings, "warning_confidence", default.warning_confidence),
        two_sided: is_two_sided(settings),
    })
    .unwrap()
}

fn hddm_w(settings: &Value) -> HddmW {
    let default = HddmWSettings::default();
    HddmW::new(HddmWSettings {
        drift_confidence: number(settings, "drift_confidence", default.drift_confidence),
        warning_confidence: number(settings, "warning_confidence", default.warning_confidence),
        lambda: number(settings, "lambda_val", default.lambda),
        two_sided: is_two_sided(settings),
    })
    .unwrap()
}

#[test]
fn detectors_of_errors_alarm_where_rivers_do() {
    let golden = golden();
    for case in cases(&golden, "ddm") {
        assert_errors(&case, ddm(&case.1["settings"]), Ddm::update, Ddm::error_rate);
    }
    for case in cases(&golden, "eddm") {
        assert_errors(&case, eddm(&case.1["settings"]), Eddm::update, Eddm::mean_distance);
    }
    for case in cases(&golden, "hddm_a") {
        assert_errors(&case, hddm_a(&case.1["settings"]), HddmA::update, HddmA::error_rate);
    }
    for case in cases(&golden, "hddm_w") {
        assert_errors(&case, hddm_w(&case.1["settings"]), HddmW::update, HddmW::error_rate);
    }
}

/// That a detector stored after `cut` values and read back equals one that never was, then and at the end.
fn assert_resumes<D, S>(mut detector: D, values: &[f64], cut: usize, update: impl Fn(&mut D, f64) -> S)
where
    D: Clone + Debug + PartialEq + Serialize + DeserializeOwned,
    S: Debug + PartialEq,
{
    let (before, after) = values.split_at(cut.min(values.len()));
    before.iter().for_each(|&value| drop(update(&mut detector, value)));
    let json = serde_json::to_string(&detector).unwrap();
    let mut resumed: D = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&resumed).unwrap(), json);
    for &value in after {
        assert_eq!(update(&mut resumed, value), update(&mut detector, value));
    }
    assert_eq!(serde_json::to_string(&resumed).unwrap(), serde_json::to_string(&detector).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_stored_detector_goes_on(values in prop::collection::vec(-1e3..1e3_f64, 0..400), cut in 0_usize..400) {
        let none = Value::Null;
        assert_resumes(adwin(&none), &values, cut, Adwin::update);
        assert_resumes(page_hinkley(&none), &values, cut, PageHinkley::update);
        assert_resumes(ddm(&none), &values, cut, |detector, value| detector.update(value > 0.0));
        assert_resumes(eddm(&none), &values, cut, |detector, value| detector.update(value > 0.0));
        assert_resumes(hddm_a(&none), &values, cut, |detector, value| detector.update(value > 0.0));
        assert_resumes(hddm_w(&none), &values, cut, |detector, value| detector.update(value > 0.0));
    }

    #[test]
    fn no_value_breaks_a_detector(values in prop::collection::vec(any::<f64>(), 0..200)) {
        let (mut adwin, mut page_hinkley) = (adwin(&Value::Null), page_hinkley(&Value::Null));
        for value in values {
            adwin.update(value);
            page_hinkley.update(value);
        }
    }
}
