//! What a policy is to be expected to do, by what it does to the rows of the test: coverage, cost and latency. Estimates, not promises.

use super::{Calibration, Labelled};
use crate::{
    decision::{Reason, Row},
    error::Error,
    policy::{CostComparison, Expectation, Latency, LatencyComparison, Policy},
};

const ROWS_OF_A_COST: f64 = 1000.0;

/// What calls and errors cost, in any one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// A call of the cloud, for one row.
    pub cloud_call: f64,
    /// A wrong answer.
    pub error: f64,
}

impl Costs {
    pub(super) fn check(self) -> Result<(), Error> {
        for (name, cost) in [("costs.cloud_call", self.cloud_call), ("costs.error", self.error)] {
            if !(cost.is_finite() && cost >= 0.0) {
                return Err(Error::field(name, "a finite cost of at least 0", cost));
            }
        }
        Ok(())
    }
}

/// A row, and with which probability it goes to the cloud.
struct Routed<'a> {
    part: &'a Labelled<'a>,
    is_accepted: bool,
    is_guarded: bool,
    to_cloud: f64,
}

impl Calibration {
    pub(super) fn expectation(&self, policy: &Policy, test: &[Labelled<'_>]) -> Expectation {
        let routed: Vec<Routed<'_>> = test.iter().map(|part| routed(policy, part)).collect();
        let accepted = || routed.iter().filter(|row| row.is_accepted);
        let n_wrong = accepted().map(|row| row.part.is_wrong.map(|is_wrong| u64::from(is_wrong) as f64));
        let risk = n_wrong.sum::<Option<f64>>().map(|n_wrong| n_wrong / accepted().count() as f64);
        Expectation {
            coverage: share(&routed, |row| f64::from(u8::from(row.is_accepted))),
            escalated: share(&routed, |row| row.to_cloud),
            guarded: share(&routed, |row| f64::from(u8::from(row.is_guarded))),
            risk: risk.filter(|risk| risk.is_finite()),
            cost: self.costs.map(|costs| cost(costs, &routed)),
            latency: latency(&routed),
        }
    }
}

fn routed<'a>(policy: &Policy, part: &'a Labelled<'a>) -> Routed<'a> {
    let row = Row {
        probabilities: &part.observed.probabilities,
        label: part.observed.label,
        features: &part.observed.features,
        segment: part.observed.segment.as_deref(),
        is_audited: false,
    };
    let decision = policy.decide(&row, 0);
    let is_accepted = decision.is_accepted();
    let to_cloud = if is_accepted { policy.audit_share } else { 1.0 };
    Routed { part, is_accepted, is_guarded: matches!(decision.reason, Reason::OutOfRange { .. }), to_cloud }
}

/// The mean of a number over rows; 0 of no rows.
fn share(rows: &[Routed<'_>], of: impl Fn(&Routed<'_>) -> f64) -> f64 {
    rows.iter().map(of).sum::<f64>() / rows.len().max(1) as f64
}

/// Errors are counted over the rows whose truth is known, or else the cloud's answer, which then counts as right.
fn cost(costs: Costs, rows: &[Routed<'_>]) -> CostComparison {
    let errors = |to_cloud: &dyn Fn(&Routed<'_>) -> f64| {
        let wrong = rows.iter().filter_map(|row| {
            let observed = row.part.observed;
            let truth = observed.truth.or(observed.cloud_label)?;
            let is_wrong = |label: usize| f64::from(u8::from(label != truth));
            let by_cloud = is_wrong(observed.cloud_label.unwrap_or(truth));
            Some(to_cloud(row) * by_cloud + (1.0 - to_cloud(row)) * is_wrong(observed.label))
        });
        let (n, sum) = wrong.fold((0_u64, 0.0), |(n, sum), it| (n + 1, sum + it));
        sum / n.max(1) as f64
    };
    let total = |to_cloud: &dyn Fn(&Routed<'_>) -> f64| {
        ROWS_OF_A_COST * (costs.cloud_call * share(rows, to_cloud) + costs.error * errors(to_cloud))
    };
    CostComparison {
        cloud_call: costs.cloud_call,
        error: costs.error,
        two_phase: total(&|row| row.to_cloud),
        edge_only: total(&|_| 0.0),
        cloud_only: total(&|_| 1.0),
    }
}

/// Of the rows that were timed on both models.
fn latency(rows: &[Routed<'_>]) -> Option<LatencyComparison> {
    let is_time = |time: &f64| time.is_finite() && *time >= 0.0;
    let timed = rows.iter().filter_map(|row| {
        let observed = row.part.observed;
        Some((row, observed.edge_ms.filter(is_time)?, observed.cloud_ms.filter(is_time)?))
    });
    let timed: Vec<_> = timed.collect();
    let two_phase = timed
        .iter()
        .flat_map(|(row, edge, cloud)| [(*edge, 1.0 - row.to_cloud), (edge + cloud, row.to_cloud)]);
    Some(LatencyComparison {
        two_phase: distribution(two_phase)?,
        edge_only: distribution(timed.iter().map(|(_, edge, _)| (*edge, 1.0)))?,
        cloud_only: distribution(timed.iter().map(|(_, _, cloud)| (*cloud, 1.0)))?,
    })
}

/// Of times with their weights; none of nothing.
fn distribution(times: impl Iterator<Item = (f64, f64)>) -> Option<Latency> {
    let mut times: Vec<(f64, f64)> = times.filter(|(_, weight)| *weight > 0.0).collect();
    times.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let total: f64 = times.iter().map(|(_, weight)| weight).sum();
    let mean_ms = times.iter().map(|(time, weight)| time * weight).sum::<f64>() / total;
    Some(Latency { mean_ms, p50_ms: quantile(&times, 0.5 * total)?, p99_ms: quantile(&times, 0.99 * total)? })
}

/// The least time by which as much weight has passed.
fn quantile(times: &[(f64, f64)], weight: f64) -> Option<f64> {
    let mut passed = 0.0;
    let reached = times.iter().find(|(_, own)| {
        passed += own;
        // A rounding's worth less is as much.
        passed >= weight * (1.0 - f64::EPSILON * 1024.0)
    });
    reached.or(times.last()).map(|(time, _)| *time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_quantiles_by_weight() {
        let times = (1..=100).map(|time| (f64::from(time), 1.0));
        let latency = distribution(times).unwrap();
        assert_eq!(latency, Latency { mean_ms: 50.5, p50_ms: 50.0, p99_ms: 99.0 });
        let heavy = distribution([(5.0, 0.9), (100.0, 0.1)].into_iter()).unwrap();
        assert!((heavy.p50_ms - 5.0).abs() < 1e-12 && (heavy.p99_ms - 100.0).abs() < 1e-12);
        assert_eq!(distribution(std::iter::empty()), None);
    }

    #[test]
    fn costs_are_finite() {
        assert!(Costs { cloud_call: -1.0, error: 0.0 }.check().is_err());
        assert!(Costs { cloud_call: 1.0, error: f64::NAN }.check().is_err());
    }
}
