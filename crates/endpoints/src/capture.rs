//! Capture: which rows of an answer are told to `evaluate`, and in which form. Not how they get there.
//!
//! A row is in the sample or not by its client and key alone: the first eight bytes of SHA-256 of the client's name, a zero byte and the
//! key as JSON, as a share of 2⁶⁴, are below the rate. So the same key is in or out on every replica, in `predict` and in a batch, and
//! its label is worth keeping or not. A row without a key stands for itself by what the model saw.

mod columns;

use std::cell::RefCell;

use columns::Columns;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tensor::{Client, Key, Keys, Metadata, Tensor};

/// The header of a response that carries rows as far as the host, if that takes them.
pub const CAPTURED: HeaderName = HeaderName::from_static("plinth-captured");

/// The longest that is carried so.
const MOST_HEADER_BYTES: usize = 32 << 10;

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

impl Told {
    /// The rows as one header of a response: each with a tab at its end, which its JSON never has, and behind them the address below which
    /// they are told. None if no header can hold them.
    #[must_use]
    pub fn header(&self, url: &str) -> Option<HeaderValue> {
        if self.lines.len() > MOST_HEADER_BYTES {
            return None;
        }
        let query = self.query();
        let mut value = Vec::with_capacity(self.lines.len() + url.len() + query.len() + 1);
        value.extend(self.lines.iter().map(|&byte| if byte == b'\n' { b'\t' } else { byte }));
        for part in [url, "?", &query] {
            value.extend_from_slice(part.as_bytes());
        }
        HeaderValue::try_from(value).ok()
    }

    /// The query that says of which model they are.
    #[must_use]
    pub fn query(&self) -> String {
        let model: String = form_urlencoded::byte_serialize(self.model.as_bytes()).collect();
        format!("model={model}")
    }
}

/// Where an endpoint leaves what it has answered, if anybody wants to see it.
#[derive(Debug, Default)]
pub struct Sight {
    is_open: bool,
    seen: RefCell<Option<Seen>>,
}

/// Rows that a model is about to answer.
#[derive(Debug)]
pub(crate) struct Asked {
    model: String,
    digest: String,
    inputs: Vec<Tensor>,
}

/// Rows that it answered.
#[derive(Debug)]
struct Seen {
    asked: Asked,
    /// The client of the whole request.
    client: String,
    names: Vec<Name>,
    outputs: Vec<Tensor>,
    /// What became of each row in two phases, as JSON; none if there was one phase.
    two_phase: Vec<String>,
}

/// The sampled rows of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The model that answered them.
    pub model: String,
    /// A line of JSON for each.
    pub lines: Vec<u8>,
    /// How many there are.
    pub n_lines: u64,
}

impl Asked {
    /// The others, without these rows, which are ascending.
    pub(crate) fn without_rows(self, rows: &[usize]) -> Self {
        if rows.is_empty() {
            return self;
        }
        let inputs = self.inputs.into_iter().map(|input| input.without_rows(rows)).collect();
        Self { inputs, ..self }
    }
}

impl Sight {
    /// One that sees everything.
    #[must_use]
    pub fn open() -> Self {
        Self { is_open: true, seen: RefCell::default() }
    }

