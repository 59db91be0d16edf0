//! The risk-coverage curve as one SVG: no script, no font and nothing else fetched, light and dark. Coordinates are of the box, not of the
//! screen.

use std::fmt::Write as _;

use crate::{
    error::percent,
    policy::{OperatingPoint, Policy, Promise},
};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 88.0;
const BOTTOM: f64 = 56.0;

const STYLE: &str = "svg { --ink: #1b1f24; --soft: #5d6672; --line: #d8dde3; --ground: #ffffff; --now: #1f6feb; --bad: #c62828; } \
@media (prefers-color-scheme: dark) { svg { --ink: #e6e9ed; --soft: #9aa4b0; --line: #353c45; --ground: #14181d; --now: #6ea8fe; \
--bad: #ff7b72; } } \
text { fill: var(--soft); font: 12px system-ui, sans-serif; } .title { fill: var(--ink); font-size: 15px; font-weight: 600; } \
.ground { fill: var(--ground); } .grid { stroke: var(--line); } .axis { stroke: var(--soft); } \
.band { fill: var(--now); opacity: .18; } .curve { stroke: var(--now); stroke-width: 2; fill: none; } \
.limit { stroke: var(--bad); stroke-dasharray: 6 4; } .limit-text { fill: var(--bad); } \
.chosen { fill: var(--now); stroke: var(--ground); stroke-width: 2; }";

/// A point that has a risk.
#[derive(Clone, Copy)]
struct Point {
    coverage: f64,
    risk: f64,
    upper: f64,
}

impl Point {
    fn of(point: &OperatingPoint) -> Option<Self> {
        let risk = point.risk?;
        Some(Self { coverage: point.coverage, risk, upper: point.upper_bound.unwrap_or(risk) })
    }
}

/// The greatest risk that is shown, and the step between lines of the grid.
#[derive(Clone, Copy)]
struct Scale {
    most: f64,
    step: f64,
}

impl Scale {
    /// One that shows the whole curve and the promise, with some of the band: the bound is 1 where few rows are accepted.
    fn of(points: &[Point], limit: Option<f64>) -> Self {
        let risk = points.iter().map(|point| point.risk).chain(limit).fold(0.0, f64::max);
        let last = points.last().map_or(0.0, |point| point.upper);
        let most = (risk.max(last) * 1.25).clamp(0.001, 1.0);
        let step = step(most / 5.0);
        Self { most: ((most / step).ceil() * step).min(1.0), step }
    }

    fn x(coverage: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * coverage
    }

    fn y(self, risk: f64) -> f64 {
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - risk.min(self.most) / self.most)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is no less than `least`, which is between 0 and 1.
fn step(least: f64) -> f64 {
    let steps =
        (0..8).rev().flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * libm::pow(10.0, -f64::from(power))));
    steps.into_iter().find(|step| *step >= least).unwrap_or(1.0)
}

impl Policy {
    /// The risk-coverage curve as an SVG: the risk of the surest rows by their share, its upper bound as a band, the promised risk as a line and the
    /// threshold of each group as a point. Without labels it says that there is no risk to show.
    #[must_use]
    pub fn plot(&self) -> String {
        let points: Vec<Point> = self.curve.iter().filter_map(Point::of).collect();
        let limit = match self.promise {
            Promise::Risk { max_risk, .. } => Some(max_risk),
            Promise::Budget { .. } => None,
        };
        let scale = Scale::of(&points, limit);
        let content = if points.is_empty() {
            text(WIDTH / 2.0, HEIGHT / 2.0, "middle", "", "no labels, so no risk to show")
        } else {
            [band(&points, scale), curve(&points, scale), self.limit(limit, scale), self.chosen(scale)]
                .concat()
        };
        let label = format!("Risk by coverage of {}", escaped(&self.edge.name));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\
             <style>{STYLE}</style><rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>{}{}{content}</svg>\n",
            self.head(),
            axes(scale)
        )
    }

    fn head(&self) -> String {
        let (edge, cloud) = (escaped(&self.edge.name), escaped(&self.cloud.name));
        let title = format!("{edge} answers, {cloud} is asked when it is not sure");
        let target = match self.promise {
            Promise::Risk { target, .. } => target.name(),
            Promise::Budget { .. } => "error",
        };
        let rows = format!(
            "share of accepted rows with {target}, {} rows to test on, policy {}",
            self.data.n_test,
            self.id()
        );
        text(LEFT, 26.0, "start", "title", &title) + &text(LEFT, 46.0, "start", "", &rows)
    }

    fn limit(&self, limit: Option<f64>, scale: Scale) -> String {
        let Some(limit) = limit else { return String::new() };
        let y = scale.y(limit);
        let label = format!("promised: at most {}", percent(limit));
        line("limit", (LEFT, y), (WIDTH - RIGHT, y))
            + &text(LEFT + 8.0, y - 6.0, "start", "limit-text", &label)
    }

    /// The first rung of each ladder; one that is for all rows has a line of the head too.
    fn chosen(&self, scale: Scale) -> String {
        let firsts = self.thresholds.ladders().filter_map(|(name, ladder)| Some((name, ladder.first()?)));
        let points = firsts.filter_map(|(name, first)| {
            let (point, tip) = (Point::of(first)?, tip(name, first));
            let line = if name.is_empty() { text(LEFT, 66.0, "start", "", &tip) } else { String::new() };
            Some(line + &circle(Scale::x(point.coverage), scale.y(point.risk), &tip))
        });
        points.collect()
    }
}

