//! What a reader learns: how good the model is, where that has changed, since when, and how sure we are. Computed from counters alone.

use metrics::{Estimate, interval::Confidence, probability::ReliabilityPoint};
use serde::{Deserialize, Serialize};

use crate::{
    baseline::Baseline,
    bins::{Bins, FeatureCounts},
    change::{Change, Judgement, changes},
    drift::{Drift, DriftRule, Verdict, drift},
    error::Error,
    estimated::PromiseGap,
    finding::{Finding, Seen, broken_promise, findings},
    join::Account,
    monitors::{MonitorReport, Monitors},
    performance::Metric,
    profile::Profile,
    schema::Kind,
};

/// How a report judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The confidence of all intervals.
    pub confidence: Confidence,
    /// When a feature has drifted.
    pub drift: DriftRule,
    /// How much worse than the baseline a metric may be before it matters.
    pub tolerance: Tolerance,
}

/// A share of the baseline's value, by which a metric may be worse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance(pub f64);

impl Default for Tolerance {
    fn default() -> Self {
        Self(0.02)
    }
}

/// Profiles of one window or one segment, by name.
#[derive(Clone, Debug)]
pub struct Named {
    /// What it is called: where a window begins, or a segment's value.
    pub name: String,
    /// What was counted.
    pub profile: Profile,
}

/// All that is known of a model since its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The model, as its baseline names it.
    pub model: String,
    /// How it was judged.
    pub rules: Rules,
    /// What matters, the gravest first. Empty: nothing does.
    pub findings: Vec<Finding>,
    /// The baseline's own rows.
    pub baseline: Side,
    /// All rows since.
    pub current: Side,
    /// The windows in the order of time.
    pub windows: Vec<Part>,
    /// The segments, the largest first.
    pub segments: Vec<Part>,
    /// The features, those that drifted most first.
    pub features: Vec<FeatureReport>,
    /// What was predicted, then and now.
    pub predictions: FeatureReport,
    /// The monitors, which may be looked at as often as one likes: that of the loss, then those of features and predictions.
    #[serde(default)]
    pub monitors: Vec<MonitorReport>,
}

/// A set of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// How many rows.
    pub n_rows: u64,
    /// How many of them have a label.
    pub n_labelled: u64,
    /// What became of predictions and labels.
    pub account: Account,
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// The reliability curve of the predicted class.
    pub reliability: Vec<ReliabilityPoint>,
    /// The accuracy that the probabilities promise, labels or not.
    pub promised_accuracy: Option<Estimate>,
    /// Whether labels follow the probabilities.
    pub promise_gap: Option<PromiseGap>,
    /// Recall of each class by name.
    pub recall_by_class: Vec<(String, Option<Estimate>)>,
}

/// A window or a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// How many rows.
    pub n_rows: u64,
    /// How many of them have a label.
    pub n_labelled: u64,
    /// Its metrics, each beside the baseline's.
    pub changes: Vec<Change>,
    /// The accuracy that the probabilities promise, labels or not.
    pub promised_accuracy: Option<Estimate>,
    /// How many features drifted, of those of which that can be told.
    pub n_drifted: usize,
    /// The population stability index of each feature, in the schema's order.
    pub psi: Vec<Option<f64>>,
}

/// A feature, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// How far it moved.
    pub drift: Drift,
    /// Since which window it has been drifted without a break, if it is.
    pub since: Option<String>,
    /// Its values, then and now.
    pub cells: Vec<Cell>,
    /// Its index in each window.
    pub psi_by_window: Vec<Option<f64>>,
}

/// A bin or a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What lies in it.
    pub name: String,
    /// Its share of the baseline's values.
    pub baseline: f64,
    /// Its share of the values since.
    pub current: f64,
}

/// Makes the report of `windows`, in the order of time, and of `segments`, against `baseline`. Without `monitors` that were carried along
/// elsewhere, such as by a server that looks more often, there is one look per window.
///
/// # Errors
/// [`Error::Mismatch`] if a profile is of another baseline, [`Error::OtherBaseline`] if the monitors are, [`Error::Task`] if the baseline's
/// own profile is of none.
pub fn report(
    baseline: &Baseline,
    windows: &[Named],
    segments: &[Named],
    rules: Rules,
    monitors: Option<&Monitors>,
) -> Result<Report, Error> {
    let monitors = match monitors {
        Some(carried) => carried.check(baseline).map(|()| carried.reports()),
        None => watched(baseline, windows, rules).map(|monitors| monitors.reports()),
    }?;
    let mut whole = Profile::new(&baseline.frame)?;
    for window in windows {
        whole.merge(&window.profile)?;
    }
    let by_window: Vec<Vec<Drift>> =
        windows.iter().map(|window| drifts(baseline, &window.profile, rules)).collect();
    let (then, now) = (side(baseline, &baseline.profile, rules), side(baseline, &whole, rules));
    let windows: Vec<Part> = windows
        .iter()
        .zip(&by_window)
        .map(|(window, drifts)| part(&then.metrics, window, drifts, rules))
        .collect();
    let mut segments: Vec<Part> = segments
        .iter()
        .map(|segment| part(&then.metrics, segment, &drifts(baseline, &segment.profile, rules), rules))
        .collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.n_rows));
    let features = features(baseline, &whole, &windows, &by_window, rules);
    let predictions = predictions(baseline, &whole, rules);
    let mut findings = findings(&Seen {
        whole: &changes(&then.metrics, &now.metrics, rules),
        windows: &windows,
        segments: &segments,
        features: &features,
        predictions: &predictions,
        monitors: &monitors,
    });
    findings.extend(now.promise_gap.and_then(broken_promise));
    findings.sort_by_key(|finding| finding.judgement);
    Ok(Report {
        model: baseline.model.clone(),
        rules,
        findings,
        baseline: then,
        current: now,
        windows,
        segments,
        features,
        predictions,
        monitors,
    })
}

