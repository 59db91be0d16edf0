//! The answer: each row in its place, with what decided it; and the same in short for those who watch the promise.

use protocol::{Answer, Error, Result, RowWriter, write_key_text, write_row_error};
use serde_json::{Map, Value, json};
use tensor::Tensor;
use two_phase::{Policy, Reason};

use super::cloud::{Cloud, RowAnswer};
use super::decided::{Decided, DecidedRow};

const PROBABILITIES: &str = "probabilities";

/// All that was decided.
pub(super) struct Finished<'a> {
    pub(super) policy: &'a Policy,
    pub(super) rung: usize,
    /// Whether rows are errors that the larger model did not answer.
    pub(super) is_error: bool,
    pub(super) cloud: &'a Cloud,
}

impl Finished<'_> {
    /// The body.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyOutput`] if the probabilities have no form in JSON.
    pub(super) fn body(&self, answer: &Answer<'_>, decided: &Decided) -> Result<Vec<u8>> {
        let head = format!("{{\"policy\":{},\"rung\":{},", Value::from(self.policy.id()), self.rung);
        let mut json = head.into_bytes();
        json.extend(format!("\"cloud\":\"{}\",\"answers\":[", self.cloud.name()).into_bytes());
        let probabilities = self.probabilities(decided)?;
        let mut probabilities = RowWriter::new(&probabilities, decided.rows.len())?;
        let mut rows = decided.rows.iter().peekable();
        let Some(partition) = answer.partition() else { return Ok(json) };
        let mut errors = partition.reported().peekable();
        for (place, row) in partition.shown().enumerate() {
            json.extend_from_slice(if place > 0 { b",{" } else { b"{" });
            let keys = partition.keys();
            if let Some(key) = keys.key(row) {
                json.extend_from_slice(b"\"key\":");
                write_key_text(&mut json, key);
                json.push(b',');
            }
            if let Some(client) = keys.client(row) {
                json.extend(format!("\"client\":{},", Value::from(client.name())).into_bytes());
            }
            if let Some((_, error)) = errors.next_if(|(bad, _)| *bad == row) {
                write_row_error(&mut json, row, error.clone());
            } else if let Some(found) = rows.next_if(|found| found.row == row) {
                self.write_row(&mut json, found, &mut probabilities);
            }
            json.push(b'}');
        }
        json.push(b']');
        if let Some(client) = answer.client() {
            json.extend(format!(",\"client\":{}", Value::from(client.name())).into_bytes());
        }
        json.push(b'}');
        Ok(json)
    }

    /// The edge's probabilities under the name that they have in answers.
    fn probabilities(&self, decided: &Decided) -> Result<Vec<Tensor>> {
        let name = self.policy.edge.outputs.probabilities.as_deref();
        let found = decided.outputs.iter().find(|output| Some(output.name()) == name).cloned();
        let renamed = found.map(|output| {
            let (_, datatype, shape, data) = output.into_parts();
            Tensor::new(PROBABILITIES, datatype, shape, data)
        });
        Ok(renamed.transpose()?.into_iter().collect())
    }

    fn write_row(&self, json: &mut Vec<u8>, row: &DecidedRow, probabilities: &mut RowWriter<'_>) {
        let mut edge = Vec::new();
        probabilities.write_next(&mut edge);
        let answer = (!row.decision.is_accepted()).then(|| self.cloud.answer(row));
        if let (Some(Err(reason)), true) = (&answer, self.is_error) {
            return write_row_error(json, row.row, unreachable(reason));
        }
        let label = self.policy.label(&row.edge);
        let confidence = row.decision.confidence.map_or(Value::Null, Value::from);
        let prediction = match &answer {
            Some(Ok(found)) => &found.label,
            _ => label,
        };
        let text = |text: &str| Value::from(text);
        let fields = format!(
            "\"prediction\":{},\"confidence\":{confidence},\"phase\":\"{}\",\"reason\":\"{}\",\"policy\":{}",
            text(prediction),
            phase(answer.as_ref()),
            row.decision.reason.code(),
            text(&self.policy.id())
        );
        json.extend(fields.into_bytes());
        if let Reason::OutOfRange { feature, .. } = &row.decision.reason {
            json.extend(format!(",\"feature\":{}", text(feature)).into_bytes());
        }
        json.extend(
            format!(",\"edge\":{{\"prediction\":{},\"confidence\":{confidence},", text(label)).into_bytes(),
        );
        json.extend(edge);
        json.push(b'}');
        match answer {
            Some(Ok(found)) => {
                let mut cloud = Map::from_iter([("prediction".to_owned(), Value::from(found.label))]);
                cloud.extend(found.probabilities.map(|numbers| (PROBABILITIES.to_owned(), numbers)));
                json.extend(format!(",\"cloud\":{}", Value::from(cloud)).into_bytes());
            }
            Some(Err(reason)) => json.extend(format!(",\"detail\":{}", Value::from(reason)).into_bytes()),
            None => {}
        }
    }

    /// What became of each row, in short.
    pub(super) fn notes(&self, decided: &Decided) -> Vec<String> {
        let note = |row: &DecidedRow| {
            let answer = (!row.decision.is_accepted()).then(|| self.cloud.answer(row));
            let mut note = json!({
                "policy": self.policy.id(),
                "rung": self.rung,
                "group": row.group,
                "phase": phase(answer.as_ref()),
                "reason": row.decision.reason.code(),
                "edge": self.policy.label(&row.edge),
            });
            if let (Some(Ok(found)), Some(note)) = (answer, note.as_object_mut()) {
                note.insert("cloud".to_owned(), Value::from(found.label));
            }
            note.to_string()
        };
        decided.rows.iter().map(note).collect()
    }
}

/// Whose answer it is, and whether it is the last word.
const fn phase(answer: Option<&RowAnswer>) -> &'static str {
    match answer {
        None => "edge",
        Some(Ok(_)) => "cloud",
        Some(Err(_)) => "edge-provisional",
    }
}

/// The reason as the error of a row.
fn unreachable(reason: &str) -> Error {
    let reason = reason.strip_prefix("the cloud cannot be reached: ").unwrap_or(reason);
    Error::CloudUnreachable { reason: reason.to_owned() }
}
