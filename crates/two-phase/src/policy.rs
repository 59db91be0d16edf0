//! The policy file: everything that decides whether an edge's answer stands, bound to the two models that it was made with. Not the
//! decision, which is [`crate::decision`], and not how it came about, which is [`crate::calibrate`].

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{calibrator::Calibrator, error::Error, guard::Guard, sample::hexadecimal, score::Score};

mod check;
pub(crate) mod statement;

pub(crate) use check::{check_digest, check_names, check_promise, check_share};

/// The version of the form of policies.
pub const FORM: u32 = 1;

/// How many points a risk-coverage curve has at most.
pub const MAX_CURVE_POINTS: usize = 101;

/// A policy. Made by [`crate::Calibration`] or read by [`Policy::from_json`], which checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// [`FORM`].
    pub form: u32,
    /// The model that answers first.
    pub edge: ModelRef,
    /// The model that is asked when the edge's answer does not stand.
    pub cloud: ModelRef,
    /// The labels of the classes, in the order of the edge's probabilities.
    pub classes: Vec<String>,
    /// How sure the edge is.
    pub score: Score,
    /// What makes a confidence of the score.
    pub calibrator: Calibrator,
    /// What rows are escalated whatever the confidence; none if all may be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// What holds for rows that are accepted.
    pub promise: Promise,
    /// The confidence from which a row is accepted.
    pub thresholds: Thresholds,
    /// Risk by coverage on the rows of the test, one threshold for all, the strictest first; at most [`MAX_CURVE_POINTS`].
    pub curve: Vec<OperatingPoint>,
    /// The area under the risk-coverage curve, a mean of risks; none without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aurc: Option<f64>,
    /// What is to be expected of the first rungs.
    pub expectation: Expectation,
    /// What the policy was made of.
    pub data: DataSummary,
    /// The share of accepted rows that are escalated too, to watch the promise.
    pub audit_share: f64,
}

/// A model and which of its outputs are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// The name under which it is served.
    pub name: String,
    /// The version under which it is served.
    pub version: String,
    /// The property of that name of a packed model: the SHA-256 of the ONNX file, as 64 hexadecimal digits in lower case.
    pub onnx_sha256: String,
    /// Which outputs are used.
    pub outputs: Outputs,
}

/// Which outputs of a model are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outputs {
    /// The output with a probability for each class; the edge's must be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<String>,
    /// The output with the label; if there is none, the likeliest class is the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What a promise counts as wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The edge's answer is not the true label.
    #[default]
    Error,
    /// The edge's answer is not the cloud's; needs no label.
    Disagreement,
    /// The edge's answer is not the true label, and the cloud's is.
    Regret,
}

/// What a policy promises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Promise {
    /// Of accepted rows at most a share is wrong.
    Risk {
        /// What is wrong.
        target: Target,
        /// The share, between 0 and 1.
        max_risk: f64,
        /// The probability, over calibration data, that the policy keeps it. Above 0.5 and below 1.
        confidence: f64,
        /// The promise in words.
        statement: String,
    },
    /// Of all rows at most a share is escalated, in expectation; how many accepted ones are wrong is not promised.
    Budget {
        /// The share, between 0 and 1, audited rows included.
        max_escalated: f64,
        /// The promise in words.
        statement: String,
    },
}

/// Thresholds on the confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Thresholds {
    /// One for all rows.
    All {
        /// From the threshold in use to stricter ones. Not empty.
        ladder: Vec<OperatingPoint>,
    },
    /// One for each class that the edge predicts.
    Class {
        /// The classes, in their order.
        groups: Vec<Group>,
    },
    /// One for each segment. Rows of other segments are escalated.
    Segment {
        /// The name of what is segmented by, such as a feature.
        field: String,
        /// The segments, by name.
        groups: Vec<Group>,
    },
}

/// The threshold of a class or a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The class or the segment.
    pub name: String,
    /// From the threshold in use to stricter ones; empty if every row of the group is escalated.
    pub ladder: Vec<OperatingPoint>,
    /// Why every row of the group is escalated, such as how many rows are lacking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_none: Option<String>,
}

/// A threshold and what it did to the rows of the test: one rung of a ladder, or one point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Rows with this confidence or more are accepted.
    pub threshold: f64,
    /// The share of rows that are accepted. On a group's ladder, of the group's rows.
    pub coverage: f64,
    /// How many rows are accepted.
    pub n_accepted: u64,
    /// How many of these are wrong; none without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_wrong: Option<u64>,
    /// The share of accepted rows that are wrong; none without labels or accepted rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<f64>,
    /// What the true risk exceeds with probability `1 - confidence` at most, for this point alone: Clopper and Pearson's one-sided bound. Of a
    /// group, at the group's share of `1 - confidence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_bound: Option<f64>,
}

/// What is to be expected on rows like those of the test, at the first rung of each ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The share of rows whose confidence and features make them acceptable.
    pub coverage: f64,
    /// The share of rows that go to the cloud, audited ones included.
    pub escalated: f64,
    /// The share of rows that the guard escalates.
    pub guarded: f64,
    /// The share of accepted rows that are wrong; none without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<f64>,
    /// What 1000 rows cost; none if no cost was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostComparison>,
    /// How long a row takes; none if no row was timed on both models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyComparison>,
}

