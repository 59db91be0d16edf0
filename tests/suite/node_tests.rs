//! The node tests of ONNX that have passed, `tests/node-tests/passing.txt`: all as the model runtime answers them, and some packed.
//! `docs/operators.md` has the others. Beside them what they do not ask for, which `tests/node-tests/edges.py` writes.

use std::collections::BTreeSet;

use system_tests::node_tests::{Case, NODE_TESTS, NodeTests, cases, check_packed};
use system_tests::root;

/// One of so many cases is packed.
const PACKED: usize = 150;

fn passing() -> Vec<Case> {
    let path = root().join("tests/node-tests/passing.txt");
    let names = std::fs::read_to_string(path).unwrap();
    let names: BTreeSet<&str> = names.lines().collect();
    let mut all = cases(NODE_TESTS);
    all.retain(|case| names.contains(&*case.name));
    assert_eq!(all.len(), names.len(), "`cargo xtask node-tests` writes the list anew");
    assert!(all.len() >= 998);
    all
}

#[track_caller]
fn check(outcomes: impl Iterator<Item = (Case, Result<f64, String>)>) {
    let wrong =
        |(case, outcome): (Case, Result<f64, String>)| Some(format!("{}: {}", case.name, outcome.err()?));
    let wrong: Vec<String> = outcomes.filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} fail:\n  {}", wrong.len(), wrong.join("\n  "));
}

#[test]
fn node_tests_that_passed_still_pass() {
    let node_tests = NodeTests::default();
    check(passing().into_iter().map(|case| {
        let outcome = node_tests.check(&case);
        (case, outcome)
    }));
}

#[test]
fn what_they_do_not_ask_for_is_answered_as_by_onnx_runtime_or_refused() {
    let all = cases("target/node-tests/edges.jsonl");
    assert!(all.len() >= 900);
    let node_tests = NodeTests::default();
    check(all.into_iter().map(|case| {
        let outcome = node_tests.check(&case);
        (case, outcome)
    }));
}

#[test]
fn packed_they_answer_the_same() {
    check(passing().into_iter().step_by(PACKED).map(|case| {
        let outcome = check_packed(&case);
        (case, outcome)
    }));
}
