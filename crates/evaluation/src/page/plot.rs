//! The page's plots, as SVG in the page's own colours. Coordinates are of the box, not of the screen.

use metrics::{Estimate, probability::ReliabilityPoint};

use crate::{
    change::{Change, Judgement},
    report::Cell,
};

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 96.0;

/// A plot's own part of its box.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// One that shows all of `values`, or none if there are none.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let (least, most) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)));
        let margin = ((most - least) * 0.1).max(1e-9);
        (least <= most).then_some(Self { least: least - margin, most: most + margin })
    }

    fn y(&self, value: f64) -> f64 {
        8.0 + (HEIGHT - 16.0) * (self.most - value) / (self.most - self.least)
    }
}

fn x(place: usize, n: usize) -> f64 {
    let last = n.saturating_sub(1).max(1) as f64;
    8.0 + (WIDTH - 16.0) * place as f64 / last
}

fn svg(height: f64, label: &str, content: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">{content}</svg>")
}

/// A metric in each window with its interval, and the baseline's as a line.
pub(super) fn over_windows(changes: &[Option<&Change>], baseline: Option<Estimate>) -> String {
    let estimates = || changes.iter().map(|change| change.map(|change| change.metric.estimate));
    let ends = |it: Estimate| {
        let range = it.interval.map_or([it.value; 2], |range| [range.lower, range.upper]);
        range.into_iter().chain([it.value])
    };
    let values = estimates().flatten().chain(baseline).flat_map(ends);
    let Some(scale) = Scale::of(values).filter(|_| changes.len() > 1) else { return String::new() };
    let mut content = String::new();
    if let Some(baseline) = baseline {
        let y = scale.y(baseline.value);
        content +=
            &format!("<line class=\"then\" x1=\"8\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", WIDTH - 8.0);
    }
    let points: Vec<(f64, Estimate, bool)> = changes
        .iter()
        .enumerate()
        .filter_map(|(place, change)| Some((place, (*change)?)))
        .map(|(place, change)| {
            (x(place, changes.len()), change.metric.estimate, change.judgement == Judgement::Worse)
        })
        .collect();
    content += &band(&points, &scale);
    content += &line(points.iter().map(|(x, it, _)| (*x, scale.y(it.value))));
    for (x, estimate, is_worse) in &points {
        let class = if *is_worse { "dots worse" } else { "dots" };
        content += &format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.5\"/>",
            scale.y(estimate.value)
        );
    }
    svg(HEIGHT, "over the windows", &content)
}

fn band(points: &[(f64, Estimate, bool)], scale: &Scale) -> String {
    let with_range = points.iter().filter_map(|(x, it, _)| Some((*x, it.interval?)));
    let upper: Vec<String> =
        with_range.clone().map(|(x, it)| format!("{x:.1},{:.1}", scale.y(it.upper))).collect();
    let lower: Vec<String> = with_range.map(|(x, it)| format!("{x:.1},{:.1}", scale.y(it.lower))).collect();
    let around: Vec<String> = upper.into_iter().chain(lower.into_iter().rev()).collect();
    format!("<polygon class=\"band\" points=\"{}\"/>", around.join(" "))
}

fn line(points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"now\" points=\"{}\"/>", points.join(" "))
}

/// The shares of each cell, then and now, side by side.
pub(super) fn shares(cells: &[Cell]) -> String {
    let most = cells.iter().map(|cell| cell.baseline.max(cell.current)).fold(1e-9, f64::max);
    let slot = (WIDTH - 16.0) / cells.len().max(1) as f64;
    let mut content = String::new();
    for (place, cell) in cells.iter().enumerate() {
        let left = 8.0 + slot * place as f64;
        let title = super::escaped(&cell.name);
        content += &format!(
            "<g><title>{title}: {:.1} %, now {:.1} %</title>",
            cell.baseline * 100.0,
            cell.current * 100.0
        );
        for (class, share, offset) in [("bar-then", cell.baseline, 0.1), ("bar-now", cell.current, 0.5)] {
            let height = (HEIGHT - 16.0) * share / most;
            content += &format!(
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                left + slot * offset,
                HEIGHT - 8.0 - height,
                slot * 0.38
            );
        }
        content += "</g>";
    }
    svg(HEIGHT, "shares of the values", &content)
}

/// A small line of a number in each window.
pub(super) fn spark(values: &[Option<f64>]) -> String {
    let known = values.iter().flatten().copied().chain([0.0]);
    let Some(scale) = Scale::of(known).filter(|_| values.len() > 1) else { return String::new() };
    let points = values
        .iter()
        .enumerate()
        .filter_map(|(place, value)| Some((x(place, values.len()), scale.y((*value)?) * 40.0 / HEIGHT)));
    svg(40.0, "PSI over the windows", &line(points))
}

/// How often predictions of a confidence were right, beside the diagonal on which they should be.
pub(super) fn reliability(then: &[ReliabilityPoint], now: &[ReliabilityPoint]) -> String {
    let side = 200.0;
    let place = |share: f64| 8.0 + (side - 16.0) * share;
    let at = |point: &ReliabilityPoint| {
        (point.n > 0)
            .then(|| Some((place(point.mean_probability?), side - place(point.share_true?.value))))
            .flatten()
    };
    let joined = |class: &str, points: &[ReliabilityPoint]| {
        let points: Vec<String> =
            points.iter().filter_map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        format!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "))
    };
    let dots: String = now
        .iter()
        .filter_map(at)
        .map(|(x, y)| format!("<circle class=\"dots\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"))
        .collect();
    let content = format!(
        "<line class=\"axis\" x1=\"8\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"8\"/>{}{}{dots}",
        side - 8.0,
        side - 8.0,
        joined("then", then),
        joined("now", now)
    );
    format!("<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"reliability\">{content}</svg>")
}
