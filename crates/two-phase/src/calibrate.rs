//! From rows that the edge has answered to a policy, in one call. Reads no file: rows come in, a policy goes out.

use std::collections::BTreeMap;

use crate::{
    calibrator::{Calibrator, Example, Kind},
    error::{Error, level},
    guard::Guard,
    policy::{
        DataSummary, Expectation, FORM, MAX_CURVE_POINTS, ModelRef, Policy, Promise, Target, Thresholds,
        check_digest, check_names, check_promise, check_share, statement,
    },
    sample::split_place,
    score::{Score, distribution},
    threshold::{Acceptance, RiskLimit, Scored},
};

mod digest;
mod expectation;
mod groups;

pub use digest::digest;
pub use expectation::Costs;

/// The confidence of bounds where none is promised.
const DEFAULT_CONFIDENCE: f64 = 0.95;

/// What is asked of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The model that answers first.
    pub edge: ModelRef,
    /// The model that is asked when the edge's answer does not stand.
    pub cloud: ModelRef,
    /// The labels of the classes, in the order of the edge's probabilities.
    pub classes: Vec<String>,
    /// How sure the edge is.
    pub score: Score,
    /// What makes a confidence of the score.
    pub calibrator: Kind,
    /// The guard against rows unlike these; none if there is to be none.
    pub guard: Option<GuardSettings>,
    /// What is to be kept.
    pub goal: Goal,
    /// Whether there is one threshold or several.
    pub grouping: Grouping,
    /// The share of rows to fit by, above 0 and below 1; the rest is to test on. 0.25 is usual.
    pub fit_share: f64,
    /// The share of accepted rows that are escalated too.
    pub audit_share: f64,
    /// What calls and errors cost, if it is known.
    pub costs: Option<Costs>,
    /// The SHA-256 of the data, as 64 hexadecimal digits in lower case.
    pub data_sha256: String,
}

/// What is to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Of accepted rows at most `max_risk` are wrong, with probability `confidence`.
    Risk {
        /// What is wrong.
        target: Target,
        /// The share, between 0 and 1.
        max_risk: f64,
        /// The confidence, above 0.5 and below 1.
        confidence: f64,
    },
    /// At most a share of all rows is escalated, audited ones included.
    Budget {
        /// The share, from 0 to 1.
        max_escalated: f64,
    },
}

/// Whether there is one threshold or several. Of `G` groups, each is tested at a `G`-th of `1 - confidence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One for all rows.
    All,
    /// One for each class that the edge predicts.
    Class,
    /// One for each segment of the rows.
    Segment {
        /// The name of what is segmented by.
        field: String,
    },
}

/// A guard that is to be fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardSettings {
    /// The names of the rows' features, in their order.
    pub features: Vec<String>,
    /// By how much of what was seen each range is wider at either end.
    pub margin: f64,
}

/// A row that the edge has answered, and what became known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The client; empty if there is none.
    pub client: String,
    /// The key as JSON. With the client, it is the row's own.
    pub key: String,
    /// The edge's probabilities: one for each class, or only that of the second of two.
    pub probabilities: Vec<f64>,
    /// The index of the class that the edge answers.
    pub label: usize,
    /// The index of the true class, if it is known; any greater one than the policy's classes have if it is none of them.
    pub truth: Option<usize>,
    /// The index of the class that the cloud answers, likewise.
    pub cloud_label: Option<usize>,
    /// The values of the guard's features; NaN is missing.
    pub features: Vec<f64>,
    /// The segment, if the row has one.
    pub segment: Option<String>,
    /// How long the edge took, in milliseconds, if it was measured.
    pub edge_ms: Option<f64>,
    /// How long the cloud took, on the way there and back too, in milliseconds, if it was measured.
    pub cloud_ms: Option<f64>,
}

impl Calibration {
    /// The policy that these rows make.
    ///
    /// # Errors
    /// [`Error::TooFewRows`], [`Error::NotKept`] or [`Error::Budget`] if there is no threshold that keeps the goal, [`Error::NoLabels`] if rows lack what
    /// it is about, [`Error::Row`] for a row that cannot be, [`Error::Field`] for a setting that cannot be, and [`Error::Calibrator`].
    pub fn policy(&self, rows: &[Observed]) -> Result<Policy, Error> {
        self.check()?;
        self.check_rows(rows)?;
        let parts = self.split(rows)?;
        if let Goal::Risk { max_risk, .. } = self.goal {
            RiskLimit { max_risk, level: self.level() }.check_rows(parts.test.len() as u64)?;
        }
        let mut policy = self.fitted(&parts)?;
        policy.data.n_rows = rows.len() as u64;
        policy.data.n_unlabelled = rows.len() as u64 - policy.data.n_fit - policy.data.n_test;
        policy.thresholds = self.thresholds(&policy, &parts)?;
        policy.promise = self.promise(&policy.thresholds);
        self.draw_curve(&mut policy, &parts.test);
        policy.expectation = self.expectation(&policy, &parts.test);
        Ok(policy)
    }