    /// How many rows have been seen.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.seen.borrow().as_ref().map_or(0, Seen::n_rows)
    }

    /// Whether anybody wants to see anything.
    pub(crate) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The inputs, for later, if anybody wants to see them.
    pub(crate) fn keep(&self, metadata: &Metadata, inputs: &[Tensor]) -> Option<Asked> {
        let asked =
            || Asked { model: metadata.name.clone(), digest: digest(metadata), inputs: inputs.to_vec() };
        self.is_open.then(asked)
    }

    /// Rows that were answered: their names in the order of the tensors, none if they have none, and the client of the whole request.
    pub(crate) fn see(
        &self,
        client: Option<&Client<'_>>,
        names: impl FnOnce() -> Vec<Name>,
        asked: Option<Asked>,
        outputs: &[Tensor],
    ) {
        let Some(asked) = asked else { return };
        let client = client.map_or_else(String::new, |client| client.name().to_owned());
        let (names, outputs, two_phase) = (names(), outputs.to_vec(), Vec::new());
        self.seen.replace(Some(Seen { asked, client, names, outputs, two_phase }));
    }

    /// What became of each of the rows that were seen, as JSON.
    pub(crate) fn note(&self, two_phase: impl FnOnce() -> Vec<String>) {
        if let Some(seen) = self.seen.borrow_mut().as_mut() {
            seen.two_phase = two_phase();
        }
    }

    /// The sampled rows of what was seen, if there are any. `time` is when they were answered, in seconds since 1970.
    #[must_use]
    pub fn told(&self, capture: &Capture, time: f64) -> Option<Told> {
        let seen = self.seen.take()?;
        let mut lines = Vec::new();
        let n_lines = seen.write(&mut lines, capture, time);
        (n_lines > 0).then_some(Told { model: seen.asked.model, lines, n_lines })
    }
}

/// The client of a row and its key as JSON, as far as it has them.
#[derive(Debug, Default)]
pub(crate) struct Name {
    client: Option<String>,
    key: Option<Vec<u8>>,
}

/// What tells a model's bytes from others in captured rows: the digest of its ONNX file; of a model that has none, all that tells it from
/// others.
fn digest(metadata: &Metadata) -> String {
    metadata.property("onnx_sha256").map_or_else(|| metadata.identity(), str::to_owned)
}

