//! A policy for people: what it promises, what it is made of, and what is to be expected of it.

use std::fmt::Write as _;

use two_phase::{
    Policy,
    policy::{CostComparison, Latency, LatencyComparison, OperatingPoint},
};

/// How many points of the curve are shown.
const CURVE_ROWS: usize = 10;

const HEAD: &str = "   threshold  coverage  accepted  wrong      risk     bound\n";

/// The policy in words and tables.
pub(super) fn policy(policy: &Policy) -> String {
    let data = &policy.data;
    let mut text = format!(
        "{}\n\n{} rows: {} to fit, {} to test, {} without what the promise needs\n",
        policy.promise.statement(),
        data.n_rows,
        data.n_fit,
        data.n_test,
        data.n_unlabelled
    );
    for (name, ladder) in policy.thresholds.ladders() {
        let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
        text += &format!("\nladder{of}\n");
        text +=
            &if ladder.is_empty() { "   none: every row is escalated\n".to_owned() } else { table(ladder) };
    }
    text += "\nrisk by coverage, one threshold for all\n";
    text += &table(&thinned(&policy.curve));
    let expectation = &policy.expectation;
    let _ = write!(
        text,
        "\nexpected: {} of rows answered at the edge, {} sent to the cloud, audited ones included",
        percent(expectation.coverage),
        percent(expectation.escalated)
    );
    if policy.guard.is_some() {
        let _ = write!(text, ", {} by the guard", percent(expectation.guarded));
    }
    text.push('\n');
    text += &expectation.cost.as_ref().map(cost).unwrap_or_default();
    text += &expectation.latency.as_ref().map(latency).unwrap_or_default();
    text
}

/// At most ten points, evenly, the last among them.
fn thinned(curve: &[OperatingPoint]) -> Vec<OperatingPoint> {
    let step = curve.len().div_ceil(CURVE_ROWS).max(1);
    let mut points: Vec<OperatingPoint> = curve.iter().rev().step_by(step).copied().collect();
    points.reverse();
    points
}

fn table(points: &[OperatingPoint]) -> String {
    let row = |point: &OperatingPoint| {
        let wrong = point.n_wrong.map_or_else(|| "-".to_owned(), |n_wrong| n_wrong.to_string());
        format!(
            "   {:>9.4} {:>9} {:>9} {:>6} {:>9} {:>9}\n",
            point.threshold,
            percent(point.coverage),
            point.n_accepted,
            wrong,
            point.risk.map_or_else(|| "-".to_owned(), percent),
            point.upper_bound.map_or_else(|| "-".to_owned(), percent)
        )
    };
    std::iter::once(HEAD.to_owned()).chain(points.iter().map(row)).collect()
}

fn cost(cost: &CostComparison) -> String {
    format!(
        "cost of 1000 rows: {:.2} in two phases, {:.2} by the edge alone, {:.2} by the cloud alone\n",
        cost.two_phase, cost.edge_only, cost.cloud_only
    )
}

fn latency(latency: &LatencyComparison) -> String {
    let of = |latency: &Latency| {
        format!("{:.3} ms in the mean, p50 {:.3}, p99 {:.3}", latency.mean_ms, latency.p50_ms, latency.p99_ms)
    };
    format!(
        "latency of a row: {} in two phases\n   by the edge alone {}\n   by the cloud alone {}\n",
        of(&latency.two_phase),
        of(&latency.edge_only),
        of(&latency.cloud_only)
    )
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n_accepted: u64) -> OperatingPoint {
        OperatingPoint {
            threshold: 0.5,
            coverage: 0.25,
            n_accepted,
            n_wrong: None,
            risk: None,
            upper_bound: Some(0.0123),
        }
    }

    #[test]
    fn a_curve_is_thinned_to_ten_points_and_keeps_its_last() {
        let curve: Vec<OperatingPoint> = (1..=101).map(point).collect();
        let thinned = thinned(&curve);
        assert!(thinned.len() <= CURVE_ROWS);
        assert_eq!(thinned.last().unwrap().n_accepted, 101);
        assert!(thinned.is_sorted_by_key(|point| point.n_accepted));
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let expected = "      0.5000   25.00 %         7      -         -    1.23 %\n";
        assert_eq!(table(&[point(7)]), HEAD.to_owned() + expected);
    }
}
