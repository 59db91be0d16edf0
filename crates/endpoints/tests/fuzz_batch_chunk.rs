//! Hostile chunks: real ones, mutated, in every format. None makes `batch-chunk` panic, none gets an answer without the documented form, and
//! the same chunk gets the same answer again. Runs for `PLINTH_FUZZ_SECONDS` (20 unless told) with a fixed seed, so that a longer run begins
//! with a shorter one's cases.

#![expect(clippy::disallowed_methods, reason = "reads chunks from files and runs for a given time")]
#![cfg(test)]

mod digits;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::types::{Int8Type, Int16Type};
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeListArray,
    Float32Array, Int64Array, LargeListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMillisecondArray, UInt8Array,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field};
use digits::Digits;
use endpoints::batch_chunk::{Config, handle};
use endpoints::{Model, ModelError};
use http::{HeaderMap, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, TestCaseError, TestRng, TestRunner};
use serde_json::Value;
use serde_json::value::RawValue;
use tensor::{Datatype, Metadata, Tensor, TensorSpec};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/batch-chunk");
const FORMATS: [(&str, &str); 4] = [
    ("ndjson", "application/x-ndjson"),
    ("csv", "text/csv"),
    ("arrow", "application/vnd.apache.arrow.stream"),
    ("json", "application/json"),
];
const LINES: &str = FORMATS[0].1;
const CSV: &str = FORMATS[1].1;
const ARROW: &str = FORMATS[2].1;

/// Returns each input as an output of the same name with a `'`; refuses rows that are called `bad`.
struct Echo;

const ECHOED: [(&str, Datatype, &[i64]); 5] = [
    ("text", Datatype::Bytes, &[-1]),
    ("count", Datatype::Uint64, &[-1, 1]),
    ("level", Datatype::Int8, &[-1, 2]),
    ("flag", Datatype::Bool, &[-1]),
    ("cube", Datatype::Fp32, &[-1, 2, 1]),
];

impl Model for Echo {
    fn metadata(&self) -> Metadata {
        let spec =
            |name: String, datatype, shape: &[i64]| TensorSpec { name, datatype, shape: shape.to_vec() };
        Metadata {
            name: "digits".to_owned(),
            version: "1".to_owned(),
            platform: "fake".to_owned(),
            inputs: ECHOED.map(|(name, datatype, shape)| spec(name.to_owned(), datatype, shape)).to_vec(),
            outputs: ECHOED.map(|(name, datatype, shape)| spec(format!("{name}'"), datatype, shape)).to_vec(),
            properties: vec![],
        }
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        if inputs[0].bytes_elements().any(|text| text == b"bad") {
            return Err(ModelError::Failed("a bad row".to_owned()));
        }
        let output = |name: &String| {
            let input = inputs.iter().find(|input| name.strip_suffix('\'') == Some(input.name())).unwrap();
            Tensor::new(name, input.datatype(), input.shape().to_vec(), input.data().to_vec()).unwrap()
        };
        Ok(outputs.iter().map(output).collect())
    }
}

/// What a client sends.
#[derive(Clone)]
struct Sent {
    target: String,
    content_type: &'static str,
    encoding: Option<&'static str>,
    body: Vec<u8>,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, content_type, encoding, body } = self;
        write!(f, "{target} {content_type} {encoding:?} b\"{}\"", body.escape_ascii())
    }
}

/// One step from a real chunk towards a broken one. Places are fractions of the body's length, in 65536ths.
#[derive(Clone, Debug)]
enum Mutation {
    Delete {
        at: u16,
        n_bytes: usize,
    },
    Insert {
        at: u16,
        bytes: Vec<u8>,
    },
    Overwrite {
        at: u16,
        bytes: Vec<u8>,
    },
    /// A word at a multiple of its size: where streams have lengths, offsets and counts.
    Word {
        at: u16,
        word: i64,
        n_bytes: usize,
    },
    Repeat {
        at: u16,
        n_bytes: usize,
    },
    Truncate {
        at: u16,
    },
}

const TOKENS: &str = concat!(
    "{ } [ ] , : \" \\ \n \r\n \t NaN inf null true false -0 1 1.5 1e999 007 +1 9007199254740993 18446744073709551616 \"a\" \"\\ud800\" ",
    "\"key\":7 \"text\":\"bad\" \"z\":1 key text bad ,, \"\" é 128 -129"
);

const QUERIES: [&str; 10] = [
    "",
    "?key=key",
    "?keep=*",
    "?keep=kept,note",
    "?key=id&micro_batch=1",
    "?micro_batch=2&chunk=c",
    "?keep=*&micro_batch=3",
    "?keep=text&key=key",
    "?on_row_error=report",
    "?keep=z,z",
];

