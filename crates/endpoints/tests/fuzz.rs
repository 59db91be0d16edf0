//! Hostile requests: real ones, mutated, and invented ones. None makes `predict` panic, and none gets an answer without the
//! documented body. Runs for `PLINTH_FUZZ_SECONDS` (20 unless told) with a fixed seed, so that a longer run begins with a
//! shorter one's cases.

#![expect(clippy::disallowed_methods, reason = "reads requests from files and runs for a given time")]
#![cfg(test)]

mod digits;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use digits::Digits;
use endpoints::predict::{Config, handle};
use endpoints::{Model, ModelError};
use http::{Method, Request, Response};
use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, TestCaseError, TestRng, TestRunner};
use tensor::{Datatype, Metadata, Tensor, TensorSpec};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/predict");
const LONGEST_SEED: usize = 8_000;

/// Returns each input as an output of the same name with a `'`, whatever its datatype; takes rows of any size.
struct Echo;

const ECHOED: [(&str, Datatype, &[i64]); 6] = [
    ("text", Datatype::Bytes, &[-1]),
    ("count", Datatype::Uint64, &[-1, 1]),
    ("level", Datatype::Int8, &[-1, 2]),
    ("flag", Datatype::Bool, &[-1]),
    ("wide", Datatype::Fp64, &[-1, -1]),
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
        let output = |name: &String| {
            let input = inputs.iter().find(|input| name.strip_suffix('\'') == Some(input.name())).unwrap();
            Tensor::new(name, input.datatype(), input.shape().to_vec(), input.data().to_vec()).unwrap()
        };
        let n_rows = inputs.iter().map(Tensor::rows).collect::<Vec<_>>();
        if n_rows.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(ModelError::InvalidInput("expected inputs of as many rows".to_owned()));
        }
        Ok(outputs.iter().map(output).collect())
    }
}

