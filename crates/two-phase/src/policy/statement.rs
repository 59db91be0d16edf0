//! A promise in words, for those who will be held to it.

use super::{Target, Thresholds};
use crate::error::{level, percent};

/// What is promised of the accepted rows.
pub(crate) fn of_risk(target: Target, max_risk: f64, confidence: f64, thresholds: &Thresholds) -> String {
    let wrong = match target {
        Target::Error => "the edge's answer is wrong",
        Target::Disagreement => "the edge's answer differs from the cloud's",
        Target::Regret => "the edge's answer is wrong and the cloud's would have been right",
    };
    let each = match thresholds {
        Thresholds::All { .. } => "Of accepted rows",
        Thresholds::Class { .. } => "For every predicted class at once: of accepted rows",
        Thresholds::Segment { .. } => "For every segment at once: of accepted rows",
    };
    format!(
        "{each}, {wrong} in at most {} of cases. This holds with probability {} over the choice of the calibration rows, \
         for new rows that come from where these came from; if the data drifts, it no longer holds.",
        percent(max_risk),
        level(confidence)
    )
}

/// What a budget promises, and what it does not.
pub(crate) fn of_budget(max_escalated: f64) -> String {
    format!(
        "Of rows that come from where the calibration rows came from, at most {} are escalated, in expectation. How many of the accepted ones are \
         wrong is measured, not promised.",
        percent(max_escalated)
    )
}