fn echo_lines() -> Vec<u8> {
    let row = |key: usize, text: &str| {
        format!(
            "{{\"key\":{key},\"text\":\"{text}\",\"count\":{key},\"level\":[1,-2],\"flag\":true,\"cube\":[[1.5],[null]],\"kept\":[{key}]}}\n"
        )
    };
    ["a", "", "bad", "é", "bad", "b"]
        .iter()
        .enumerate()
        .map(|(key, text)| row(key, text))
        .collect::<String>()
        .into()
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch.slice(1, 2)).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn array<A: arrow_array::Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

/// Rows for `Echo` in columns of as many types as fit, and others that come back.
fn echo_streams() -> [Vec<u8>; 2] {
    let list = |size: i32, values: ArrayRef| {
        let item = Arc::new(Field::new("item", values.data_type().clone(), true));
        array(FixedSizeListArray::new(item, size, values, None))
    };
    let levels = [Some(vec![Some(1), Some(-2)]), None, Some(vec![Some(3)])];
    let cube = Float32Array::from(vec![Some(1.0), None, Some(2.0), Some(3.0), Some(4.0), Some(5.0)]);
    let texts: DictionaryArray<Int8Type> = [Some("a"), Some("bad"), None].into_iter().collect();
    let both = StructArray::from(vec![
        (Arc::new(Field::new("p", DataType::UInt8, true)), array(UInt8Array::from(vec![1, 2, 3]))),
        (Arc::new(Field::new("q", DataType::Utf8, true)), array(StringArray::from(vec!["x", "y", "z"]))),
    ]);
    let first = stream(vec![
        ("key", array(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("text", array(texts)),
        ("count", array(StringArray::from(vec!["1", "-2", " 3 "]))),
        ("level", array(LargeListArray::from_iter_primitive::<Int16Type, _, _>(levels))),
        ("flag", array(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("cube", list(2, list(1, array(cube.clone())))),
        ("kept", array(TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("UTC"))),
        ("note", array(both)),
    ]);
    let mut levels = ListBuilder::new(Int32Builder::new());
    [[1, 2], [3, 400], [5, 6]].iter().for_each(|level| levels.append_value(level.map(Some)));
    let second = stream(vec![
        ("key", array(StringViewArray::from(vec!["k", "a key longer than twelve bytes", ""]))),
        ("text", array(BinaryArray::from_vec(vec![b"a", b"\xff", b"bad"]))),
        ("count", array(UInt8Array::from(vec![1, 2, 3]))),
        ("level", array(levels.finish())),
        ("flag", array(StringArray::from(vec!["true", "no", "false"]))),
        ("cube", list(2, array(cube))),
        ("kept", array(NullArray::new(3))),
        ("note", array(Decimal128Array::from(vec![1, 2, 3]).with_precision_and_scale(9, 2).unwrap())),
    ]);
    [first, second]
}

fn echo_table() -> Vec<u8> {
    b"key,text,count,flag,kept\r\n1,a,2,true,x\r\n2,bad,3,false,\"q, \"\"r\"\"\"\r\n3,\"l\nm\",x,true,\r\n"
        .to_vec()
}

fn seeds() -> Vec<Sent> {
    let mut folders: Vec<_> = fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut seeds: Vec<Sent> = folders.iter().filter_map(|folder| read_seed(folder)).collect();
    let mut own = vec![(LINES, echo_lines()), (CSV, echo_table())];
    own.extend(echo_streams().map(|body| (ARROW, body)));
    for (content_type, body) in own {
        let seed = Sent { target: String::new(), content_type, encoding: None, body };
        seeds.extend(vec![seed; 8]);
    }
    seeds
}

/// The chunk of a case, but for the rows after the first few kilobytes.
fn read_seed(folder: &Path) -> Option<Sent> {
    let (body, content_type) = FORMATS.iter().find_map(|(ending, content_type)| {
        Some((fs::read(folder.join(format!("request.{ending}"))).ok()?, *content_type))
    })?;
    let is_short = body.len() < 40_000;
    is_short.then_some(Sent { target: String::new(), content_type, encoding: None, body })
}

fn chunks() -> impl Strategy<Value = Sent> {
    let mutated = (prop::sample::select(seeds()), prop::collection::vec(mutation(), 0..5)).prop_map(
        |(mut sent, mutations)| {
            mutations.iter().for_each(|mutation| mutation.apply(&mut sent.body));
            sent
        },
    );
    let invented = (prop::sample::select(&FORMATS[..]), body()).prop_map(|((_, content_type), body)| Sent {
        target: String::new(),
        content_type,
        encoding: None,
        body,
    });
    let queries = prop_oneof![
        8 => prop::sample::select(&QUERIES[..]).prop_map(str::to_owned),
        1 => "\\?(key|keep|chunk|micro_batch|[a-z%]{0,3})=[a-z0-9*,%&=+]{0,12}",
    ];
    let encoding =
        prop::option::weighted(0.03, prop::sample::select(&["gzip", "deflate", "identity", "br"][..]));
    (prop_oneof![10 => mutated, 1 => invented], queries, encoding).prop_map(|(sent, query, encoding)| Sent {
        target: format!("/batch/digits{query}"),
        encoding,
        ..sent
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), tokens(60)]
}

fn tokens(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&str> = TOKENS.split(' ').collect();
    prop::collection::vec(prop::sample::select(tokens), 0..most)
        .prop_map(|tokens| tokens.concat().into_bytes())
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bytes = || prop_oneof![3 => tokens(2), 1 => prop::collection::vec(any::<u8>(), 1..4)];
    let words = prop_oneof![
        prop::sample::select(
            &[0, 1, 2, 3, 4, 7, 8, 9, 63, 64, 1 << 16, 1 << 31, -1, i64::MAX, i64::MIN, -8][..]
        ),
        -20..200_i64,
        any::<i64>(),
    ];
    prop_oneof![
        1 => (any::<u16>(), 1..20_usize).prop_map(|(at, n_bytes)| Mutation::Delete { at, n_bytes }),
        2 => (any::<u16>(), bytes()).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
        2 => (any::<u16>(), bytes()).prop_map(|(at, bytes)| Mutation::Overwrite { at, bytes }),
        8 => (any::<u16>(), words, prop::sample::select(&[1_usize, 2, 4, 8][..]))
            .prop_map(|(at, word, n_bytes)| Mutation::Word { at, word, n_bytes }),
        1 => (any::<u16>(), 1..80_usize).prop_map(|(at, n_bytes)| Mutation::Repeat { at, n_bytes }),
        1 => any::<u16>().prop_map(|at| Mutation::Truncate { at }),
    ]
}

impl Mutation {
    fn apply(&self, body: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) * body.len() / 65536;
        let range = |at: u16, n_bytes: usize| place(at)..(place(at) + n_bytes).min(body.len());
        match self {
            Self::Delete { at, n_bytes } => drop(body.drain(range(*at, *n_bytes))),
            Self::Insert { at, bytes } => drop(body.splice(range(*at, 0), bytes.clone())),
            Self::Overwrite { at, bytes } => drop(body.splice(range(*at, bytes.len()), bytes.clone())),
            Self::Word { at, word, n_bytes } => {
                let start = place(*at) / n_bytes * n_bytes;
                let end = (start + n_bytes).min(body.len());
                drop(body.splice(start..end, word.to_le_bytes()[..end - start].to_vec()));
            }
            Self::Repeat { at, n_bytes } => {
                let range = range(*at, *n_bytes);
                let repeated = body[range.clone()].to_vec();
                drop(body.splice(range.end..range.end, repeated));
            }
            Self::Truncate { at } => body.truncate(place(*at)),
        }
    }
}

/// An answer, and whether it is whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    is_whole: bool,
}

fn send(model: &impl Model, config: &Config, sent: &Sent) -> Option<Answer> {
    let mut request = Request::post(&sent.target).header("content-type", sent.content_type);
    if let Some(encoding) = sent.encoding {
        request = request.header("content-encoding", encoding);
    }
    let request = request.body(sent.body.as_slice()).ok()?;
    let (mut head, mut body) = (None, Vec::new());
    let outcome = handle(model, config, request, |begun| {
        head = Some(begun);
        Ok(&mut body)
    });
    let (parts, ()) = head?.into_parts();
    assert!(outcome.is_whole || outcome.failure.is_some());
    Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body, is_whole: outcome.is_whole })
}

