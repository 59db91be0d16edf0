//! What a report says first: sentences about what has changed, the gravest first.

use serde::{Deserialize, Serialize};

use crate::{
    change::{Change, Judgement},
    drift::Verdict,
    estimated::PromiseGap,
    monitors::{MonitorReport, Watched},
    report::{FeatureReport, Part},
};

/// Metrics whose loss is a finding of its own; the others only show in tables.
const WATCHED: [&str; 5] =
    ["accuracy", "roc_auc", "log_loss", "mean_absolute_error", "root_mean_squared_error"];

/// So many drifted features have a finding each; more have one together.
const MOST_NAMED: usize = 3;

/// Something that matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How it is judged: what is worse is an alarm, what is open is to be watched.
    pub judgement: Judgement,
    /// What it is about: a metric, `segment x: accuracy` or a feature.
    pub subject: String,
    /// What has happened, as a sentence.
    pub text: String,
    /// The window since which it has been so without a break.
    pub since: Option<String>,
}

/// What findings are made of.
pub(crate) struct Seen<'a> {
    pub(crate) whole: &'a [Change],
    pub(crate) windows: &'a [Part],
    pub(crate) segments: &'a [Part],
    pub(crate) features: &'a [FeatureReport],
    pub(crate) predictions: &'a FeatureReport,
    pub(crate) monitors: &'a [MonitorReport],
}

/// A feature or the predictions, of which the windows say that they have drifted, or a monitor does, or both.
struct Moved<'a> {
    feature: &'a FeatureReport,
    has_drifted: bool,
    alarm: Option<&'a MonitorReport>,
}

/// All findings but that of a broken promise, in no order of gravity.
pub(crate) fn findings(seen: &Seen<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    found.extend(of_losses(seen.monitors));
    found.extend(WATCHED.iter().filter_map(|name| of_metric(name, seen.whole, seen.windows)));
    found.extend(seen.segments.iter().flat_map(of_segment));
    found.extend(moved(seen.predictions, &Watched::Prediction, seen.monitors).iter().map(Moved::finding));
    let features = seen.features.iter();
    let moved: Vec<Moved<'_>> = features
        .filter_map(|feature| moved(feature, &Watched::Feature(feature.name.clone()), seen.monitors))
        .collect();
    match moved.as_slice() {
        several if several.len() > MOST_NAMED => found.push(of_features(several, seen.features.len())),
        few => found.extend(few.iter().map(Moved::finding)),
    }
    found
}

/// The alarm of the monitor that counts wrong rows.
fn of_losses(monitors: &[MonitorReport]) -> impl Iterator<Item = Finding> {
    let losses = monitors.iter().filter(|monitor| monitor.watched.is_loss());
    losses.filter_map(MonitorReport::alarm).map(|alarm| Finding {
        judgement: Judgement::Worse,
        subject: alarm.subject,
        text: alarm.text,
        since: Some(alarm.since),
    })
}

fn moved<'a>(
    feature: &'a FeatureReport,
    watched: &Watched,
    monitors: &'a [MonitorReport],
) -> Option<Moved<'a>> {
    let alarm = monitors.iter().find(|monitor| monitor.since.is_some() && monitor.watched == *watched);
    let has_drifted = feature.drift.verdict == Verdict::Drifted;
    (has_drifted || alarm.is_some()).then_some(Moved { feature, has_drifted, alarm })
}

impl Moved<'_> {
    /// Since which window it has been so; without one, since when its monitor has alarmed.
    fn since(&self) -> Option<String> {
        self.feature.since.clone().or_else(|| self.alarm.and_then(|alarm| alarm.since.clone()))
    }

    fn finding(&self) -> Finding {
        let texts = [self.of_windows(), self.alarm.map(MonitorReport::evidence)];
        let texts: Vec<String> = texts.into_iter().flatten().collect();
        Finding {
            judgement: Judgement::Open,
            subject: self.feature.name.clone(),
            text: format!("its values have moved: {}", texts.join("; ")),
            since: self.since(),
        }
    }

    fn of_windows(&self) -> Option<String> {
        let psi = self.feature.drift.psi.unwrap_or_default();
        let floor = self.feature.drift.psi_noise_floor.unwrap_or_default();
        self.has_drifted.then(|| format!("population stability index {psi:.3}, by chance at most {floor:.3}"))
    }
}

