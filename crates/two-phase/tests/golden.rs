//! Scores against NumPy and SciPy, thresholds against SciPy's tails and MAPIE's testing: to 1e-12, bounds to 1e-9, thresholds and counts exactly.

#![cfg(test)]

use serde::Deserialize;
use two_phase::{
    Error, Score,
    threshold::{Acceptance, RiskLimit, Scored, risk_threshold},
};

#[derive(Deserialize)]
struct Golden {
    scores: Vec<Scores>,
    thresholds: Vec<Threshold>,
}

#[derive(Deserialize)]
struct Scores {
    probabilities: Vec<f64>,
    max_probability: f64,
    margin: f64,
    entropy: f64,
}

#[derive(Deserialize)]
struct Threshold {
    fit: (Vec<f64>, Vec<bool>),
    test: (Vec<f64>, Vec<bool>),
    max_risk: f64,
    level: f64,
    threshold: Option<f64>,
    #[serde(default)]
    n_accepted: u64,
    #[serde(default)]
    n_wrong: u64,
    #[serde(default)]
    upper_bound: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/two_phase.json")).unwrap()
}

fn acceptance((confidences, wrong): &(Vec<f64>, Vec<bool>)) -> Acceptance {
    let rows = confidences.iter().zip(wrong);
    let rows = rows
        .map(|(confidence, is_wrong)| Scored { confidence: Some(*confidence), is_wrong: Some(*is_wrong) });
    Acceptance::of(&rows.collect::<Vec<_>>())
}

#[test]
fn scores_are_numpys_and_scipys() {
    let cases = golden().scores;
    assert!(cases.len() >= 9);
    for case in cases {
        for (score, expected) in [
            (Score::MaxProbability, case.max_probability),
            (Score::Margin, case.margin),
            (Score::Entropy, case.entropy),
        ] {
            let found = score.of(&case.probabilities);
            assert!(
                (found - expected).abs() < 1e-12,
                "{score:?} {:?}: {found} {expected}",
                case.probabilities
            );
        }
    }
}

#[test]
fn thresholds_are_those_of_scipy_and_mapie() {
    let cases = golden().thresholds;
    assert!(cases.iter().any(|case| case.threshold.is_none()));
    assert!(cases.iter().filter(|case| case.threshold.is_some()).count() >= 4);
    for case in cases {
        let (fit, test) = (acceptance(&case.fit), acceptance(&case.test));
        let limit = RiskLimit { max_risk: case.max_risk, level: case.level };
        let found = risk_threshold(&fit, &test, limit);
        let Some(expected) = case.threshold else {
            assert!(matches!(found, Err(Error::NotKept { .. })));
            continue;
        };
        assert_eq!(found, Ok(expected));
        let point = test.point(expected, case.level);
        assert_eq!((point.n_accepted, point.n_wrong), (case.n_accepted, Some(case.n_wrong)));
        assert!((point.upper_bound.unwrap() - case.upper_bound).abs() < 1e-9, "{point:?}");
    }
}
