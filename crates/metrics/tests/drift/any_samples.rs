//! Every method answers or refuses, whatever the samples are.

use metrics::{
    dialect::{self, Method, Outcome, Sample},
    histogram::Dtype,
};
use proptest::prelude::*;

fn values() -> impl Strategy<Value = Vec<f64>> {
    let odd = prop::sample::select(vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        1e308,
        -1e308,
        5e-324,
    ]);
    prop::collection::vec(prop_oneof![odd, -3.0..3.0_f64, (0..4).prop_map(f64::from)], 0..30)
}

fn categories() -> impl Strategy<Value = Vec<Option<&'static str>>> {
    prop::collection::vec(prop::option::of(prop::sample::select(vec!["a", "b", "", "d"])), 0..12)
}

/// A verdict follows from the rule, and a p-value is a probability, or NaN where the tool's is.
fn check(outcome: &Outcome) {
    let judged = outcome.p_value.unwrap_or(outcome.score);
    assert_eq!(outcome.is_drift, outcome.rule.map(|rule| rule.is_met(judged)));
    assert!(outcome.p_value.is_none_or(|p| p.is_nan() || (0.0..=1.0).contains(&p)), "{outcome:?}");
}

fn check_all(reference: Sample<'_>, current: Sample<'_>) {
    let outcomes = Method::NAMED.iter().filter_map(|(method, _)| method.compare(reference, current).ok());
    outcomes.for_each(|outcome| check(&outcome));
    let default = dialect::evidently_default(reference, current);
    assert!(default.is_err() || default.is_ok_and(|method| method.name().starts_with("evidently_")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn numbers_are_compared_or_refused(reference in values(), current in values(), is_integer in any::<bool>()) {
        let dtype = if is_integer { Dtype::Integer } else { Dtype::Float };
        let sample = |values| Sample::Numbers { values, dtype };
        check_all(sample(&reference), sample(&current));
    }

    #[test]
    fn categories_are_compared_or_refused(reference in categories(), current in categories()) {
        check_all(Sample::Categories(&reference), Sample::Categories(&current));
        check_all(Sample::Categories(&reference), Sample::Numbers { values: &[1.0], dtype: Dtype::Float });
    }
}