/// What a client sends.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// One step from a real request towards a broken one. Places are fractions of the body's length, in 65536ths.
#[derive(Clone, Debug)]
enum Mutation {
    Delete { at: u16, n_bytes: usize },
    Insert { at: u16, bytes: Vec<u8> },
    Overwrite { at: u16, bytes: Vec<u8> },
    Repeat { at: u16, n_bytes: usize, times: usize },
    Truncate { at: u16 },
    ReplaceValue { at: u16, value: &'static str },
}

const TOKENS: &str = concat!(
    r#"{ } [ ] , : " \ NaN Infinity 01 1. .5 + "key":"a" "key":7 "key":null "id":"i" "id":7 "X":1 "#,
    r#""shape":[16,1152921504606846978] "shape":[-1,64] "shape":[0,64] "shape":[] "datatype":"FP16" "name":"key" "#,
    r#""outputs":[] "outputs":[{"name":"key"}] "outputs":[{"name":"row_error"}] "client":"c" "client":null "clients":["c","d"] "keys":["a","b"] "#,
    r#""parameters":{"on_row_error":"report","client":"c"} "on_row_error":"report" "on_duplicate_key":"first" "generate_keys":true "inputs":[] "instances":[] [[[[[[[["#
);

const VALUES: &str = concat!(
    r#"null true false -0 -1 0 1 2 64 1.5 1e999 1e-999 1E+3 9007199254740993 18446744073709551615 18446744073709551616 "#,
    r#"340282350000000000000000000000000000000 "" "a" "\ud800" "\u0000" "key" "X" "text" "label" "wide'" "id" "data" "shape" "#,
    r#""FP16" "FP32" "FP64" "BYTES" "INT64" "BOOL" "UINT8" "client" "row_error" "report" "first" {} [] [[]] [1] [0,18446744073709551615] {"key":"a"} {"name":"key"}"#
);

const INFER: &str = "/v2/models/digits/infer";
const PREDICT: &str = "/v1/models/digits:predict";

const ECHO_BODIES: [(&str, &str); 4] = [
    (
        INFER,
        r#"{"id":"e","inputs":[
        {"name":"text","datatype":"BYTES","shape":[2],"data":["a","\u00e9\ud83d\ude00"]},
        {"name":"count","datatype":"UINT64","shape":[2,1],"data":[[0],[18446744073709551615]]},
        {"name":"level","datatype":"INT8","shape":[2,2],"data":[-128,127,0,1]},
        {"name":"flag","datatype":"BOOL","shape":[2],"data":[true,false]},
        {"name":"wide","datatype":"FP64","shape":[2,3],"data":[[1.5,null,-0.0],[1e300,2,3]]},
        {"data":[[[1],[2]],[[3],[4]]],"name":"cube","shape":[2,2,1],"datatype":"FP32"},
        {"name":"key","datatype":"INT64","shape":[2],"data":[7,8]}],
      "outputs":[{"name":"wide'"},{"name":"key"},{"name":"text'"}]}"#,
    ),
    (
        PREDICT,
        r#"{"instances":[
        {"key":"a","text":"x","count":1,"level":[1,2],"flag":true,"wide":[1.5,2],"cube":[[1],[2]]},
        {"text":"y","count":[2],"level":[3,4],"flag":false,"wide":[null,4],"cube":[[3],[4]],"key":9}]}"#,
    ),
    (
        INFER,
        r#"{"parameters":{"on_row_error":"report","on_duplicate_key":"first"},"inputs":[
        {"name":"text","datatype":"BYTES","shape":[3],"data":["a",null,"c"]},
        {"name":"count","datatype":"UINT64","shape":[3,1],"data":[[0],[1],[-2]]},
        {"name":"level","datatype":"INT8","shape":[3,2],"data":[[1,2],[3,4],[5]]},
        {"name":"flag","datatype":"BOOL","shape":[3],"data":[true,false,true]},
        {"name":"wide","datatype":"FP64","shape":[3,2],"data":[1,2,3,4,5,"6"]},
        {"name":"cube","datatype":"FP32","shape":[3,2,1],"data":[1,2,3,4,5,6]},
        {"name":"client","datatype":"BYTES","shape":[3],"data":["c","d",""]},
        {"name":"key","datatype":"BYTES","shape":[3,1],"data":["k","k",7]}]}"#,
    ),
    (
        PREDICT,
        r#"{"on_row_error":"report","generate_keys":true,"clients":["c","d",null],"instances":[
        {"text":"x","count":1,"level":[1,2],"flag":true,"wide":[1.5,2],"cube":[[1],[2]]},
        {"text":"y","count":2,"level":[3],"flag":false,"wide":[1,4],"cube":[[3],[4]],"key":9},
        {"text":{"b64":"/w=="},"count":2,"level":[3,4],"flag":0,"wide":[1,4],"cube":[[3],[4]]}]}"#,
    ),
];

/// The JSON of a request whose tensors follow it in binary form, and the tensors.
const BINARY_JSON: &str = r#"{"id":"b","parameters":{"binary_data_output":true},"inputs":[
    {"name":"text","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":11}},
    {"name":"count","datatype":"UINT64","shape":[2,1],"data":[1,2]},
    {"name":"level","datatype":"INT8","shape":[2,2],"parameters":{"binary_data_size":4}},
    {"name":"flag","datatype":"BOOL","shape":[2],"parameters":{"binary_data_size":2}},
    {"name":"wide","datatype":"FP64","shape":[2,1],"parameters":{"binary_data_size":16}},
    {"name":"cube","datatype":"FP32","shape":[2,2,1],"data":[1,2,3,4]},
    {"name":"key","datatype":"INT16","shape":[2],"parameters":{"binary_data_size":4}}],
  "outputs":[{"name":"wide'","parameters":{"classification":2}},{"name":"text'","parameters":{"binary_data":true}}]}"#;
const BINARY_TENSORS: &[u8] =
    b"\x01\0\0\0a\x02\0\0\0bc\x01\x02\xff\x80\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x7f\x01\0\x02\0";
