//! The report as one page: HTML with its style and plots inside, which reads no other file and runs no script.

mod plot;
mod watched;

use metrics::Estimate;

use crate::{
    change::{Change, Judgement},
    drift::Verdict,
    report::{FeatureReport, Part, Report, Side},
};

const STYLE: &str = include_str!("page/page.css");

/// How many features have a panel of their own; the table has all.
const PANELS: usize = 12;

impl Report {
    /// The report as a page.
    #[must_use]
    pub fn page(&self) -> String {
        let title = if self.model.is_empty() { "model" } else { &self.model };
        let title = escaped(title);
        let parts = [
            head(self, &title),
            findings(self),
            metrics(self),
            watched::watched(self),
            labels(&self.current),
            reliability(self),
            features(self),
            segments(self),
        ];
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Evaluation of {title}</title><style>{STYLE}</style></head><body><main>{}</main></body></html>\n",
            parts.concat()
        )
    }
}

fn head(report: &Report, title: &str) -> String {
    let span = match (report.windows.first(), report.windows.last()) {
        (Some(first), Some(last)) => {
            format!(", windows from {} to {}", escaped(&first.name), escaped(&last.name))
        }
        _ => String::new(),
    };
    format!(
        "<h1>{title}</h1><p class=\"soft\">{} rows since the baseline of {} rows{span}. Intervals hold the true value in \
         {:.0} of 100 cases.</p>",
        thousands(report.current.n_rows),
        thousands(report.baseline.n_rows),
        report.rules.confidence.level() * 100.0
    )
}

fn findings(report: &Report) -> String {
    if report.findings.is_empty() {
        return "<ul class=\"findings\"><li class=\"fine\"><b>Nothing has changed</b>that chance would not explain.</li></ul>"
            .to_owned();
    }
    let items: String = report
        .findings
        .iter()
        .map(|finding| {
            let since = finding
                .since
                .as_deref()
                .map_or_else(String::new, |since| format!(" Since {}.", escaped(since)));
            let class = class(finding.judgement);
            format!(
                "<li class=\"{class}\"><b>{}</b>{}.{since}</li>",
                escaped(&finding.subject),
                escaped(&finding.text)
            )
        })
        .collect();
    format!("<ul class=\"findings\">{items}</ul>")
}

fn metrics(report: &Report) -> String {
    let cards: String =
        report.current.metrics.iter().map(|metric| metric_card(report, &metric.name)).collect();
    if cards.is_empty() {
        return "<h2>Performance</h2><p class=\"soft\">No label has been matched yet.</p>".to_owned();
    }
    format!(
        "<h2>Performance</h2>{}<div class=\"cards\">{cards}</div>{}",
        keys("baseline", "since"),
        promise(&report.current)
    )
}

/// What the probabilities promise, with or without labels.
fn promise(current: &Side) -> String {
    let Some(promised) = current.promised_accuracy else { return String::new() };
    let gap = current.promise_gap.map_or_else(String::new, |gap| {
        format!(
            " Of the {} labelled rows it is {:.4}, and {:.4} were right; chance alone makes so wide a gap with probability {:.1e}.",
            thousands(gap.n),
            gap.promised,
            gap.realised,
            gap.p_value
        )
    });
    let promised = with_interval(&promised);
    format!("<p>The probabilities promise an accuracy of {promised} for all rows, labels or not.{gap}</p>")
}

fn metric_card(report: &Report, name: &str) -> String {
    let of =
        |side: &Side| side.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.estimate);
    let (then, now) = (of(&report.baseline), of(&report.current));
    let by_window: Vec<Option<&Change>> = report.windows.iter().map(|part| named(part, name)).collect();
    format!(
        "<div class=\"card\"><h3>{name}</h3>{}<br><span class=\"soft\">baseline {}</span>{}</div>",
        now.map_or_else(|| "–".to_owned(), |it| with_interval(&it)),
        then.map_or_else(|| "–".to_owned(), |it| with_interval(&it)),
        plot::over_windows(&by_window, then)
    )
}

fn named<'a>(part: &'a Part, name: &str) -> Option<&'a Change> {
    part.changes.iter().find(|change| change.metric.name == name)
}

fn labels(current: &Side) -> String {
    let account = &current.account;
    let coverage =
        account.coverage().map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let within = |share| account.delays.within(share).map_or_else(|| "–".to_owned(), duration);
    let cells = [
        ("matched", account.matched),
        ("pending", account.pending),
        ("late", account.late),
        ("duplicate", account.duplicate),
        ("conflicting", account.conflicting),
        ("orphan", account.orphan),
        ("repeated predictions", account.repeated),
    ];
    let heads: String = cells.iter().map(|(name, _)| format!("<th>{name}</th>")).collect();
    let values: String = cells.iter().map(|(_, n)| format!("<td>{}</td>", thousands(*n))).collect();
    format!(
        "<h2>Labels</h2><div class=\"wide\"><table><tr><th>coverage</th>{heads}<th>half came within</th><th>95 % within</th></tr>\
         <tr><td>{coverage}</td>{values}<td>{}</td><td>{}</td></tr></table></div>",
        within(0.5),
        within(0.95)
    )
}

fn reliability(report: &Report) -> String {
    if report.current.reliability.is_empty() && report.baseline.reliability.is_empty() {
        return String::new();
    }
    let plot = plot::reliability(&report.baseline.reliability, &report.current.reliability);
    let recalls: String = report
        .current
        .recall_by_class
        .iter()
        .map(|(class, recall)| recall_row(report, class, *recall))
        .collect();
    format!(
        "<h2>Reliability and classes</h2>{}<div class=\"cards\"><div class=\"card\"><h3>Confidence, and how often it was right</h3>{plot}</div>\
         <div class=\"card\"><h3>Recall by class</h3><table><tr><th>class</th><th>baseline</th><th>since</th></tr>{recalls}</table></div></div>",
        keys("baseline", "since")
    )
}