impl Name {
    /// The name of a row by its key alone.
    pub(crate) fn of_key(key: &Key<'_>) -> Self {
        Self { client: None, key: Some(key_text(key)) }
    }

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
    fn write(&self, lines: &mut Vec<u8>, capture: &Capture, time: f64) -> u64 {
        let n_rows = self.n_rows();
        let mut inputs = Columns::of(&self.asked.inputs, n_rows, capture);
        let mut outputs = Columns::of(&self.outputs, n_rows, capture);
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
            self.write_end(lines, row, time);
            n_lines += 1;
            if n_lines == 1 && capture.rate >= 1.0 {
                // The others will be told too, and are about as long.
                lines.reserve(lines.len() * (n_rows - row));
            }
        }
        n_lines
    }

    /// What follows the values of a row.
    fn write_end(&self, lines: &mut Vec<u8>, row: usize, time: f64) {
        let (client, key) = self.name(row);
        let mut text = |name: &str, text: &str| {
            lines.extend_from_slice(name.as_bytes());
            write_json(lines, text);
        };
        text(",\"digest\":", &self.asked.digest);
        if !client.is_empty() {
            text(",\"client\":", client);
        }
        lines.extend_from_slice(b",\"time\":");
        write_time(lines, time);
        if let Some(key) = key {
            lines.extend_from_slice(b",\"key\":");
            lines.extend_from_slice(key);
        }
        if let Some(note) = self.two_phase.get(row) {
            lines.extend_from_slice(b",\"two_phase\":");
            lines.extend_from_slice(note.as_bytes());
        }
        lines.extend_from_slice(b"}\n");
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

/// Seconds with six digits after the point, without what a number of any size needs.
fn write_time(json: &mut Vec<u8>, time: f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds since 1970")]
    let micros = (time * 1e6) as u64;
    write_json(json, &(micros / 1_000_000));
    let point = json.len();
    // Its first digit gives way to the point.
    write_json(json, &(1_000_000 + micros % 1_000_000));
    if let Some(one) = json.get_mut(point) {
        *one = b'.';
    }
}

/// Appends what is always JSON.
fn write_json<T: Serialize + ?Sized>(json: &mut Vec<u8>, value: &T) {
    // Writing to memory cannot fail.
    drop(serde_json::to_writer(json, value));
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::Model as _;
    use crate::batch_chunk::{self, Watch};
    use crate::fake::{doubler, greeter};
    use crate::predict::{Config, handle_seen};

    fn all() -> Capture {
        Capture { rate: 1.0, fields: Vec::new(), withheld: Vec::new() }
    }

    /// What is told of an answer.
    fn told(path: &str, body: &Value, capture: &Capture) -> Vec<Value> {
        let body = body.to_string();
        let request = Request::post(path).body(body.as_bytes()).unwrap();
        let sight = Sight::open();
        let response = handle_seen(&doubler(), &Config::default(), &request, &sight);
        assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(response.body()));
        let Told { lines, n_lines, .. } = sight.told(capture, 12.5).unwrap_or_default();
        let lines: Vec<Value> = lines
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines.len() as u64, n_lines);
        lines
    }

    #[test]
    fn rows_are_told_under_their_keys_and_bad_ones_are_not() {
        let rows = json!({
            "instances": [{"key": "a", "x": [1, 2]}, {"key": 5, "x": [3]}, {"key": 6, "x": [3, 4]}],
            "client": "shop", "on_row_error": "report",
        });
        let digest = doubler().metadata().identity();
        let row = |key: Value, x: [f64; 2], y: [f64; 2]| {
            json!({
                "key": key, "client": "shop", "time": 12.5, "digest": digest, "inputs": {"x": x}, "outputs": {"y": y},
            })
        };
        let expected = [row(json!("a"), [1.0, 2.0], [2.0, 4.0]), row(json!(6), [3.0, 4.0], [6.0, 8.0])];
        assert_eq!(told("/v1/models/m:predict", &rows, &all()), expected);
    }

    #[test]
    fn tensors_are_told_as_rows() {
        let tensors = json!({"inputs": [
            {"name": "key", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]},
            {"name": "client", "shape": [2], "datatype": "BYTES", "data": ["s", "t"]},
            {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
        ]});
        let told = told("/v2/models/m/infer", &tensors, &all());
        let names: Vec<_> = told.iter().map(|row| (&row["client"], &row["key"])).collect();
        assert_eq!(names, [(&json!("s"), &json!("a")), (&json!("t"), &json!("b"))]);
        assert_eq!(
            (&told[1]["inputs"]["x"], &told[1]["outputs"]["y"]),
            (&json!([3.0, 4.0]), &json!([6.0, 8.0]))
        );
    }

    /// The rows that are told of a chunk, each micro-batch by itself, as key, input and output.
    fn told_of_chunk(model: &impl crate::Model, target: &str, form: &str, body: &str) -> Vec<Vec<Value>> {
        let sight = Sight::open();
        let batches = RefCell::new(Vec::new());
        let tell = || {
            let Told { lines, .. } = sight.told(&all(), 12.5).unwrap();
            let row = |line: &str| {
                let row: Value = serde_json::from_str(line).unwrap();
                json!([row["key"], row["inputs"], row["outputs"]])
            };
            batches.borrow_mut().push(String::from_utf8(lines).unwrap().lines().map(row).collect());
        };
        let request = Request::post(target).header("content-type", form).body(body.as_bytes()).unwrap();
        let watch = Watch { sight: &sight, tell: &tell };
        let outcome =
            batch_chunk::handle_seen(model, &Default::default(), request, |_| Ok(std::io::sink()), watch);
        assert!(outcome.is_whole);
        batches.into_inner()
    }

    #[test]
    fn rows_of_a_chunk_are_told_after_each_micro_batch() {
        let lines = "{\"key\":\"a\",\"x\":[1,2]}\n[3]\n{\"key\":7,\"x\":[3,4]}\n[5,6]";
        let found = told_of_chunk(&doubler(), "/batch/m?micro_batch=3", "application/x-ndjson", lines);
        let row = |key: Value, x: [f64; 2], y: [f64; 2]| json!([key, {"x": x}, {"y": y}]);
        let expected = [
            vec![row(json!("a"), [1.0, 2.0], [2.0, 4.0]), row(json!(7), [3.0, 4.0], [6.0, 8.0])],
            vec![row(Value::Null, [5.0, 6.0], [10.0, 12.0])],
        ];
        assert_eq!(found, expected);
        let tensors = json!({"inputs": [
            {"name": "key", "shape": [1], "datatype": "BYTES", "data": ["b"]},
            {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
        ]});
        let found = told_of_chunk(&doubler(), "/batch/m", "application/json", &tensors.to_string());
        assert_eq!(found, [[row(json!("b"), [1.0, 2.0], [2.0, 4.0])]]);
    }

    #[test]
    fn rows_that_a_model_refuses_are_not_told() {
        let table = "id,name,times\n1,a,2\n2,,1\n3,b,1\n4,c,\n";
        let found = told_of_chunk(&greeter(), "/batch/m?key=id", "text/csv", table);
        let row = |key: &str, name: &str, times: u64, greeting: &str, length: u64| json!([key, {"name": name, "times": times}, {"greeting": greeting, "length": [length]}]);
        assert_eq!(found, [[row("1", "a", 2, "aa", 2), row("3", "b", 1, "b", 1)]]);
    }

    #[test]
    fn a_header_carries_rows_that_fit() {
        let told = Told {
            model: "a b".to_owned(),
            lines: b"{\"x\":1}\n{\"x\":\"\xc3\xa9\"}\n".to_vec(),
            n_lines: 2,
        };
        let header = told.header("http://self.alt/evaluate/predictions").unwrap();
        let expected = b"{\"x\":1}\t{\"x\":\"\xc3\xa9\"}\thttp://self.alt/evaluate/predictions?model=a+b";
        assert_eq!(header.as_bytes(), expected);
        for lines in [vec![b'1'; MOST_HEADER_BYTES + 1], b"\"\x7f\"\n".to_vec()] {
            assert!(Told { lines, ..told.clone() }.header("u").is_none());
        }
    }

    #[test]
    fn what_is_withheld_is_not_told() {
        let rows = json!({"instances": [[1, 2]]});
        let capture = Capture { withheld: vec!["x".to_owned()], ..all() };
        assert_eq!(told("/v1/models/m:predict", &rows, &capture)[0]["inputs"], json!({}));
        let capture = Capture { fields: vec!["x".to_owned()], ..all() };
        assert_eq!(told("/v1/models/m:predict", &rows, &capture)[0]["outputs"], json!({}));
    }

    /// Expected: `hashlib.sha256(client + b'\0' + key).digest()[:8]` of Python over 2⁶⁴.
    #[test]
    fn a_key_is_in_the_sample_everywhere_or_nowhere() {
        for (client, key, share) in [
            ("shop", "\"a\"", 0.339_083_764_481_308_1),
            ("shop", "\"b\"", 0.679_129_105_497_332_2),
            ("", "5", 0.324_955_902_586_071_7),
            ("", "\"5\"", 0.664_519_844_757_444),
            ("x", "7", 0.692_865_095_584_048),
            ("y", "7", 0.242_918_875_640_328_8),
        ] {
            let has = |rate| Capture { rate, ..all() }.has(client, key.as_bytes());
            assert!(has(share + 1e-9) && !has(share - 1e-9), "{client} {key}");
        }
        let tenth = Capture { rate: 0.1, ..all() };
        assert_eq!((0..1000).filter(|key: &u32| tenth.has("", key.to_string().as_bytes())).count(), 87);
        let rows: Vec<Value> = (0..1000).map(|key| json!({"key": key, "x": [key, 0]})).collect();
        assert_eq!(told("/v1/models/m:predict", &json!({"instances": rows}), &tenth).len(), 87);
    }
}