/// Monitors that have looked once per window.
fn watched(baseline: &Baseline, windows: &[Named], rules: Rules) -> Result<Monitors, Error> {
    let mut monitors = Monitors::new(baseline, rules.into())?;
    for window in windows {
        monitors.look(&baseline.frame, &window.profile, &window.name)?;
    }
    Ok(monitors)
}

fn drifts(baseline: &Baseline, profile: &Profile, rules: Rules) -> Vec<Drift> {
    drift(&baseline.frame.bins, &baseline.profile.features, &profile.features, rules.drift)
}

fn side(baseline: &Baseline, profile: &Profile, rules: Rules) -> Side {
    let classes = baseline.frame.schema.task.classes().iter().cloned();
    Side {
        n_rows: profile.n_rows,
        n_labelled: profile.account.matched,
        account: profile.account.clone(),
        metrics: profile.metrics(rules.confidence),
        reliability: profile.performance.reliability(rules.confidence),
        promised_accuracy: profile.estimated.accuracy(rules.confidence),
        promise_gap: profile.estimated.gap(),
        recall_by_class: classes.zip(profile.performance.recall_by_class(rules.confidence)).collect(),
    }
}

fn part(then: &[Metric], named: &Named, drifts: &[Drift], rules: Rules) -> Part {
    Part {
        name: named.name.clone(),
        n_rows: named.profile.n_rows,
        n_labelled: named.profile.account.matched,
        changes: changes(then, &named.profile.metrics(rules.confidence), rules),
        promised_accuracy: named.profile.estimated.accuracy(rules.confidence),
        n_drifted: drifts.iter().filter(|drift| drift.verdict == Verdict::Drifted).count(),
        psi: drifts.iter().map(|drift| drift.psi).collect(),
    }
}

fn features(
    baseline: &Baseline,
    whole: &Profile,
    windows: &[Part],
    by_window: &[Vec<Drift>],
    rules: Rules,
) -> Vec<FeatureReport> {
    let overall = drifts(baseline, whole, rules);
    let schema = baseline.frame.schema.features.iter().zip(&baseline.frame.bins);
    let counts = baseline.profile.features.iter().zip(&whole.features);
    let mut features: Vec<FeatureReport> = schema
        .zip(counts)
        .zip(overall)
        .enumerate()
        .map(|(idx, (((feature, bins), (then, now)), drift))| FeatureReport {
            name: feature.name.clone(),
            kind: feature.kind,
            drift,
            since: since(idx, windows, by_window),
            cells: cells(bins, then, now),
            psi_by_window: windows.iter().map(|window| window.psi.get(idx).copied().flatten()).collect(),
        })
        .collect();
    features.sort_by(|a, b| gravity(b).total_cmp(&gravity(a)));
    features
}

/// The order of features: those that drifted before the others, each by its index.
fn gravity(feature: &FeatureReport) -> f64 {
    let psi = feature.drift.psi.unwrap_or(0.0);
    if feature.drift.verdict == Verdict::Drifted { psi + 1e6 } else { psi }
}

/// The first of the last windows in which the feature drifted one after the other.
fn since(idx: usize, windows: &[Part], by_window: &[Vec<Drift>]) -> Option<String> {
    let has_drifted =
        |drifts: &Vec<Drift>| drifts.get(idx).is_some_and(|drift| drift.verdict == Verdict::Drifted);
    let n_drifted = by_window.iter().rev().take_while(|drifts| has_drifted(drifts)).count();
    let first = windows.len().checked_sub(n_drifted).filter(|_| n_drifted > 0)?;
    windows.get(first).map(|window| window.name.clone())
}

fn predictions(baseline: &Baseline, whole: &Profile, rules: Rules) -> FeatureReport {
    let bins = &baseline.frame.prediction_bins;
    let (then, now) = (&baseline.profile.predictions, &whole.predictions);
    let drifts =
        drift(std::slice::from_ref(bins), std::slice::from_ref(then), std::slice::from_ref(now), rules.drift);
    let drift = drifts.into_iter().next().unwrap_or_else(Drift::unknown);
    let kind = if matches!(bins, Bins::Category(_)) { Kind::Category } else { Kind::Number };
    FeatureReport {
        name: "prediction".to_owned(),
        kind,
        drift,
        since: None,
        cells: cells(bins, then, now),
        psi_by_window: Vec::new(),
    }
}

fn cells(bins: &Bins, then: &FeatureCounts, now: &FeatureCounts) -> Vec<Cell> {
    let shares = |counts: &FeatureCounts| {
        let cells = counts.cells(bins);
        let n = (cells.iter().sum::<u64>() + counts.n_missing()).max(1) as f64;
        let with_missing = cells.into_iter().chain([counts.n_missing()]);
        with_missing.map(move |cell| cell as f64 / n).collect::<Vec<f64>>()
    };
    let named = bins.cell_names().into_iter().chain(["missing".to_owned()]);
    let shares = shares(then).into_iter().zip(shares(now));
    named.zip(shares).map(|(name, (baseline, current))| Cell { name, baseline, current }).collect()
}

impl Report {
    /// Whether anything is grave enough to wake somebody.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.findings.iter().any(|finding| finding.judgement == Judgement::Worse)
    }
}