fn circle(x: f64, y: f64, tip: &str) -> String {
    format!("<circle class=\"chosen\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>{tip}</title></circle>")
}

/// A threshold in words, as markup.
fn tip(name: &str, point: &OperatingPoint) -> String {
    let of = if name.is_empty() { String::new() } else { format!("{}: ", escaped(name)) };
    let bound =
        point.upper_bound.map_or_else(String::new, |bound| format!(" (at most {})", percent(round(bound))));
    format!(
        "{of}confidence ≥ {:.4} accepts {}, of which {} are wrong{bound}",
        point.threshold,
        percent(round(point.coverage)),
        percent(round(point.risk.unwrap_or_default()))
    )
}

/// To a hundredth of a percent.
fn round(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

fn axes(scale: Scale) -> String {
    let mut axes = String::new();
    let n_lines = (scale.most / scale.step + 1e-9).floor();
    let risks = (0..=20).map(f64::from).take_while(|idx| *idx <= n_lines).map(|idx| idx * scale.step);
    for risk in risks {
        let y = scale.y(risk);
        axes += &line(if risk > 0.0 { "grid" } else { "axis" }, (LEFT, y), (WIDTH - RIGHT, y));
        axes += &text(LEFT - 8.0, y + 4.0, "end", "", &percent(risk));
    }
    let bottom = HEIGHT - BOTTOM;
    for fifth in 0..=5_u8 {
        let coverage = f64::from(fifth) / 5.0;
        let x = Scale::x(coverage);
        axes += &line("axis", (x, bottom), (x, bottom + 5.0));
        axes += &text(x, bottom + 20.0, "middle", "", &percent(coverage));
    }
    let middle = Scale::x(0.5);
    axes + &text(middle, HEIGHT - 14.0, "middle", "", "coverage: share of rows that are accepted")
}

fn band(points: &[Point], scale: Scale) -> String {
    let above = points.iter().map(|point| (point.coverage, point.upper));
    let below = points.iter().rev().map(|point| (point.coverage, point.risk));
    format!("<polygon class=\"band\" points=\"{}\"/>", places(above.chain(below), scale))
}

fn curve(points: &[Point], scale: Scale) -> String {
    let risks = points.iter().map(|point| (point.coverage, point.risk));
    format!("<polyline class=\"curve\" points=\"{}\"/>", places(risks, scale))
}

fn places(points: impl Iterator<Item = (f64, f64)>, scale: Scale) -> String {
    let mut places = String::new();
    for (coverage, risk) in points {
        // Writing to a text cannot fail.
        let _ = write!(places, "{:.1},{:.1} ", Scale::x(coverage), scale.y(risk));
    }
    places.trim_end().to_owned()
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    let ((x1, y1), (x2, y2)) = (from, to);
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>")
}

/// The content is markup: names in it are escaped.
fn text(x: f64, y: f64, anchor: &str, class: &str, content: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, expected) in [(0.004, 0.005), (0.011, 0.02), (0.2, 0.2), (0.6, 1.0), (0.000_2, 0.000_2)] {
            assert!((step(least) / expected - 1.0).abs() < 1e-9, "{least}");
        }
    }

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }

    #[test]
    fn the_scale_has_room_for_promise_and_curve() {
        let point = Point { coverage: 1.0, risk: 0.03, upper: 0.04 };
        let scale = Scale::of(&[point], Some(0.02));
        assert!(scale.most >= 0.04, "{}", scale.most);
        assert!(scale.y(0.0) > scale.y(0.02) && scale.y(2.0) >= TOP);
    }
}
