//! Capture: which rows of an answer are told to `evaluate`, and in which form. Not how they get there.
//!
//! A row is in the sample or not by its client and key alone: the first eight bytes of SHA-256 of the client's name, a zero byte and the
//! key as JSON, as a share of 2⁶⁴, are below the rate. So the same key is in or out on every replica, in `predict` and in a batch, and
//! its label is worth keeping or not. A row without a key stands for itself by what the model saw.

use std::cell::RefCell;

use protocol::RowWriter;
use sha2::{Digest as _, Sha256};
use tensor::{Client, Key, Keys, Metadata, Tensor};

/// What a deployment captures.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// The share of rows, from 0 to 1.
    pub rate: f64,
    /// The inputs and outputs that are told; all if there are none here.
    pub fields: Vec<String>,
    /// Inputs and outputs that are not told.
    pub withheld: Vec<String>,
}

impl Capture {
    fn tells(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|field| field == name);
        (self.fields.is_empty() || is_in(&self.fields)) && !is_in(&self.withheld)
    }

    fn has(&self, client: &str, name: &[u8]) -> bool {
        if self.rate >= 1.0 {
            return true;
        }
        let digest = Sha256::new().chain_update(client).chain_update([0]).chain_update(name).finalize();
        let share = digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        (share as f64) < self.rate * 2f64.powi(64)
    }
}

/// Where an endpoint leaves what it has answered, if anybody wants to see it.
#[derive(Debug, Default)]
pub struct Sight {
    is_open: bool,
    seen: RefCell<Vec<Seen>>,
}

/// Rows that the model answered.
#[derive(Debug)]
struct Seen {
    /// The client of the whole request.
    client: String,
    names: Vec<Name>,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

impl Sight {
    /// One that sees everything.
    #[must_use]
    pub fn open() -> Self {
        Self { is_open: true, seen: RefCell::default() }
    }

    /// Whether there is anything to tell.
    #[must_use]
    pub fn has_seen(&self) -> bool {
        !self.seen.borrow().is_empty()
    }

    /// The inputs, for later, if anybody wants to see them.
    pub(crate) fn kept(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        self.is_open.then(|| inputs.to_vec())
    }

    /// Rows that were answered: their names in the order of the tensors, none if they have none, and the client of the whole request.
    pub(crate) fn see(
        &self,
        client: Option<&Client<'_>>,
        names: impl FnOnce() -> Vec<Name>,
        inputs: Option<Vec<Tensor>>,
        outputs: &[Tensor],
    ) {
        let Some(inputs) = inputs else { return };
        let client = client.map_or_else(String::new, |client| client.name().to_owned());
        self.seen.borrow_mut().push(Seen { client, names: names(), inputs, outputs: outputs.to_vec() });
    }

    /// The sampled rows of what was seen, a line of JSON each, and how many there are. `time` is when they were answered, in seconds since
    /// 1970. Nothing is seen any more after that.
    #[must_use]
    pub fn lines(&self, capture: &Capture, metadata: &Metadata, time: f64) -> (Vec<u8>, u64) {
        let (mut lines, mut n_lines) = (Vec::new(), 0);
        for seen in self.seen.take() {
            n_lines += seen.write(&mut lines, capture, metadata, time);
        }
        (lines, n_lines)
    }
}

/// The client of a row and its key as JSON, as far as it has them.
#[derive(Debug, Default)]
pub(crate) struct Name {
    client: Option<String>,
    key: Option<Vec<u8>>,
}

impl Name {
    /// The name of a row among `keys`.
    pub(crate) fn of(keys: &Keys<'_>, row: usize) -> Self {
        let client = keys.client(row).map(|client| client.name().to_owned());
        Self { client, key: keys.key(row).map(key_text) }
    }
}

/// A key as JSON.
fn key_text(key: &Key<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    protocol::write_key_text(&mut text, key);
    text
}

impl Seen {
    fn write(&self, lines: &mut Vec<u8>, capture: &Capture, metadata: &Metadata, time: f64) -> u64 {
        let n_rows = self.n_rows();
        let (inputs, outputs) = (told(&self.inputs, n_rows, capture), told(&self.outputs, n_rows, capture));
        let (Ok(mut inputs), Ok(mut outputs)) =
            (RowWriter::new(&inputs, n_rows), RowWriter::new(&outputs, n_rows))
        else {
            return 0;
        };
        let ending = Ending { digest: metadata.identity(), time };
        let mut n_lines = 0;
        for row in 0..n_rows {
            let start = lines.len();
            lines.extend_from_slice(b"{\"inputs\":{");
            inputs.write_next(lines);
            let seen_to = lines.len();
            lines.extend_from_slice(b"},\"outputs\":{");
            outputs.write_next(lines);
            lines.push(b'}');
            let (client, key) = self.name(row);
            let name = key.unwrap_or_else(|| lines.get(start..seen_to).unwrap_or_default());
            if !capture.has(client, name) {
                lines.truncate(start);
                continue;
            }
            write_end(lines, client, key, &ending);
            n_lines += 1;
        }
        n_lines
    }

    fn name(&self, row: usize) -> (&str, Option<&[u8]>) {
        let names = self.names.get(row);
        let client = names.and_then(|name| name.client.as_deref()).unwrap_or(&self.client);
        (client, names.and_then(|name| name.key.as_deref()))
    }

    fn n_rows(&self) -> usize {
        let of_outputs = || self.outputs.first().and_then(Tensor::rows).and_then(|n| usize::try_from(n).ok());
        if self.names.is_empty() { of_outputs().unwrap_or_default() } else { self.names.len() }
    }
}

/// What all rows of an answer end with.
struct Ending {
    digest: String,
    time: f64,
}

fn write_end(lines: &mut Vec<u8>, client: &str, key: Option<&[u8]>, ending: &Ending) {
    let mut text = |name: &str, text: &str| {
        lines.extend_from_slice(name.as_bytes());
        // Writing a text cannot fail.
        drop(serde_json::to_writer(&mut *lines, text));
    };
    text(",\"digest\":", &ending.digest);
    if !client.is_empty() {
        text(",\"client\":", client);
    }
    lines.extend_from_slice(format!(",\"time\":{:.6}", ending.time).as_bytes());
    if let Some(key) = key {
        lines.extend_from_slice(b",\"key\":");
        lines.extend_from_slice(key);
    }
    lines.extend_from_slice(b"}\n");
}

/// The tensors that are told and have a value for each row, in a form that JSON has.
fn told(tensors: &[Tensor], n_rows: usize, capture: &Capture) -> Vec<Tensor> {
    let is_told = |tensor: &&Tensor| {
        capture.tells(tensor.name()) && RowWriter::new(std::slice::from_ref(*tensor), n_rows).is_ok()
    };
    tensors.iter().filter(is_told).cloned().collect()
}