    fn check(&self) -> Result<(), Error> {
        check_digest("edge.onnx_sha256", &self.edge.onnx_sha256)?;
        check_digest("cloud.onnx_sha256", &self.cloud.onnx_sha256)?;
        check_digest("data_sha256", &self.data_sha256)?;
        if self.edge.outputs.probabilities.is_none() {
            return Err(Error::field("edge.outputs.probabilities", "the name of an output", "none"));
        }
        check_names("classes", 2, self.classes.iter().map(String::as_str))?;
        check_share("audit_share", self.audit_share)?;
        if !(self.fit_share > 0.0 && self.fit_share < 1.0) {
            return Err(Error::field("fit_share", "a share above 0 and below 1", self.fit_share));
        }
        self.costs.map_or(Ok(()), Costs::check)?;
        match self.goal {
            Goal::Risk { max_risk, confidence, .. } => check_promise("goal", max_risk, confidence),
            Goal::Budget { max_escalated } if (0.0..=1.0).contains(&max_escalated) => Ok(()),
            Goal::Budget { max_escalated } => {
                Err(Error::field("goal.max_escalated", "a share from 0 to 1", max_escalated))
            }
        }
    }

    /// Rows stand for themselves: a key that comes twice would count as two independent ones.
    fn check_rows(&self, rows: &[Observed]) -> Result<(), Error> {
        let mut seen = BTreeMap::new();
        for (row, observed) in rows.iter().enumerate() {
            if observed.label >= self.classes.len() {
                let expected = format!("a class below {}", self.classes.len());
                return Err(Error::Row { row, expected, found: observed.label.to_string() });
            }
            let needs_segment = matches!(self.grouping, Grouping::Segment { .. });
            if needs_segment && observed.segment.is_none() && matches!(self.goal, Goal::Budget { .. }) {
                let expected = "a segment, as a budget has no room for rows that have none".to_owned();
                return Err(Error::Row { row, expected, found: "none".to_owned() });
            }
            if let Some(first) = seen.insert((&observed.client, &observed.key), row) {
                let found = format!("{}, which row {first} has", observed.key);
                return Err(Error::Row { row, expected: "a key of its own".to_owned(), found });
            }
        }
        Ok(())
    }