/// Labels are said not to follow the probabilities if chance makes so wide a gap once in so many reports.
const BROKEN: f64 = 0.001;

/// What to say if labels follow the calibrated probabilities no longer.
pub(crate) fn broken_promise(gap: PromiseGap) -> Option<Finding> {
    (gap.p_value <= BROKEN && gap.realised < gap.promised).then(|| Finding {
        judgement: Judgement::Worse,
        subject: "promised accuracy".to_owned(),
        text: format!(
            "the probabilities promise {:.4}, {:.4} of {} labelled rows were right: what the model learnt no longer holds",
            gap.promised, gap.realised, gap.n
        ),
        since: None,
    })
}

/// A metric that is worse in the last windows, or over all of them.
fn of_metric(name: &str, whole: &[Change], windows: &[Part]) -> Option<Finding> {
    let is_worse = |part: &&Part| judged(name, &part.changes).is_some_and(is_worse);
    let labelled: Vec<&Part> = windows.iter().filter(|part| judged(name, &part.changes).is_some()).collect();
    let n_worse = labelled.iter().rev().take_while(|part| is_worse(part)).count();
    let first = labelled.len().checked_sub(n_worse).filter(|_| n_worse > 0);
    let since = first.and_then(|first| labelled.get(first)).map(|part| part.name.clone());
    let last = labelled.last().filter(|_| n_worse > 0).and_then(|part| judged(name, &part.changes));
    let change = last.or_else(|| judged(name, whole).filter(|change| self::is_worse(change)))?;
    Some(Finding { judgement: Judgement::Worse, subject: name.to_owned(), text: sentence(change), since })
}

fn of_segment(segment: &Part) -> Option<Finding> {
    let change =
        WATCHED.iter().filter_map(|name| judged(name, &segment.changes)).find(|change| is_worse(change))?;
    Some(Finding {
        judgement: Judgement::Worse,
        subject: format!("segment {}: {}", segment.name, change.metric.name),
        text: sentence(change),
        since: None,
    })
}

/// Many features that have moved in one finding, those that moved most by name. They have moved since the last of these did.
fn of_features(moved: &[Moved<'_>], n_features: usize) -> Finding {
    let most = moved.iter().take(MOST_NAMED);
    let names: Vec<String> = most
        .clone()
        .map(|it| format!("{} ({:.3})", it.feature.name, it.feature.drift.psi.unwrap_or_default()))
        .collect();
    let n_alarms = moved.iter().filter(|it| it.alarm.is_some()).count();
    let of_monitors =
        if n_alarms == 0 { String::new() } else { format!("; the monitors of {n_alarms} have alarmed") };
    Finding {
        judgement: Judgement::Open,
        subject: format!("{} of {n_features} features", moved.len()),
        text: format!(
            "their values have moved, by population stability index most {}{of_monitors}",
            names.join(", ")
        ),
        since: most.filter_map(Moved::since).max(),
    }
}

fn judged<'a>(name: &str, changes: &'a [Change]) -> Option<&'a Change> {
    changes.iter().find(|change| change.metric.name == name)
}

fn is_worse(change: &Change) -> bool {
    change.judgement == Judgement::Worse
}

fn sentence(change: &Change) -> String {
    let value = change.metric.estimate.value;
    let before = change.baseline.map_or(f64::NAN, |baseline| baseline.value);
    let range = change.metric.estimate.interval;
    let range = range.map_or_else(String::new, |it| format!(" [{:.4}, {:.4}]", it.lower, it.upper));
    format!("{value:.4}{range}, in the baseline {before:.4}")
}
