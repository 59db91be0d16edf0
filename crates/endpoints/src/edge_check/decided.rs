//! The rows that the edge has answered, and which of its answers stand. Not what the larger model says.

use protocol::{Answer, write_key_text};
use tensor::{CLIENT, Tensor};
use two_phase::outputs::{Answered, answers, features, segments};
use two_phase::policy::Thresholds;
use two_phase::{Decision, Error, Policy, Row};

/// Rows in the order of the model's tensors.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) inputs: Vec<Tensor>,
    pub(super) outputs: Vec<Tensor>,
    pub(super) rows: Vec<DecidedRow>,
}

/// A row that the edge has answered.
#[derive(Debug)]
pub(super) struct DecidedRow {
    /// Its place in the request.
    pub(super) row: usize,
    /// Its own client; empty if it has none.
    pub(super) client: String,
    /// Its key as JSON.
    pub(super) key: Vec<u8>,
    /// What the edge answers.
    pub(super) edge: Answered,
    /// Whether that stands, and why.
    pub(super) decision: Decision,
    /// The group of the threshold that was used.
    pub(super) group: String,
}

impl Decided {
    /// What becomes of the rows of a request.
    ///
    /// # Errors
    /// [`Error::Field`] if the policy names outputs or a segment that the model does not have.
    pub(super) fn of(
        policy: &Policy,
        answer: &Answer<'_>,
        inputs: Vec<Tensor>,
        outputs: Vec<Tensor>,
        rung: usize,
    ) -> Result<Self, Error> {
        let names = names(answer);
        let n_rows = names.len();
        let answered = answers(&outputs, &policy.edge.outputs, &policy.classes, n_rows)?;
        let features = if policy.guard.is_some() { features(&inputs, n_rows)? } else { Vec::new() };
        let whole_client = answer.client().map_or("", |client| client.name());
        let segments = match &policy.thresholds {
            Thresholds::Segment { field, .. } if field != CLIENT => segments(&inputs, field, n_rows)?,
            _ => Vec::new(),
        };
        let rows = names.into_iter().zip(answered).enumerate().map(|(place, ((row, client, key), edge))| {
            let of_whom = if client.is_empty() { whole_client } else { &client };
            let row_of_policy = Row {
                probabilities: &edge.probabilities,
                label: edge.class.unwrap_or(usize::MAX),
                features: features.get(place).map(Vec::as_slice).unwrap_or_default(),
                segment: Some(segments.get(place).map_or(of_whom, String::as_str)),
                is_audited: policy.is_audited(of_whom, &key),
            };
            let decision = policy.decide(&row_of_policy, rung);
            let group = policy.group(&row_of_policy).to_owned();
            DecidedRow { row, client, key, edge, decision, group }
        });
        let rows = rows.collect();
        Ok(Self { inputs, outputs, rows })
    }

    /// How many rows the larger model is to be asked about.
    pub(super) fn n_escalated(&self) -> usize {
        self.rows.iter().filter(|row| !row.decision.is_accepted()).count()
    }
}

/// Place, client and key of each row that is answered.
fn names(answer: &Answer<'_>) -> Vec<(usize, String, Vec<u8>)> {
    let Some(partition) = answer.partition() else { return Vec::new() };
    let keys = partition.keys();
    let name = |row: usize| {
        let mut key = Vec::new();
        keys.key(row).into_iter().for_each(|found| write_key_text(&mut key, found));
        let client = keys.client(row).map_or_else(String::new, |client| client.name().to_owned());
        (row, client, key)
    };
    partition.answered().map(name).collect()
}
