//! Reads golden values and compares with them.

use serde_json::Value;

/// The whole file.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A list of cases; an empty one would test nothing.
pub(crate) fn cases<'a>(golden: &'a Value, name: &str) -> &'a [Value] {
    let cases = golden[name].as_array().unwrap();
    assert!(!cases.is_empty(), "{name}");
    cases
}

/// A number, which may be written as `"inf"`.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap())
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// A number to its last bit.
pub(crate) fn exact(value: &Value) -> f64 {
    f64::from_bits(u64::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

pub(crate) fn exacts(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(exact).collect()
}

pub(crate) fn counts(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect()
}

/// Whether a number is as expected, relative to it or absolutely.
#[track_caller]
pub(crate) fn assert_close(
    found: f64,
    expected: f64,
    relative: f64,
    absolute: f64,
    case: &dyn std::fmt::Debug,
) {
    let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
    let tolerance = absolute.max(expected.abs() * relative);
    assert!(same || (found - expected).abs() <= tolerance, "{found} is not {expected}: {case:?}");
}

/// A sum of few terms: 1e-12 of it, or 1e-15.
#[track_caller]
pub(crate) fn assert_sum(found: f64, expected: f64, case: &dyn std::fmt::Debug) {
    assert_close(found, expected, 1e-12, 1e-15, case);
}

/// The square root of such a sum, in which a last bit of a sum near zero is much.
#[track_caller]
pub(crate) fn assert_root(found: f64, expected: f64, case: &dyn std::fmt::Debug) {
    assert_sum(found * found, expected * expected, case);
    assert!(found >= 0.0, "{found}: {case:?}");
}

/// A p-value: 1e-9 of it, or 1e-15.
#[track_caller]
pub(crate) fn assert_p(found: f64, expected: f64, case: &dyn std::fmt::Debug) {
    assert_close(found, expected, 1e-9, 1e-15, case);
}
