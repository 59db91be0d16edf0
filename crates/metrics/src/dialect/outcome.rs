//! What a tool says: a score, its rule and its verdict.

use serde::{Deserialize, Serialize};

use crate::Interval;

/// When a tool calls a number drift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `<=`
    AtMost(f64),
    /// `<`
    Below(f64),
    /// `>=`
    AtLeast(f64),
    /// `>`
    Above(f64),
    /// Below the lower end or above the upper one.
    Outside(Interval),
}

impl Rule {
    /// Whether a number is drift; NaN never is.
    #[must_use]
    pub fn is_met(&self, number: f64) -> bool {
        match *self {
            Self::AtMost(threshold) => number <= threshold,
            Self::Below(threshold) => number < threshold,
            Self::AtLeast(threshold) => number >= threshold,
            Self::Above(threshold) => number > threshold,
            Self::Outside(interval) => number < interval.lower || number > interval.upper,
        }
    }
}

/// What a tool says of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The number that the tool reports; NaN where the tool's is.
    pub score: f64,
    /// Whether that number is a p-value, so that less of it is more drift.
    pub is_p_value: bool,
    /// The p-value, reported or not, if the tool has one. The rule is about it then, else about the score.
    pub p_value: Option<f64>,
    /// The tool's default rule; absent if it has none.
    pub rule: Option<Rule>,
    /// Whether the tool calls it drift by that rule.
    pub is_drift: Option<bool>,
}

impl Outcome {
    /// A score with the tool's rule about it.
    pub(super) fn of_score(score: f64, rule: Option<Rule>) -> Self {
        Self { score, is_p_value: false, p_value: None, rule, is_drift: rule.map(|rule| rule.is_met(score)) }
    }

    /// A p-value that is reported as the score.
    pub(super) fn of_p_value(p_value: f64, rule: Rule) -> Self {
        Self { is_p_value: true, p_value: Some(p_value), ..Self::of_score(p_value, Some(rule)) }
    }

    /// A statistic with a p-value, which the rule is about.
    pub(super) fn of_test(statistic: f64, p_value: f64, rule: Option<Rule>) -> Self {
        let is_drift = rule.map(|rule| rule.is_met(p_value));
        Self { score: statistic, is_p_value: false, p_value: Some(p_value), rule, is_drift }
    }
}