    /// The rows that have what the goal is about, in two parts by their keys.
    fn split<'a>(&self, rows: &'a [Observed]) -> Result<Parts<'a>, Error> {
        let mut parts = Parts::default();
        for (row, observed) in rows.iter().enumerate() {
            let labelled = Labelled { row, observed, is_wrong: self.is_wrong(observed) };
            if labelled.is_wrong.is_none() && matches!(self.goal, Goal::Risk { .. }) {
                continue;
            }
            let is_to_fit = split_place(&observed.client, observed.key.as_bytes()) < self.fit_share;
            if is_to_fit { &mut parts.fit } else { &mut parts.test }.push(labelled);
        }
        match self.goal {
            Goal::Risk { target, .. } if parts.fit.is_empty() && parts.test.is_empty() => {
                Err(Error::NoLabels { target: target.name(), missing: missing(target) })
            }
            _ => Ok(parts),
        }
    }

    /// Whether the row is wrong as the goal means it; for a budget, by the truth or else by the cloud's answer. None if that is not known.
    fn is_wrong(&self, row: &Observed) -> Option<bool> {
        match self.goal {
            Goal::Risk { target: Target::Error, .. } => Some(row.truth? != row.label),
            Goal::Risk { target: Target::Disagreement, .. } => Some(row.cloud_label? != row.label),
            Goal::Risk { target: Target::Regret, .. } => {
                let (truth, cloud) = (row.truth?, row.cloud_label?);
                Some(truth != row.label && truth == cloud)
            }
            Goal::Budget { .. } => Some(row.truth.or(row.cloud_label)? != row.label),
        }
    }

    fn right_class(&self, row: &Observed) -> Option<usize> {
        match self.goal {
            Goal::Risk { target: Target::Disagreement, .. } => row.cloud_label,
            _ => row.truth.or(row.cloud_label),
        }
    }

    /// A policy with all that is fitted, and no threshold yet.
    fn fitted(&self, parts: &Parts<'_>) -> Result<Policy, Error> {
        let features = |part: &Labelled<'_>| (part.row, part.observed.features.clone());
        let guard = self.guard.as_ref().map(|settings| {
            let rows: Vec<_> = parts.fit.iter().map(features).collect();
            let rows = rows.iter().map(|(row, values)| (*row, values.as_slice()));
            Guard::of(&settings.features, settings.margin, rows)
        });
        Ok(Policy {
            form: FORM,
            edge: self.edge.clone(),
            cloud: self.cloud.clone(),
            classes: self.classes.clone(),
            score: self.score,
            calibrator: self.fit_calibrator(&parts.fit)?,
            guard: guard.transpose()?,
            promise: Promise::Budget { max_escalated: 1.0, statement: String::new() },
            thresholds: Thresholds::All { ladder: Vec::new() },
            curve: Vec::new(),
            aurc: None,
            expectation: Expectation::default(),
            data: self.data(parts),
            audit_share: self.audit_share,
        })
    }

    fn fit_calibrator(&self, fit: &[Labelled<'_>]) -> Result<Calibrator, Error> {
        let n_classes = self.classes.len();
        let distributions: Vec<_> = fit
            .iter()
            .filter_map(|part| {
                let distribution = distribution(&part.observed.probabilities, n_classes).ok()?;
                let right_class = self.right_class(part.observed).filter(|class| *class < n_classes)?;
                Some((distribution, right_class, part.is_wrong?))
            })
            .collect();
        let examples: Vec<Example<'_>> = distributions
            .iter()
            .map(|(distribution, right_class, is_wrong)| Example {
                distribution,
                right_class: *right_class,
                is_wrong: *is_wrong,
            })
            .collect();
        Calibrator::fit(self.calibrator, self.score, &examples)
    }

    fn data(&self, parts: &Parts<'_>) -> DataSummary {
        let share = level(self.fit_share);
        let split = format!(
            "Rows are told apart by a digest of client and key. A share of {share} fits the calibrator, the guard, which thresholds are tried \
             and where the test begins; all others test thresholds, and are used for nothing else."
        );
        DataSummary {
            sha256: self.data_sha256.clone(),
            n_fit: parts.fit.len() as u64,
            n_test: parts.test.len() as u64,
            fit_share: self.fit_share,
            split,
            ..DataSummary::default()
        }
    }

    fn promise(&self, thresholds: &Thresholds) -> Promise {
        match self.goal {
            Goal::Risk { target, max_risk, confidence } => {
                let statement = statement::of_risk(target, max_risk, confidence, thresholds);
                Promise::Risk { target, max_risk, confidence, statement }
            }
            Goal::Budget { max_escalated } => {
                Promise::Budget { max_escalated, statement: statement::of_budget(max_escalated) }
            }
        }
    }

    /// One less the confidence: of the promise, or of the bounds where none is promised.
    fn level(&self) -> f64 {
        match self.goal {
            Goal::Risk { confidence, .. } => 1.0 - confidence,
            Goal::Budget { .. } => 1.0 - DEFAULT_CONFIDENCE,
        }
    }

    fn draw_curve(&self, policy: &mut Policy, test: &[Labelled<'_>]) {
        let scored: Vec<Scored> = test.iter().map(|part| part.scored(policy)).collect();
        let acceptance = Acceptance::of(&scored);
        let thresholds = acceptance.quantiles(MAX_CURVE_POINTS);
        policy.curve =
            thresholds.iter().map(|threshold| acceptance.point(*threshold, self.level())).collect();
        let answers = scored.iter().filter_map(|row| Some((row.confidence?, row.is_wrong?)));
        policy.aurc = metrics::selective::aurc(&answers.collect::<Vec<_>>());
    }
}

const fn missing(target: Target) -> &'static str {
    match target {
        Target::Error => "a true label",
        Target::Disagreement => "an answer of the cloud",
        Target::Regret => "both a true label and an answer of the cloud",
    }
}

/// Rows in two parts.
#[derive(Debug, Default)]
struct Parts<'a> {
    fit: Vec<Labelled<'a>>,
    test: Vec<Labelled<'a>>,
}

/// A row, and whether it counts as wrong.
#[derive(Clone, Copy, Debug)]
struct Labelled<'a> {
    row: usize,
    observed: &'a Observed,
    is_wrong: Option<bool>,
}

impl Labelled<'_> {
    /// The confidence that thresholds are compared with; none for what the guard escalates.
    fn scored(&self, policy: &Policy) -> Scored {
        let is_outside =
            policy.guard.as_ref().is_some_and(|guard| guard.outside(&self.observed.features).is_some());
        let confidence = policy.confidence(&self.observed.probabilities).ok().filter(|_| !is_outside);
        Scored { confidence, is_wrong: self.is_wrong }
    }
}
