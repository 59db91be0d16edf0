//! Binomial tails against SciPy, p-values and fixed-sequence testing against MAPIE, areas under risk-coverage curves against NumPy: to 1e-9 of
//! themselves and 1e-12, counts and indices exactly.

#![cfg(test)]

use metrics::{
    hypothesis::{binomial_cdf, fixed_sequence, hoeffding_bentkus, needed_trials, predictive_cdf},
    selective::aurc,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    binomial: Vec<Binomial>,
    predictive: Vec<Predictive>,
    needed: Vec<Needed>,
    mapies: Vec<Mapies>,
    sequences: Vec<Sequence>,
    areas: Vec<Area>,
}

#[derive(Deserialize)]
struct Binomial {
    n_wrong: u64,
    n: u64,
    limit: f64,
    cdf: f64,
}

#[derive(Deserialize)]
struct Predictive {
    k: u64,
    n: u64,
    seen: (u64, u64),
    cdf: f64,
}

#[derive(Deserialize)]
struct Needed {
    n_errors: u64,
    limit: f64,
    level: f64,
    n: u64,
}

#[derive(Deserialize)]
struct Mapies {
    mean: f64,
    n: u64,
    n_wrong: Option<u64>,
    limit: f64,
    p_value: f64,
    binary: f64,
}

#[derive(Deserialize)]
struct Sequence {
    p_values: Vec<f64>,
    level: f64,
    passed: Vec<usize>,
}

#[derive(Deserialize)]
struct Area {
    confidences: Vec<f64>,
    wrong: Vec<bool>,
    aurc: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/risk_control.json")).unwrap()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-12 + 1e-9 * expected.abs(), "{what}: {found} {expected}");
}

#[test]
fn binomial_tails_are_scipys() {
    let cases = golden().binomial;
    assert!(cases.len() >= 40);
    for Binomial { n_wrong, n, limit, cdf } in cases {
        assert_near(binomial_cdf(n_wrong, n, limit).unwrap(), cdf, &format!("{n_wrong} of {n} at {limit}"));
    }
}

#[test]
fn predictive_tails_are_scipys() {
    let cases = golden().predictive;
    assert!(cases.len() >= 16);
    for Predictive { k, n, seen, cdf } in cases {
        let (n_wrong, n_right) = seen;
        assert_near(predictive_cdf(k, n, (n_wrong, n_right)), cdf, &format!("{k} of {n} after {seen:?}"));
    }
}

#[test]
fn needed_trials_are_the_fewest_that_reject() {
    for Needed { n_errors, limit, level, n } in golden().needed {
        assert_eq!(needed_trials(n_errors, limit, level), Ok(n));
    }
}

#[test]
fn p_values_are_mapies() {
    let cases = golden().mapies;
    assert!(cases.iter().filter(|case| case.n_wrong.is_some()).count() >= 20);
    for Mapies { mean, n, n_wrong, limit, p_value, binary } in cases {
        let what = format!("{mean} of {n} at {limit}");
        assert_near(hoeffding_bentkus(mean, n, limit).unwrap(), p_value, &what);
        if let Some(n_wrong) = n_wrong {
            assert_near(binomial_cdf(n_wrong, n, limit).unwrap(), binary, &what);
        }
    }
}

#[test]
fn fixed_sequences_pass_what_mapie_passes() {
    let cases = golden().sequences;
    assert!(
        cases.iter().any(|case| case.passed.len() > 1) && cases.iter().any(|case| case.passed.is_empty())
    );
    for Sequence { p_values, level, passed } in cases {
        let adjusted = fixed_sequence(&p_values).unwrap();
        let found: Vec<usize> = (0..adjusted.len()).filter(|idx| adjusted[*idx] <= level).collect();
        assert_eq!(found, passed);
    }
}

#[test]
fn areas_are_numpys() {
    for Area { confidences, wrong, aurc: expected } in golden().areas {
        let answers: Vec<(f64, bool)> = confidences.into_iter().zip(wrong).collect();
        assert_near(aurc(&answers).unwrap(), expected, "aurc");
    }
}
