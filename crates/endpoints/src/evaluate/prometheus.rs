//! Numbers for Prometheus.
//!
//! Source: Prometheus, "Exposition formats", text format 0.0.4.

use std::fmt::Write as _;

use evaluation::Report;
use evaluation_store::Status;

/// All numbers of all models.
pub(super) fn text(models: &[Status], reports: &[(String, Report, usize)]) -> String {
    let mut text = String::new();
    counts(&mut text, models);
    rows(&mut text, reports);
    metrics(&mut text, reports);
    drift(&mut text, reports);
    text
}

/// A family of numbers: its name, its kind, what it is, and each number with its labels.
fn family<'a>(
    text: &mut String,
    (name, kind, help): (&str, &str, &str),
    numbers: impl Iterator<Item = (Vec<(&'a str, &'a str)>, f64)>,
) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, number) in numbers {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(text, "{name}{{{}}} {number}", labels.join(","));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn counts(text: &mut String, models: &[Status]) {
    let mut one = |name: &str, kind: &str, help: &str, count: fn(&Status) -> u64| {
        let all = models.iter().map(|status| (vec![("model", status.model.as_str())], count(status) as f64));
        family(text, (name, kind, help), all);
    };
    let waiting = "Rows and labels that are kept and not counted yet.";
    one("plinth_evaluation_waiting", "gauge", waiting, |it| it.waiting);
    one("plinth_evaluation_orphan_labels", "gauge", "Labels that wait for their prediction.", |it| {
        it.orphans
    });
    one("plinth_evaluation_lost_total", "counter", "Captured rows that never arrived.", |it| it.lost);
    let refused = "Rows and labels that could not be counted.";
    one("plinth_evaluation_refused_total", "counter", refused, |it| it.refused);
}

fn rows(text: &mut String, reports: &[(String, Report, usize)]) {
    let name = ("plinth_evaluation_rows_total", "counter", "Predictions and labels by what became of them.");
    let numbers = reports.iter().flat_map(|(model, report, _)| {
        let account = &report.current.account;
        let counts = [
            ("predicted", report.current.n_rows),
            ("matched", account.matched),
            ("pending", account.pending),
            ("late", account.late),
            ("duplicate", account.duplicate),
            ("conflicting", account.conflicting),
            ("repeated", account.repeated),
        ];
        counts.map(|(what, n)| (vec![("model", model.as_str()), ("outcome", what)], n as f64))
    });
    family(text, name, numbers);
    let alarms = reports.iter().map(|(model, _, n)| (vec![("model", model.as_str())], *n as f64));
    family(text, ("plinth_evaluation_alarms_total", "counter", "Alarms that have been raised."), alarms);
    let worse = reports
        .iter()
        .map(|(model, report, _)| (vec![("model", model.as_str())], f64::from(u8::from(report.is_alarm()))));
    family(text, ("plinth_evaluation_is_worse", "gauge", "1 if something is worse than it may be."), worse);
}

fn metrics(text: &mut String, reports: &[(String, Report, usize)]) {
    let numbers = reports.iter().flat_map(|(model, report, _)| {
        report.current.metrics.iter().flat_map(move |metric| {
            let interval = metric.estimate.interval;
            let values = [
                ("value", Some(metric.estimate.value)),
                ("lower", interval.map(|it| it.lower)),
                ("upper", interval.map(|it| it.upper)),
            ];
            values.into_iter().filter_map(move |(bound, value)| {
                Some((
                    vec![("model", model.as_str()), ("metric", metric.name.as_str()), ("bound", bound)],
                    value?,
                ))
            })
        })
    });
    let name = (
        "plinth_evaluation_metric",
        "gauge",
        "Metrics of all labelled rows, with their confidence intervals.",
    );
    family(text, name, numbers);
}

fn drift(text: &mut String, reports: &[(String, Report, usize)]) {
    let numbers = reports.iter().flat_map(|(model, report, _)| {
        let all = report.features.iter().chain([&report.predictions]);
        all.filter_map(move |feature| {
            Some((vec![("model", model.as_str()), ("feature", feature.name.as_str())], feature.drift.psi?))
        })
    });
    let name = ("plinth_evaluation_psi", "gauge", "Population stability index against the baseline.");
    family(text, name, numbers);
}