fn recall_row(report: &Report, class: &str, now: Option<Estimate>) -> String {
    let then = report.baseline.recall_by_class.iter().find(|(name, _)| name == class).and_then(|(_, it)| *it);
    let value = |it: Option<Estimate>| it.map_or_else(|| "–".to_owned(), |it| format!("{:.3}", it.value));
    format!("<tr><td>{}</td><td>{}</td><td>{}</td></tr>", escaped(class), value(then), value(now))
}

fn features(report: &Report) -> String {
    let all = || [&report.predictions].into_iter().chain(&report.features);
    let n_drifted = report.features.iter().filter(|it| it.drift.verdict == Verdict::Drifted).count();
    let panels: String = all().take(PANELS).map(feature_card).collect();
    let rows: String = all().map(feature_row).collect();
    format!(
        "<h2>Features</h2><p class=\"soft\">{n_drifted} of {} have drifted. Their p-values are adjusted: at most {:.0} in 100 of the \
         drifts below are chance.</p>{}<div class=\"cards\">{panels}</div><h2>All features</h2><div class=\"wide\"><table><tr><th>feature</th>\
         <th>PSI</th><th>by chance</th><th>adjusted p</th><th>Jensen-Shannon</th><th>KS</th><th>missing, then</th><th>now</th>\
         <th>verdict</th><th>since</th></tr>{rows}</table></div>",
        report.features.len(),
        report.rules.drift.false_discovery_rate * 100.0,
        keys("baseline", "since")
    )
}

fn feature_card(feature: &FeatureReport) -> String {
    let psi = feature.drift.psi.map_or_else(|| "–".to_owned(), |psi| format!("{psi:.3}"));
    format!(
        "<div class=\"card\"><h3>{}</h3><span class=\"{}\">PSI {psi}</span>{}{}</div>",
        escaped(&feature.name),
        verdict_class(feature.drift.verdict),
        plot::shares(&feature.cells),
        plot::spark(&feature.psi_by_window)
    )
}

fn feature_row(feature: &FeatureReport) -> String {
    let drift = &feature.drift;
    let number = |it: Option<f64>| it.map_or_else(|| "–".to_owned(), |it| format!("{it:.3}"));
    let p_value = drift.adjusted_p_value.map_or_else(|| "–".to_owned(), |p| format!("{p:.1e}"));
    let mut row = format!("<tr><td>{}</td>", escaped(&feature.name));
    for cell in [
        number(drift.psi),
        number(drift.psi_noise_floor),
        p_value,
        number(drift.jensen_shannon),
        number(drift.kolmogorov_smirnov),
        format!("{:.1} %", drift.missing_share.0 * 100.0),
        format!("{:.1} %", drift.missing_share.1 * 100.0),
    ] {
        row += &format!("<td>{cell}</td>");
    }
    let verdict = match drift.verdict {
        Verdict::Drifted => "drifted",
        Verdict::Stable => "stable",
        Verdict::Unknown => "unknown",
    };
    let since = feature.since.as_deref().map(escaped).unwrap_or_default();
    let class = verdict_class(drift.verdict);
    row += &format!("<td class=\"{class}\">{verdict}</td><td>{since}</td></tr>");
    row
}

fn segments(report: &Report) -> String {
    let Some(first) = report.segments.first() else { return String::new() };
    let names: Vec<&str> = first.changes.iter().take(4).map(|change| change.metric.name.as_str()).collect();
    let heads: String = names.iter().map(|name| format!("<th>{name}</th>")).collect();
    let rows: String = report.segments.iter().map(|segment| segment_row(segment, &names)).collect();
    format!(
        "<h2>Segments</h2><div class=\"wide\"><table><tr><th>segment</th><th>rows</th><th>labelled</th>{heads}<th>drifted features</th></tr>\
         {rows}</table></div>"
    )
}

fn segment_row(segment: &Part, names: &[&str]) -> String {
    let cells: String = names
        .iter()
        .map(|name| {
            let change = named(segment, name);
            let class = change.map_or("", |change| class(change.judgement));
            let text = change.map_or_else(|| "–".to_owned(), |change| with_interval(&change.metric.estimate));
            format!("<td class=\"{class}\">{text}</td>")
        })
        .collect();
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td>{cells}<td>{}</td></tr>",
        escaped(&segment.name),
        thousands(segment.n_rows),
        thousands(segment.n_labelled),
        segment.n_drifted
    )
}

fn keys(then: &str, now: &str) -> String {
    format!("<p class=\"soft\"><span class=\"key\"></span>{then}<span class=\"key now\"></span>{now}</p>")
}

const fn class(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Worse => "worse",
        Judgement::Open => "open",
        Judgement::Fine => "fine",
        Judgement::Better => "better",
    }
}

const fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Drifted => "open",
        Verdict::Stable => "fine",
        Verdict::Unknown => "soft",
    }
}

fn with_interval(estimate: &Estimate) -> String {
    let range = estimate
        .interval
        .map(|it| format!(" <span class=\"soft\">[{:.3}, {:.3}]</span>", it.lower, it.upper));
    format!("{:.4}{}", estimate.value, range.unwrap_or_default())
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    let units = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1.0, "s"));
    format!("{:.0} {}", seconds / unit.0, unit.1)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Text without what HTML would read.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }

    #[test]
    fn numbers_are_grouped_and_times_rounded() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!([1.0, 64.0, 7200.0, 262_144.0].map(duration), ["1 s", "1 min", "2 h", "3 d"]);
    }
}
