//! Methods that are definitions, against a rendition of the definition in another language.

use std::collections::BTreeSet;

use metrics::dialect::{Method, Rule};
use serde_json::Value;

use crate::{
    golden::{assert_close, assert_p, cases, number, parsed},
    samples::for_each_outcome,
};

fn golden() -> Value {
    parsed(include_str!("../../golden/drift_definitions.json"))
}

#[test]
fn scores_are_those_of_the_definitions() {
    for case in cases(&golden(), "cases") {
        for_each_outcome(case, |name, found, expected| {
            let context = (&case["name"], name);
            let found = found.unwrap_or_else(|error| panic!("{context:?}: {error}"));
            // The robust distance is a difference of numbers near each other.
            assert_close(found.score, number(&expected["score"]), 1e-12, 1e-14, &context);
            match (found.rule, &expected["threshold"]) {
                (None, threshold) => assert!(threshold.is_null(), "{context:?}"),
                (Some(Rule::AtLeast(found) | Rule::Above(found)), expected) => {
                    assert_close(found, number(expected), 1e-9, 0.0, &context);
                }
                (rule, _) => panic!("{context:?}: {rule:?}"),
            }
            match found.p_value {
                Some(p_value) => assert_p(p_value, number(&expected["p_value"]), &context),
                None => assert!(expected["p_value"].is_null(), "{context:?}"),
            }
            assert_eq!(found.is_drift, found.rule.map(|rule| rule.is_met(found.score)), "{context:?}");
        });
    }
}

#[test]
fn every_method_has_golden_values() {
    let files = [
        include_str!("../../golden/drift_definitions.json"),
        include_str!("../../golden/drift_evidently.json"),
        include_str!("../../golden/drift_nannyml.json"),
    ];
    let golden = files.map(parsed);
    let all = golden.iter().flat_map(|file| cases(file, "cases"));
    let names: BTreeSet<&str> =
        all.flat_map(|case| case["outcomes"].as_object().unwrap().keys().map(String::as_str)).collect();
    let expected: BTreeSet<&str> = Method::NAMED.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, expected);
}
