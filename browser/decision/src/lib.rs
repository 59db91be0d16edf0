//! What a two-phase policy decides, as a component for the browser: `crates/two-phase` behind `plinth:two-phase/decisions`.
//!
//! Only conversions stand here, so that page and server decide by the same code. The component imports nothing.

mod bindings;
mod columns;

use bindings::exports::plinth::two_phase::decisions::{
    self, Batch, Decisions, Group, Guest, GuestPolicy, ModelRef, OperatingPoint,
};
use two_phase::{policy, policy::Thresholds};

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

    fn decide(&self, batch: Batch, rung: u32) -> Result<Decisions, String> {
        columns::decide(&self.0, batch, usize::try_from(rung).unwrap_or(usize::MAX))
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
