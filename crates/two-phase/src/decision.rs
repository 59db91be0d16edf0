//! What becomes of a row: whether the edge's answer stands, and why. Not the cloud's call.

use serde::{Deserialize, Serialize};

use crate::{
    policy::{OperatingPoint, Policy, Thresholds},
    sample::place,
    score::{NotADistribution, distribution},
};

/// A row that the edge has answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// The edge's probabilities: one for each class, or only that of the second of two.
    pub probabilities: &'a [f64],
    /// The index of the class that the edge answers.
    pub label: usize,
    /// The values of the guard's features, in the guard's order; NaN is missing. Not looked at without a guard.
    pub features: &'a [f64],
    /// The segment; only looked at if thresholds are by segment.
    pub segment: Option<&'a str>,
    /// Whether the row is escalated even if it can be accepted: [`Policy::is_audited`].
    pub is_audited: bool,
}

/// Whether the edge's answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It does.
    Accept,
    /// The cloud is to be asked.
    Escalate,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whether the edge's answer stands.
    pub action: Action,
    /// The calibrated confidence, between 0 and 1; none if the probabilities have none.
    pub confidence: Option<f64>,
    /// Why.
    pub reason: Reason,
}

/// Why a row is accepted or escalated.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Accepted: the confidence is at the threshold or above.
    Confident,
    /// The confidence is below the threshold.
    BelowThreshold {
        /// The threshold.
        threshold: f64,
    },
    /// A feature is out of the range that the policy knows.
    OutOfRange {
        /// The feature.
        feature: String,
        /// Its value; NaN if it is missing.
        found: f64,
    },
    /// The probabilities are none.
    NotADistribution(NotADistribution),
    /// The edge's answer is no class of the policy.
    UnknownClass {
        /// Its index.
        label: usize,
    },
    /// The row's class or segment has no threshold: nothing can be promised for it.
    NoThreshold {
        /// The class or the segment; empty if the row has no segment.
        group: String,
    },
    /// The monitor has left the ladder behind: the promise is broken and every row is escalated.
    Suspended,
    /// The row can be accepted, and is in the sample that watches the promise.
    Audit,
}

impl Reason {
    /// The reason in one word, for answers and counters.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Confident => "confident",
            Self::BelowThreshold { .. } => "below-threshold",
            Self::OutOfRange { .. } => "out-of-range",
            Self::NotADistribution(_) => "not-a-distribution",
            Self::UnknownClass { .. } => "unknown-class",
            Self::NoThreshold { .. } => "no-threshold",
            Self::Suspended => "suspended",
            Self::Audit => "audit",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Confident => f.write_str("the confidence is at the threshold or above"),
            Self::BelowThreshold { threshold } => write!(f, "the confidence is below {threshold}"),
            Self::OutOfRange { feature, found } if found.is_nan() => write!(f, "`{feature}` is missing"),
            Self::OutOfRange { feature, found } => {
                write!(f, "`{feature}` is {found}, outside of the range that the policy knows")
            }
            Self::NotADistribution(problem) => problem.fmt(f),
            Self::UnknownClass { label } => write!(f, "class {label} is none of the policy's"),
            Self::NoThreshold { group } => write!(f, "nothing can be promised for {group:?}"),
            Self::Suspended => f.write_str("the promise is broken, and every row is escalated"),
            Self::Audit => f.write_str("in the sample that watches the promise"),
        }
    }
}

impl Decision {
    /// Whether the edge's answer stands.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.action == Action::Accept
    }
}

impl Policy {
    /// What becomes of a row. `rung` is how often the monitor has stepped up the ladder of the row's group: 0 at first.
    ///
    /// Reasons are looked for in the order: not a distribution, unknown class, out of range, no threshold, suspended, below threshold, audit.
    #[must_use]
    pub fn decide(&self, row: &Row<'_>, rung: usize) -> Decision {
        let confidence = self.confidence(row.probabilities);
        let reason = match &confidence {
            Err(problem) => Reason::NotADistribution(*problem),
            Ok(confidence) => self.reason(row, *confidence, rung),
        };
        let action = if reason == Reason::Confident { Action::Accept } else { Action::Escalate };
        Decision { action, confidence: confidence.ok(), reason }
    }

    /// Whether a row is in the sample that is escalated even if it can be accepted, by its client and its key as JSON.
    #[must_use]
    pub fn is_audited(&self, client: &str, key: &[u8]) -> bool {
        // Nothing lies below 0: without a sample no digest is needed.
        self.audit_share > 0.0 && place(client, key) < self.audit_share
    }

    /// The calibrated confidence of the edge's probabilities, between 0 and 1.
    ///
    /// # Errors
    /// [`NotADistribution`] if they have none.
    pub fn confidence(&self, probabilities: &[f64]) -> Result<f64, NotADistribution> {
        let distribution = distribution(probabilities, self.classes.len())?;
        Ok(self.calibrator.confidence(self.score, &distribution))
    }

    /// The name of the group whose ladder and rung are the row's: its class, its segment, or nothing if there is one for all.
    #[must_use]
    pub fn group<'a>(&'a self, row: &Row<'a>) -> &'a str {
        match self.thresholds {
            Thresholds::All { .. } => "",
            Thresholds::Class { .. } => self.classes.get(row.label).map_or("", String::as_str),
            Thresholds::Segment { .. } => row.segment.unwrap_or_default(),
        }
    }

    fn reason(&self, row: &Row<'_>, confidence: f64, rung: usize) -> Reason {
        if row.label >= self.classes.len() {
            return Reason::UnknownClass { label: row.label };
        }
        if let Some(outside) = self.guard.as_ref().and_then(|guard| guard.outside(row.features)) {
            return Reason::OutOfRange { feature: outside.range.feature.clone(), found: outside.found };
        }
        let ladder = self.ladder(row);
        match ladder.get(rung) {
            None if ladder.is_empty() => Reason::NoThreshold { group: self.group(row).to_owned() },
            None => Reason::Suspended,
            // Not the negation of `>=`: a confidence that is NaN is below every threshold.
            Some(point) if confidence >= point.threshold => confident(row.is_audited),
            Some(point) => Reason::BelowThreshold { threshold: point.threshold },
        }
    }

    fn ladder(&self, row: &Row<'_>) -> &[OperatingPoint] {
        match &self.thresholds {
            Thresholds::All { ladder } => ladder,
            Thresholds::Class { groups } => groups.get(row.label).map_or(&[], |group| &group.ladder),
            Thresholds::Segment { groups, .. } => {
                let of_row = |group: &&crate::policy::Group| Some(group.name.as_str()) == row.segment;
                groups.iter().find(of_row).map_or(&[], |group| &group.ladder)
            }
        }
    }
}

const fn confident(is_audited: bool) -> Reason {
    if is_audited { Reason::Audit } else { Reason::Confident }
}
