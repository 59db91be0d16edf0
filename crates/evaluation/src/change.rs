//! Whether a metric is worse than the baseline's, by more than it may be and by more than chance.

use metrics::{Estimate, interval::Confidence};
use serde::{Deserialize, Serialize};

use crate::{performance::Metric, report::Rules};

/// A metric beside the baseline's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The metric now.
    pub metric: Metric,
    /// The metric of the baseline, if it has one.
    pub baseline: Option<Estimate>,
    /// How much worse it is, in the metric's own unit; negative if it is better.
    pub loss: Option<f64>,
    /// Between which losses the true one lies, with the rules' confidence.
    pub loss_interval: Option<(f64, f64)>,
    /// What follows.
    pub judgement: Judgement,
}

/// How a metric compares with the baseline's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Worse than it may be, and surely.
    Worse,
    /// The data leave it open.
    Open,
    /// Surely no worse than it may be.
    Fine,
    /// Surely better than the baseline.
    Better,
}

/// Each metric of `now` beside that of `then` with the same name.
#[must_use]
pub(crate) fn changes(then: &[Metric], now: &[Metric], rules: Rules) -> Vec<Change> {
    let of_name = |name: &str| then.iter().find(|metric| metric.name == name).map(|metric| metric.estimate);
    now.iter().map(|metric| change(metric, of_name(&metric.name), rules)).collect()
}

fn change(metric: &Metric, baseline: Option<Estimate>, rules: Rules) -> Change {
    let sign = if metric.is_gain { 1.0 } else { -1.0 };
    let loss = baseline.map(|baseline| sign * (baseline.value - metric.estimate.value));
    let error = baseline.and_then(|baseline| {
        let (then, now) = (error(&baseline, rules.confidence)?, error(&metric.estimate, rules.confidence)?);
        Some((then * then + now * now).sqrt())
    });
    let half_width = error.map(|error| error * rules.confidence.z());
    let loss_interval = loss.zip(half_width).map(|(loss, half)| (loss - half, loss + half));
    let allowed = baseline.map_or(0.0, |baseline| baseline.value.abs() * rules.tolerance.0);
    let judgement = loss_interval.map_or(Judgement::Open, |interval| judgement(interval, allowed));
    Change { metric: metric.clone(), baseline, loss, loss_interval, judgement }
}

/// The standard error that an interval was made of, taken as symmetric.
fn error(estimate: &Estimate, confidence: Confidence) -> Option<f64> {
    let interval = estimate.interval?;
    Some((interval.upper - interval.lower) / 2.0 / confidence.z())
}

fn judgement((least, most): (f64, f64), allowed: f64) -> Judgement {
    if least > allowed {
        Judgement::Worse
    } else if most < 0.0 {
        Judgement::Better
    } else if most <= allowed {
        Judgement::Fine
    } else {
        Judgement::Open
    }
}

#[cfg(test)]
mod tests {
    use metrics::Interval;

    use super::*;

    #[track_caller]
    fn check(now: (f64, f64, f64), is_gain: bool, expected: Judgement) {
        let estimate = |(lower, value, upper)| Estimate { value, interval: Some(Interval { lower, upper }) };
        let metric = |range| Metric { name: "m".to_owned(), estimate: estimate(range), is_gain };
        let then = [metric((0.89, 0.9, 0.91))];
        assert_eq!(changes(&then, &[metric(now)], Rules::default())[0].judgement, expected);
    }

    #[test]
    fn only_a_loss_beyond_the_tolerance_and_beyond_chance_is_worse() {
        check((0.79, 0.8, 0.81), true, Judgement::Worse);
        check((0.70, 0.8, 0.90), true, Judgement::Open);
        check((0.89, 0.9, 0.91), true, Judgement::Fine);
        check((0.94, 0.95, 0.96), true, Judgement::Better);
        check((0.79, 0.8, 0.81), false, Judgement::Better);
        check((0.99, 1.0, 1.01), false, Judgement::Worse);
    }

    #[test]
    fn without_an_interval_nothing_is_said() {
        let metric =
            Metric { name: "m".to_owned(), estimate: Estimate { value: 0.1, interval: None }, is_gain: true };
        let then = [Metric { estimate: Estimate { value: 0.9, interval: None }, ..metric.clone() }];
        let change = &changes(&then, &[metric], Rules::default())[0];
        assert_eq!((change.judgement, change.loss_interval), (Judgement::Open, None));
        assert!((change.loss.unwrap() - 0.8).abs() < 1e-12);
    }
}
