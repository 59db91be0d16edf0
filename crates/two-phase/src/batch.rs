//! Rows that the edge has answered together: from the tensors of its model to what becomes of each row, in one way wherever there is an edge.
//! Not how rows are read, and not what the cloud says.

use tensor::{CLIENT, Tensor};

use crate::{
    decision::{Decision, Row},
    error::Error,
    outputs::{Answered, answers, features, segments},
    policy::{Policy, Thresholds},
};

/// Rows and what the edge answered.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// What the model was given. Not looked at without a guard and without segments.
    pub inputs: &'a [Tensor],
    /// What it gave.
    pub outputs: &'a [Tensor],
    /// Of each row the client, empty if there is none, and the key as JSON: what the sample that watches the promise is drawn by.
    pub names: &'a [(&'a str, &'a [u8])],
}

/// A row that is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What the edge answers.
    pub edge: Answered,
    /// Whether that stands, and why.
    pub decision: Decision,
    /// The name of the group whose ladder was looked at.
    pub group: String,
}

impl Policy {
    /// What becomes of each row of a batch. `rung` is as for [`Policy::decide`].
    ///
    /// # Errors
    /// [`Error::Field`] if the tensors lack an output that the policy uses, or the field that segments are told by.
    pub fn decide_batch(&self, batch: &Batch<'_>, rung: usize) -> Result<Vec<Decided>, Error> {
        let n_rows = batch.names.len();
        let answered = answers(batch.outputs, &self.edge.outputs, &self.classes, n_rows)?;
        let features = if self.guard.is_some() { features(batch.inputs, n_rows)? } else { Vec::new() };
        let segments = match &self.thresholds {
            Thresholds::Segment { field, .. } if field != CLIENT => segments(batch.inputs, field, n_rows)?,
            _ => Vec::new(),
        };
        let rows = batch.names.iter().zip(answered).enumerate().map(|(place, (&(client, key), edge))| {
            let row = Row {
                probabilities: &edge.probabilities,
                label: edge.class.unwrap_or(usize::MAX),
                features: features.get(place).map(Vec::as_slice).unwrap_or_default(),
                segment: Some(segments.get(place).map_or(client, String::as_str)),
                is_audited: self.is_audited(client, key),
            };
            let decision = self.decide(&row, rung);
            let group = self.group(&row).to_owned();
            Decided { edge, decision, group }
        });
        Ok(rows.collect())
    }

    /// The class that the edge answers, in words; what it answered if that is no class.
    #[must_use]
    pub fn label<'a>(&'a self, edge: &'a Answered) -> &'a str {
        edge.class.and_then(|class| self.classes.get(class)).unwrap_or(&edge.label)
    }
}
