//! Batches across the border: tensors in, one number a row out. What is decided is told by `two_phase::Policy::decide_batch`.

use tensor::Tensor;
use two_phase::{Decided, Policy, Reason};

use crate::bindings::exports::plinth::two_phase::decisions as wit;

tensor::datatype_from_wit!(wit::Datatype);

/// How many verdicts are looked at for one that a row shares: enough for all that do not tell a row's own numbers.
const RECENT_VERDICTS: usize = 8;

/// What becomes of the rows of a batch.
///
/// # Errors
/// Text that says what the tensors lack, or how they contradict themselves.
pub(crate) fn decide(policy: &Policy, batch: wit::Batch, rung: usize) -> Result<wit::Decisions, String> {
    let client = batch.client.as_str();
    let names: Vec<(&str, &[u8])> = batch.keys.split('\n').map(|key| (client, key.as_bytes())).collect();
    let (inputs, outputs) = (tensors(batch.inputs)?, tensors(batch.outputs)?);
    let rows = two_phase::Batch { inputs: &inputs, outputs: &outputs, names: &names };
    let decided = policy.decide_batch(&rows, rung).map_err(|error| error.to_string())?;
    let mut columns = Columns::of(policy, decided.len());
    decided.into_iter().for_each(|row| columns.push(row));
    Ok(columns.into_decisions())
}

fn tensors(tensors: Vec<wit::Tensor>) -> Result<Vec<Tensor>, String> {
    let checked = |tensor: wit::Tensor| {
        Tensor::new(tensor.name, datatype_from_wit(tensor.datatype), tensor.shape, tensor.data)
    };
    tensors.into_iter().map(checked).collect::<tensor::Result<_>>().map_err(|error| error.to_string())
}

/// Decisions, row after row.
struct Columns<'a> {
    policy: &'a Policy,
    verdicts: Vec<Reason>,
    verdict_of_row: Vec<u32>,
    further_labels: Vec<String>,
    label_of_row: Vec<u32>,
    confidence_of_row: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn of(policy: &'a Policy, n_rows: usize) -> Self {
        Self {
            policy,
            verdicts: Vec::new(),
            verdict_of_row: Vec::with_capacity(n_rows),
            further_labels: Vec::new(),
            label_of_row: Vec::with_capacity(n_rows),
            confidence_of_row: Vec::with_capacity(n_rows),
        }
    }

    fn push(&mut self, row: Decided) {
        let label = row.edge.class.unwrap_or_else(|| {
            self.further_labels.push(row.edge.label);
            self.policy.classes.len() + self.further_labels.len() - 1
        });
        self.label_of_row.push(number(label));
        self.confidence_of_row.push(row.decision.confidence.unwrap_or(f64::NAN));
        let verdict = self.verdict(row.decision.reason);
        self.verdict_of_row.push(number(verdict));
    }

    /// The index of a verdict, which rows share that were decided alike.
    fn verdict(&mut self, reason: Reason) -> usize {
        let n_older = self.verdicts.len().saturating_sub(RECENT_VERDICTS);
        let recent = self.verdicts.iter().enumerate().skip(n_older);
        let known = recent.filter(|(_, known)| **known == reason).map(|(idx, _)| idx).next();
        known.unwrap_or_else(|| {
            self.verdicts.push(reason);
            self.verdicts.len() - 1
        })
    }

    fn into_decisions(self) -> wit::Decisions {
        wit::Decisions {
            verdicts: self.verdicts.into_iter().map(verdict).collect(),
            verdict_of_row: self.verdict_of_row,
            further_labels: self.further_labels,
            label_of_row: self.label_of_row,
            confidence_of_row: self.confidence_of_row,
        }
    }
}

/// An index of a list in the memory of a component.
fn number(idx: usize) -> u32 {
    u32::try_from(idx).unwrap_or(u32::MAX)
}

fn verdict(reason: Reason) -> wit::Verdict {
    wit::Verdict {
        is_accepted: reason == Reason::Confident,
        reason: reason.code().to_owned(),
        detail: reason.to_string(),
        feature: match reason {
            Reason::OutOfRange { feature, .. } => Some(feature),
            _ => None,
        },
    }
}