const JSON_LEN: &str = "inference-header-content-length";

fn binary_seed() -> Sent {
    Sent {
        method: Method::POST,
        path: INFER.to_owned(),
        headers: vec![(JSON_LEN, BINARY_JSON.len().to_string())],
        body: [BINARY_JSON.as_bytes(), BINARY_TENSORS].concat(),
    }
}

fn seeds() -> Vec<Sent> {
    let mut folders: Vec<_> = fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut seeds: Vec<Sent> = folders.iter().map(|folder| read_seed(folder)).collect();
    seeds.retain(|seed| seed.body.len() <= LONGEST_SEED);
    for (path, body) in ECHO_BODIES {
        let seed = Sent { method: Method::POST, path: path.to_owned(), headers: vec![], body: body.into() };
        seeds.extend(vec![seed; 8]);
    }
    seeds.extend(vec![binary_seed(); 8]);
    seeds
}

fn read_seed(folder: &Path) -> Sent {
    let case: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
    let mut body = fs::read(folder.join("request.json")).unwrap_or_default();
    let mut headers = vec![];
    if let Ok(binary) = fs::read(folder.join("request.bin")) {
        headers.push((JSON_LEN, body.len().to_string()));
        body.extend(binary);
    }
    Sent {
        method: case["method"].as_str().unwrap().parse().unwrap(),
        path: case["path"].as_str().unwrap().to_owned(),
        headers,
        body,
    }
}