/// What 1000 rows cost, in the unit of the costs that were given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostComparison {
    /// The cost of a call of the cloud, as given.
    pub cloud_call: f64,
    /// The cost of a wrong answer, as given.
    pub error: f64,
    /// By this policy.
    pub two_phase: f64,
    /// If no row were escalated.
    pub edge_only: f64,
    /// If every row were.
    pub cloud_only: f64,
}

/// How long a row takes, in milliseconds, by the times that rows were measured to take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyComparison {
    /// By this policy: the edge, and the cloud after it for rows that are escalated.
    pub two_phase: Latency,
    /// If no row were escalated.
    pub edge_only: Latency,
    /// If every row were sent to the cloud at once.
    pub cloud_only: Latency,
}

/// A distribution of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// The mean.
    pub mean_ms: f64,
    /// Half of the rows take no longer.
    pub p50_ms: f64,
    /// 99 of 100 take no longer.
    pub p99_ms: f64,
}

/// The rows that a policy was made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSummary {
    /// The SHA-256 of the data, as 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// How many rows there are.
    pub n_rows: u64,
    /// How many are left out for want of what the promise is about.
    pub n_unlabelled: u64,
    /// How many were used to fit: the calibrator, the guard, which thresholds are tried and where the test begins.
    pub n_fit: u64,
    /// How many were used to test thresholds, and for nothing else.
    pub n_test: u64,
    /// The share of keys that are used to fit.
    pub fit_share: f64,
    /// How the split was made, in words.
    pub split: String,
}

/// What is read first, to tell another form from a mistake.
#[derive(Deserialize)]
struct Header {
    form: Option<serde_json::Value>,
}

impl Policy {
    /// The policy of a file, checked.
    ///
    /// # Errors
    /// [`Error::Json`] if it is no JSON of this form, [`Error::Form`] if it is of another, [`Error::Field`] naming the value that cannot be.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let json = |error: serde_json::Error| Error::Json(error.to_string());
        let header: Header = serde_json::from_slice(bytes).map_err(json)?;
        let form = header.form.map_or_else(|| "none".to_owned(), |form| form.to_string());
        if form != FORM.to_string() {
            return Err(Error::Form { expected: FORM, found: form });
        }
        let policy: Self = serde_json::from_slice(bytes).map_err(json)?;
        policy.check()?;
        Ok(policy)
    }

    /// The policy as its file: the same policy gives the same bytes, and [`Policy::from_json`] of them the same policy.
    ///
    /// # Errors
    /// [`Error::Json`] never, unless memory ends.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::Json(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// What tells the policy from others: the first 16 hexadecimal digits of the SHA-256 of [`Policy::to_json`], however the file that it was
    /// read from was laid out.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.to_json().unwrap_or_default());
        hexadecimal(digest.get(..8).unwrap_or_default())
    }

    /// Refuses models that the policy was not made with, by their property `onnx_sha256`.
    ///
    /// # Errors
    /// [`Error::OtherModel`] with the digest that was expected and that which was found.
    pub fn check_models(&self, edge_digest: &str, cloud_digest: &str) -> Result<(), Error> {
        self.check_edge(edge_digest)?;
        self.cloud.check_digest("cloud", cloud_digest)
    }

    /// Refuses an edge model that the policy was not made with; for where the cloud's is not at hand.
    ///
    /// # Errors
    /// [`Error::OtherModel`] with the digest that was expected and that which was found.
    pub fn check_edge(&self, edge_digest: &str) -> Result<(), Error> {
        self.edge.check_digest("edge", edge_digest)
    }
}

impl ModelRef {
    fn check_digest(&self, role: &'static str, found: &str) -> Result<(), Error> {
        if self.onnx_sha256 == found {
            return Ok(());
        }
        let (name, expected) = (self.name.clone(), self.onnx_sha256.clone());
        let found = if found.is_empty() { "none" } else { found }.to_owned();
        Err(Error::OtherModel { role, name, expected, found })
    }
}

impl Target {
    /// What a wrong row is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Disagreement => "disagreement",
            Self::Regret => "regret",
        }
    }
}

impl Promise {
    /// The promise in words.
    #[must_use]
    pub fn statement(&self) -> &str {
        match self {
            Self::Risk { statement, .. } | Self::Budget { statement, .. } => statement,
        }
    }
}

impl Thresholds {
    /// All ladders with the names of their groups; the name is empty if there is one for all rows.
    pub fn ladders(&self) -> impl Iterator<Item = (&str, &[OperatingPoint])> {
        let (all, groups) = match self {
            Self::All { ladder } => (Some(ladder.as_slice()), [].as_slice()),
            Self::Class { groups } | Self::Segment { groups, .. } => (None, groups.as_slice()),
        };
        let groups = groups.iter().map(|group| (group.name.as_str(), group.ladder.as_slice()));
        all.map(|ladder| ("", ladder)).into_iter().chain(groups)
    }
}
