//! The promise by simulation: of many policies, each made of rows drawn anew, the share whose true risk exceeds the promised one is at most
//! one less the confidence. And that the test can fail: the threshold that merely looks right on its rows breaks the promise.
//!
//! Scores are uniform and the edge is wrong with probability `rate(score)`, so that the true risk of a threshold is an integral in closed form.

#![cfg(test)]

use two_phase::threshold::{Acceptance, RiskLimit, Scored, budget_threshold, risk_threshold};

const N_RUNS: u32 = 1000;

/// A linear congruential generator of 64 bits, of which the upper 53 are used: the same draws everywhere.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / 2f64.powi(53)
    }
}

/// How the edge's errors depend on its score.
#[derive(Clone, Copy, Debug)]
enum Edge {
    /// Wrong with probability `most * (1 - score)`.
    Honest { most: f64 },
    /// Wrong with probability `most * (1 - score)³`: nearly all errors are where it is unsure, as with most trained models.
    Sharp { most: f64 },
    /// Wrong at the same rate, however sure: every threshold's risk is the same.
    Blind { rate: f64 },
    /// Surest where it is wrong most: wrong with probability `most * score`.
    Contrary { most: f64 },
}

impl Edge {
    fn rate(self, score: f64) -> f64 {
        match self {
            Self::Honest { most } => most * (1.0 - score),
            Self::Sharp { most } => most * (1.0 - score).powi(3),
            Self::Blind { rate } => rate,
            Self::Contrary { most } => most * score,
        }
    }

    /// The mean of [`Edge::rate`] above a threshold.
    fn risk(self, threshold: f64) -> f64 {
        match self {
            Self::Sharp { .. } => self.rate(threshold) / 4.0,
            _ => self.rate(f64::midpoint(threshold, 1.0)),
        }
    }

    fn rows(self, n: usize, draws: &mut Draws) -> Vec<Scored> {
        let mut row = || {
            let score = draws.next();
            Scored { confidence: Some(score), is_wrong: Some(draws.next() < self.rate(score)) }
        };
        (0..n).map(|_| row()).collect()
    }
}

/// How many of the runs break the promise, and how many have a threshold.
fn broken(
    edge: Edge,
    limit: f64,
    n: usize,
    threshold: impl Fn(&[Scored], &[Scored]) -> Option<f64>,
) -> (u32, u32) {
    let mut draws = Draws(0x5eed);
    let thresholds = (0..N_RUNS).map(|_| {
        let (fit, test) = (edge.rows(n / 4, &mut draws), edge.rows(n - n / 4, &mut draws));
        threshold(&fit, &test)
    });
    let found: Vec<f64> = thresholds.flatten().collect();
    let n_broken = found.iter().filter(|threshold| edge.risk(**threshold) > limit).count();
    (u32::try_from(n_broken).unwrap(), u32::try_from(found.len()).unwrap())
}

/// How many of the runs may break it: three standard errors beyond the level.
fn allowed(level: f64) -> f64 {
    let n_runs = f64::from(N_RUNS);
    n_runs * level + 3.0 * (n_runs * level * (1.0 - level)).sqrt()
}

fn tested(max_risk: f64, level: f64) -> impl Fn(&[Scored], &[Scored]) -> Option<f64> {
    move |fit, test| {
        risk_threshold(&Acceptance::of(fit), &Acceptance::of(test), RiskLimit { max_risk, level }).ok()
    }
}

/// The loosest threshold whose rows are wrong no more often than promised.
fn naive(max_risk: f64) -> impl Fn(&[Scored], &[Scored]) -> Option<f64> {
    move |_, test| {
        let rows = Acceptance::of(test);
        let keeps = |threshold: &f64| {
            let n_wrong = rows.n_wrong(*threshold).unwrap() as f64;
            n_wrong <= max_risk * rows.n_accepted(*threshold) as f64
        };
        rows.quantiles(200).into_iter().rfind(keeps)
    }
}

#[test]
fn the_promise_holds_as_often_as_promised() {
    for (edge, max_risk, level) in [
        (Edge::Sharp { most: 0.2 }, 0.02, 0.05),
        (Edge::Honest { most: 0.4 }, 0.1, 0.1),
        (Edge::Blind { rate: 0.021 }, 0.02, 0.05),
        (Edge::Blind { rate: 0.101 }, 0.1, 0.1),
        (Edge::Contrary { most: 0.041 }, 0.02, 0.05),
    ] {
        let (n_broken, n_found) = broken(edge, max_risk, 2000, tested(max_risk, level));
        assert!(
            f64::from(n_broken) <= allowed(level),
            "{edge:?}: {n_broken} of {N_RUNS} broken, {n_found} found"
        );
    }
}

/// An edge that is good enough gets a threshold nearly always, and one that accepts nearly all that may be: the true risk of 0.1 is reached at 0.5.
#[test]
fn the_promise_is_not_kept_by_accepting_nothing() {
    let edge = Edge::Sharp { most: 0.2 };
    let (_, n_found) = broken(edge, 0.02, 2000, tested(0.02, 0.05));
    assert!(n_found >= 950, "{n_found}");
    let mut draws = Draws(7);
    let edge = Edge::Honest { most: 0.4 };
    let (fit, test) = (edge.rows(5000, &mut draws), edge.rows(15_000, &mut draws));
    let threshold = tested(0.1, 0.05)(&fit, &test).unwrap();
    assert!((0.5..0.56).contains(&threshold), "{threshold}");
}

/// A test that cannot fail would say nothing.
#[test]
fn the_naive_threshold_breaks_the_promise() {
    let (n_broken, _) = broken(Edge::Sharp { most: 0.2 }, 0.02, 2000, naive(0.02));
    assert!(f64::from(n_broken) > 4.0 * allowed(0.05), "{n_broken}");
    let (n_broken, _) = broken(Edge::Blind { rate: 0.021 }, 0.02, 2000, naive(0.02));
    assert!(f64::from(n_broken) > 4.0 * allowed(0.05), "{n_broken}");
}

/// The share of new rows below a budget's threshold, over many draws of few rows, is the budget at most.
#[test]
fn a_budget_holds_in_expectation() {
    let edge = Edge::Blind { rate: 0.0 };
    for budget in [0.05, 0.3] {
        let mut draws = Draws(11);
        let escalated = (0..N_RUNS).map(|_| {
            let rows = Acceptance::of(&edge.rows(37, &mut draws));
            budget_threshold(&rows, budget).unwrap()
        });
        let mean = escalated.sum::<f64>() / f64::from(N_RUNS);
        assert!(mean <= budget + 0.01 && mean > budget - 0.04, "{mean}");
    }
}