fn check(model: &impl Model, config: &Config, sent: &Sent) -> Result<u16, TestCaseError> {
    let Some(answer) = send(model, config, sent) else { return Err(TestCaseError::reject("not a URI")) };
    let again = send(model, config, sent).unwrap();
    prop_assert!(again.body == answer.body && again.is_whole == answer.is_whole);
    let content_type = answer.headers["content-type"].to_str().unwrap();
    let essence = content_type.split(';').next().unwrap();
    match (answer.status, essence) {
        (200, LINES) => check_lines(sent, &answer)?,
        (200, CSV) => check_table(&answer)?,
        (200, ARROW) => check_stream(&answer)?,
        (200, _) => {
            let tensors: Value = serde_json::from_slice(&answer.body).unwrap();
            prop_assert!(tensors["outputs"].is_array());
        }
        (status, essence) => {
            prop_assert!((400..500).contains(&status) && essence == "application/json", "{status}");
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            prop_assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()));
            prop_assert!(body["code"].as_str().is_some_and(|code| !code.is_empty()));
            prop_assert!(answer.is_whole && answer.body.len() < 30_000);
        }
    }
    Ok(answer.status)
}

/// As many lines as rows, each an object; after them the error of a chunk that was not answered to its end.
fn check_lines(sent: &Sent, answer: &Answer) -> Result<(), TestCaseError> {
    // Fields that come back may have numbers that are JSON and beyond any type.
    let line = |line| serde_json::from_str::<BTreeMap<String, &RawValue>>(line).unwrap();
    let lines: Vec<_> = std::str::from_utf8(&answer.body).unwrap().lines().map(line).collect();
    let is_failure = |line: &BTreeMap<String, &RawValue>| {
        line.contains_key("code") && line.get("error").is_some_and(|error| error.get().starts_with('"'))
    };
    prop_assert_eq!(lines.last().is_some_and(is_failure), !answer.is_whole);
    let n_rows = sent.body.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    if answer.is_whole && sent.encoding.is_none() {
        prop_assert_eq!(lines.len(), n_rows);
    }
    Ok(())
}