fn requests() -> impl Strategy<Value = Sent> {
    let mutated = (prop::sample::select(seeds()), prop::collection::vec(mutation(), 0..6)).prop_map(
        |(mut sent, mutations)| {
            mutations.iter().for_each(|mutation| mutation.apply(&mut sent.body));
            sent
        },
    );
    let methods = vec![Method::GET, Method::POST, Method::PUT, Method::HEAD, Method::OPTIONS];
    let path = "/v[12](/(models|health|digits|versions|1|ready|infer|live|digits:predict|:predict|%[0-9A-F]{2}|[a-z%.:]{0,3})){0,6}";
    let invented = (prop::sample::select(methods), path, tokens(20)).prop_map(|(method, path, body)| Sent {
        method,
        path,
        headers: vec![],
        body,
    });
    let posted = (prop::sample::select(&[INFER, PREDICT][..]), body()).prop_map(|(path, body)| Sent {
        method: Method::POST,
        path: path.to_owned(),
        headers: vec![],
        body,
    });
    let sent = prop_oneof![8 => mutated, 1 => invented, 2 => posted];
    (sent, prop::option::weighted(0.2, header())).prop_map(|(mut sent, header)| {
        sent.headers.extend(header);
        sent
    })
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let lengths = prop_oneof![(0..600_u32).prop_map(|length| length.to_string()), "[-+]?[0-9x]{0,22}"];
    let encodings = prop::sample::select(&["gzip", "deflate", "br", "identity", "gzip, deflate", ""][..]);
    prop_oneof![
        lengths.prop_map(|length| (JSON_LEN, length)),
        encodings.clone().prop_map(|encoding| ("content-encoding", encoding.to_owned())),
        encodings.prop_map(|encoding| ("accept-encoding", encoding.to_owned())),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        tokens(20).prop_map(|tokens| [br#"{"instances":["#.to_vec(), tokens, b"]}".to_vec()].concat()),
        tokens(20).prop_map(|tokens| [
            br#"{"inputs":[{"name":"X","datatype":"FP32","data":"#.to_vec(),
            tokens,
            b"}]}".to_vec()
        ]
        .concat()),
        (1..100_000_usize).prop_map(|depth| [vec![b'['; depth], vec![b']'; depth]].concat()),
    ]
}

fn tokens(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&str> = TOKENS.split(' ').chain(VALUES.split(' ')).collect();
    prop::collection::vec(prop::sample::select(tokens), 0..most)
        .prop_map(|tokens| tokens.concat().into_bytes())
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bytes = || prop_oneof![3 => tokens(2), 1 => prop::collection::vec(any::<u8>(), 1..4)];
    prop_oneof![
        1 => (any::<u16>(), 1..20_usize).prop_map(|(at, n_bytes)| Mutation::Delete { at, n_bytes }),
        1 => (any::<u16>(), bytes()).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
        1 => (any::<u16>(), bytes()).prop_map(|(at, bytes)| Mutation::Overwrite { at, bytes }),
        1 => (any::<u16>(), 1..80_usize, 1..4_usize)
            .prop_map(|(at, n_bytes, times)| Mutation::Repeat { at, n_bytes, times }),
        1 => any::<u16>().prop_map(|at| Mutation::Truncate { at }),
        20 => (any::<u16>(), prop::sample::select(VALUES.split(' ').collect::<Vec<_>>()))
            .prop_map(|(at, value)| Mutation::ReplaceValue { at, value }),
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
            Self::Repeat { at, n_bytes, times } => {
                let range = range(*at, *n_bytes);
                let repeated = body[range.clone()].repeat(*times);
                drop(body.splice(range.end..range.end, repeated));
            }
            Self::Truncate { at } => body.truncate(place(*at)),
            Self::ReplaceValue { at, value } => {
                let ends = |byte: &u8| b"{}[],:".contains(byte);
                let start = body[..place(*at)].iter().rposition(ends).map_or(0, |idx| idx + 1);
                let length = body[start..].iter().position(ends).unwrap_or(body.len() - start);
                drop(body.splice(start..start + length, value.bytes()));
            }
        }
    }
}

fn check(model: &impl Model, sent: &Sent) -> Result<u16, TestCaseError> {
    let mut request = Request::builder().method(&sent.method).uri(&sent.path);
    for (name, value) in &sent.headers {
        request = request.header(*name, value);
    }
    let Ok(request) = request.body(sent.body.as_slice()) else {
        return Err(TestCaseError::reject("not a URI"));
    };
    let response = handle(model, &Config::default(), &request);
    check_response(&response)?;
    let again = handle(model, &Config::default(), &request);
    prop_assert_eq!(again.body(), response.body());
    Ok(response.status().as_u16())
}

fn check_response(response: &Response<Vec<u8>>) -> Result<(), TestCaseError> {
    let is_compressed = response.headers().contains_key("content-encoding");
    prop_assert!(!is_compressed || response.status().is_success());
    if is_compressed {
        return Ok(());
    }
    let json_len = response.headers().get(JSON_LEN).map(|length| length.to_str().unwrap().parse().unwrap());
    let content_type = if json_len.is_some() { "application/octet-stream" } else { "application/json" };
    prop_assert_eq!(&response.headers()["content-type"], content_type);
    let json = &response.body()[..json_len.unwrap_or(response.body().len())];
    let body: serde_json::Value = match serde_json::from_slice(json) {
        Ok(body) => body,
        Err(error) => return Err(TestCaseError::fail(format!("the body is not JSON: {error}"))),
    };
    if response.status().is_success() {
        prop_assert!(body.get("error").is_none());
    } else {
        prop_assert!(response.status().is_client_error(), "status {}: {body}", response.status());
        prop_assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()));
        prop_assert!(body["code"].as_str().is_some_and(|code| !code.is_empty()));
    }
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
fn every_request_gets_a_documented_answer() {
    let seconds = std::env::var("PLINTH_FUZZ_SECONDS").map_or(20.0, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let requests = requests();
    let counts = RefCell::new(BTreeMap::<u16, u64>::new());
    for round in 0_u64.. {
        if Instant::now() >= end {
            break;
        }
        let run = runner(round).run(&requests, |sent| {
            for status in [check(&Digits, &sent)?, check(&Echo, &sent)?] {
                *counts.borrow_mut().entry(status).or_default() += 1;
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
