//! The page's table of monitors: how much evidence each has against the threshold from which it alarms.

use super::{escaped, thousands};
use crate::{
    monitors::{LossReport, MonitorReport, e_value, percent},
    report::Report,
};

/// How many monitors of features and predictions have a row.
const MOST_ROWS: usize = 5;

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 14.0;

pub(super) fn watched(report: &Report) -> String {
    let (losses, mut others): (Vec<_>, Vec<_>) =
        report.monitors.iter().partition(|monitor| monitor.watched.is_loss());
    if report.monitors.is_empty() {
        return String::new();
    }
    others.sort_by(|a, b| progress(b).total_cmp(&progress(a)));
    let n_left = others.len().saturating_sub(MOST_ROWS);
    let rows: String = losses.into_iter().chain(others.into_iter().take(MOST_ROWS)).map(row).collect();
    format!(
        "<h2>Watched continuously</h2><p class=\"soft\">{} Evidence is an e-value; the bar is its logarithm, the mark is where the alarm \
         is.{}</p><div class=\"wide\"><table><tr><th>monitor</th><th>rows</th><th class=\"bar\">evidence</th><th>most</th>\
         <th>alarm from</th><th>since</th></tr>{rows}</table></div>",
        promise(report),
        left(n_left)
    )
}

/// What looking often costs.
fn promise(report: &Report) -> String {
    let level: f64 = report.monitors.iter().map(|monitor| monitor.test_level).sum();
    format!(
        "However often one looks: of models without a change at most {} ever see an alarm here, and {} live on without a single one.",
        percent(level),
        percent(1.0 - level)
    )
}

fn left(n: usize) -> String {
    if n == 0 { String::new() } else { format!(" {n} more monitors are farther from their alarms.") }
}

/// The evidence as a share of what makes an alarm, both by their logarithms.
fn progress(monitor: &MonitorReport) -> f64 {
    (monitor.max_log_e_value / monitor.log_threshold).max(0.0)
}

fn row(monitor: &MonitorReport) -> String {
    let (class, since) = match &monitor.since {
        None => ("", String::new()),
        Some(since) if monitor.watched.is_loss() => ("worse", escaped(since)),
        Some(since) => ("open", escaped(since)),
    };
    format!(
        "<tr><td>{}{}</td><td>{}</td><td class=\"bar\">{}</td><td class=\"{class}\">{}</td><td>{}</td><td>{since}</td></tr>",
        escaped(&monitor.name),
        monitor.loss.as_ref().map(loss).unwrap_or_default(),
        thousands(monitor.n),
        bar(monitor, class),
        e_value(monitor.max_log_e_value),
        e_value(monitor.log_threshold)
    )
}

fn loss(loss: &LossReport) -> String {
    let mean = loss.mean.map_or_else(|| "–".to_owned(), |mean| format!("{mean:.4}"));
    format!(
        "<br><span class=\"soft\">{mean}, at least {:.4}; may be {:.4}</span>",
        loss.bounds.lower, loss.threshold
    )
}

/// The evidence as a bar that reaches to its end at twice the logarithm that makes an alarm.
fn bar(monitor: &MonitorReport, class: &str) -> String {
    let length = WIDTH * (progress(monitor) / 2.0).min(1.0);
    let middle = WIDTH / 2.0;
    let mark =
        |class| format!("<line class=\"{class}\" x1=\"{middle}\" x2=\"{middle}\" y1=\"0\" y2=\"{HEIGHT}\"/>");
    let bar = |class: &str, length: f64| {
        format!("<rect class=\"{class}\" y=\"3\" width=\"{length:.1}\" height=\"8\" rx=\"2\"/>")
    };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"evidence\">{}{}{}{}</svg>",
        bar("trough", WIDTH),
        bar(&format!("gauge {class}"), length),
        mark("mark rim"),
        mark("mark")
    )
}
