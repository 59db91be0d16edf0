//! The rows that the edge has answered, and which of its answers stand. Not what the larger model says.

use protocol::{Answer, write_key_text};
use tensor::Tensor;
use two_phase::outputs::Answered;
use two_phase::{Batch, Decision, Error, Policy};

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
        let whole_client = answer.client().map_or("", |client| client.name());
        let names = names(answer);
        let client_and_key: Vec<(&str, &[u8])> =
            names.iter().map(|(_, client, key)| (of_whom(client, whole_client), key.as_slice())).collect();
        let batch = Batch { inputs: &inputs, outputs: &outputs, names: &client_and_key };
        let decided = policy.decide_batch(&batch, rung)?;
        let rows = names.into_iter().zip(decided).map(|((row, client, key), decided)| {
            let two_phase::Decided { edge, decision, group } = decided;
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

/// The client of a row: its own, or that of the whole request.
const fn of_whom<'a>(client: &'a str, whole: &'a str) -> &'a str {
    if client.is_empty() { whole } else { client }
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
