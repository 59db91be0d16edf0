//! Evidently's scores, thresholds, verdicts and choice of method.

use metrics::dialect::{self, Rule};
use serde_json::Value;

use crate::{
    golden::{assert_close, assert_p, assert_sum, cases, number, parsed},
    samples::{for_each_outcome, with_samples},
};

fn golden() -> Value {
    parsed(include_str!("../../golden/drift_evidently.json"))
}

#[test]
fn scores_and_verdicts_are_those_of_evidently() {
    for case in cases(&golden(), "cases") {
        for_each_outcome(case, |name, found, expected| {
            let context = (&case["name"], name);
            let found = found.unwrap_or_else(|error| panic!("{context:?}: {error}"));
            let score = number(&expected["score"]);
            match name {
                // A p-value as 1 - cdf: Evidently loses what is below the rounding unit.
                "evidently_z" => assert_close(found.score, score, 1e-9, 1e-15, &context),
                "evidently_tvd" => assert_sum(found.score, score, &context),
                _ if found.is_p_value => assert_p(found.score, score, &context),
                // Roots of a sum near zero: 1e-14 of the square, since Evidently's sum has the order of a hash.
                "evidently_jensen_shannon" | "evidently_hellinger" | "evidently_energy" => {
                    assert_close(found.score.powi(2), score.powi(2), 1e-12, 1e-14, &context);
                }
                _ => assert_sum(found.score, score, &context),
            }
            assert_eq!(found.is_drift, expected["is_drift"].as_bool(), "{context:?}");
            let threshold = number(&expected["threshold"]);
            let Some(
                Rule::AtMost(of_rule) | Rule::Below(of_rule) | Rule::AtLeast(of_rule) | Rule::Above(of_rule),
            ) = found.rule
            else {
                panic!("{context:?}: {:?}", found.rule)
            };
            assert_eq!(of_rule.to_bits(), threshold.to_bits(), "{context:?}");
        });
    }
}

#[test]
fn the_default_method_is_that_of_evidently() {
    for case in cases(&golden(), "cases") {
        let method = with_samples(case, dialect::evidently_default).unwrap();
        assert_eq!(method.name(), case["default"].as_str().unwrap(), "{}", case["name"]);
    }
}
