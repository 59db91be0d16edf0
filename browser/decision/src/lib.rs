//! What a two-phase policy decides, as a component for the browser: `crates/two-phase` behind `plinth:two-phase/decisions`.
//!
//! Only conversions stand here, so that page and server decide by the same code. The component imports nothing.

mod bindings;

use bindings::exports::plinth::two_phase::decisions::{
    self, Decision, Group, Guest, GuestPolicy, ModelRef, OperatingPoint, Row,
};
use two_phase::{Reason, policy, policy::Thresholds, score::distribution};

struct Component;

struct Policy(two_phase::Policy);

impl Guest for Component {
    type Policy = Policy;
}

impl GuestPolicy for Policy {
    fn parse(json: String) -> Result<decisions::Policy, String> {
        let policy = two_phase::Policy::from_json(json.as_bytes()).map_err(|error| error.to_string())?;
        Ok(decisions::Policy::new(Self(policy)))
    }

    fn id(&self) -> String {
        self.0.id()
    }

    fn statement(&self) -> String {
        self.0.promise.statement().to_owned()
    }

    fn classes(&self) -> Vec<String> {
        self.0.classes.clone()
    }

    fn edge(&self) -> ModelRef {
        model_ref(&self.0.edge)
    }

    fn cloud(&self) -> ModelRef {
        model_ref(&self.0.cloud)
    }

    fn guard_features(&self) -> Vec<String> {
        let ranges = self.0.guard.as_ref().map_or(&[][..], |guard| &guard.ranges);
        ranges.iter().map(|range| range.feature.clone()).collect()
    }

    fn segment_field(&self) -> Option<String> {
        match &self.0.thresholds {
            Thresholds::Segment { field, .. } => Some(field.clone()),
            Thresholds::All { .. } | Thresholds::Class { .. } => None,
        }
    }

    fn curve(&self) -> Vec<OperatingPoint> {
        self.0.curve.iter().map(operating_point).collect()
    }

    fn ladders(&self) -> Vec<Group> {
        let group = |(name, ladder): (&str, &[policy::OperatingPoint])| Group {
            name: name.to_owned(),
            ladder: ladder.iter().map(operating_point).collect(),
        };
        self.0.thresholds.ladders().map(group).collect()
    }

    fn check_edge(&self, onnx_sha256: String) -> Result<(), String> {
        self.0.check_edge(&onnx_sha256).map_err(|error| error.to_string())
    }

    fn decide(&self, rows: Vec<Row>, client: String, rung: u32) -> Vec<Decision> {
        let rung = usize::try_from(rung).unwrap_or(usize::MAX);
        rows.iter().map(|row| self.decide_row(row, &client, rung)).collect()
    }
}

impl Policy {
    fn decide_row(&self, row: &Row, client: &str, rung: usize) -> Decision {
        let label = self.label(row);
        let edge_row = two_phase::Row {
            probabilities: &row.probabilities,
            label,
            features: &row.features,
            segment: row.segment.as_deref(),
            is_audited: self.0.is_audited(client, row.key.as_bytes()),
        };
        let decision = self.0.decide(&edge_row, rung);
        let prediction = self.0.classes.get(label).cloned().or_else(|| row.label.clone());
        Decision {
            is_accepted: decision.is_accepted(),
            prediction: prediction.unwrap_or_default(),
            confidence: decision.confidence,
            reason: decision.reason.code().to_owned(),
            detail: decision.reason.to_string(),
            group: self.0.group(&edge_row).to_owned(),
            feature: feature(decision.reason),
        }
    }

    /// The index of the class that the edge answers; that after the last if it is none.
    fn label(&self, row: &Row) -> usize {
        let classes = &self.0.classes;
        let index = match &row.label {
            Some(label) => classes.iter().position(|class| class == label),
            None => distribution(&row.probabilities, classes.len()).ok().and_then(|all| likeliest(&all)),
        };
        index.unwrap_or(classes.len())
    }
}

/// The first of the greatest.
fn likeliest(distribution: &[f64]) -> Option<usize> {
    let greatest = distribution.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    distribution.iter().position(|it| *it >= greatest)
}

fn feature(reason: Reason) -> Option<String> {
    match reason {
        Reason::OutOfRange { feature, .. } => Some(feature),
        _ => None,
    }
}

fn model_ref(model: &policy::ModelRef) -> ModelRef {
    ModelRef {
        name: model.name.clone(),
        version: model.version.clone(),
        onnx_sha256: model.onnx_sha256.clone(),
        probabilities: model.outputs.probabilities.clone(),
        label: model.outputs.label.clone(),
    }
}

fn operating_point(point: &policy::OperatingPoint) -> OperatingPoint {
    OperatingPoint {
        threshold: point.threshold,
        coverage: point.coverage,
        n_accepted: point.n_accepted,
        n_wrong: point.n_wrong,
        risk: point.risk,
        upper_bound: point.upper_bound,
    }
}

#[expect(unsafe_code, unreachable_pub, reason = "generated code")]
mod exported {
    use crate::{Component, bindings};

    bindings::export!(Component with_types_in bindings);
}