/// Records of as many fields as there are columns, but for the last one of a chunk that was not answered to its end.
fn check_table(answer: &Answer) -> Result<(), TestCaseError> {
    let mut reader = csv_core::Reader::new();
    let (mut fields, mut ends) = (vec![0; answer.body.len() + 1], vec![0; answer.body.len() + 1]);
    let (mut input, mut counts) = (answer.body.as_slice(), Vec::new());
    let mut n_fields = 0;
    loop {
        let (result, n_read, _, n_ended) = reader.read_record(input, &mut fields, &mut ends);
        input = &input[n_read..];
        n_fields += n_ended;
        match result {
            csv_core::ReadRecordResult::End => break,
            csv_core::ReadRecordResult::Record => counts.push(std::mem::take(&mut n_fields)),
            _ => {}
        }
    }
    let n_uneven = counts.iter().filter(|&&count| count != counts[0]).count();
    prop_assert_eq!(n_uneven, usize::from(!answer.is_whole));
    Ok(())
}

/// A stream that another reader takes, up to the end that one without end does not have.
fn check_stream(answer: &Answer) -> Result<(), TestCaseError> {
    let reader = StreamReader::try_new(answer.body.as_slice(), None).unwrap();
    let is_error_last = reader.schema().fields().last().is_some_and(|field| field.name() == "error");
    prop_assert!(is_error_last);
    for batch in reader {
        let batch = batch.unwrap();
        let (errors, outputs) =
            batch.columns().split_last().map(|(errors, rest)| (errors, rest.last().unwrap())).unwrap();
        prop_assert!((0..batch.num_rows()).all(|row| errors.is_null(row) != outputs.is_null(row)));
    }
    prop_assert_eq!(answer.body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), answer.is_whole);
    Ok(())
}

fn runner(round: u64) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&round.to_le_bytes());
    let config = RunnerConfig { cases: 500, failure_persistence: None, ..RunnerConfig::default() };
    let rng = TestRng::from_seed(config.rng_algorithm, &seed);
    TestRunner::new_with_rng(config, rng)
}

#[test]
#[expect(clippy::print_stdout, reason = "how far a run of limited time went")]
fn every_chunk_gets_a_documented_answer() {
    let seconds = std::env::var("PLINTH_FUZZ_SECONDS").map_or(20.0, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let chunks = chunks();
    let counts = RefCell::new(BTreeMap::<(&str, u16), u64>::new());
    // Limits that short chunks reach, so that answers break off too.
    let config = Config { held_bytes: 300, row_bytes: 600, micro_batch_bytes: 700, ..Config::default() };
    for round in 0_u64.. {
        if Instant::now() >= end {
            break;
        }
        let run = runner(round).run(&chunks, |sent| {
            let statuses = [
                check(&Digits, &Config::default(), &sent)?,
                check(&Echo, &Config::default(), &sent)?,
                check(&Echo, &config, &sent)?,
            ];
            for status in statuses {
                *counts.borrow_mut().entry((sent.content_type, status)).or_default() += 1;
            }
            Ok(())
        });
        if let Err(error) = run {
            panic!("{error}");
        }
    }
    let counts = counts.into_inner();
    println!("{} answers, by status: {counts:?}", counts.values().sum::<u64>());
}
