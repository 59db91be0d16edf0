//! A sentence embedding of 90 MB, all-MiniLM-L6-v2: packed, asked with batches of several lengths, and served. `tests/sentences/make.py` writes the
//! model and what ONNX Runtime answers; `tests/sentences/pytorch.json` has what PyTorch itself says.

use std::collections::BTreeMap;

use engine::{PackedModel, Pool};
use packer::Options;
use serde::Deserialize;
use serde_json::{Value, json};
use system_tests::answer::Question;
use system_tests::root;
use system_tests::runtimes::Embedded;
use tensor::{Datatype, Tensor};

const NAME: &str = "sentences";

/// How far a number may be from PyTorch's and from ONNX Runtime's; they are around one.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Case {
    inputs: BTreeMap<String, Array<i64>>,
    outputs: BTreeMap<String, Array<f32>>,
}

#[derive(Deserialize)]
struct Array<T> {
    shape: Vec<u64>,
    data: Vec<T>,
}

fn read(path: &str) -> Vec<u8> {
    let path = root().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask test`", path.display()))
}

fn cases(path: &str) -> Vec<Case> {
    let cases: Vec<Case> = serde_json::from_slice(&read(path)).unwrap();
    assert_eq!(cases.len(), 6);
    cases
}

fn inputs(case: &Case) -> Vec<Tensor> {
    let tensor = |(name, array): (&String, &Array<i64>)| {
        let data = array.data.iter().flat_map(|number| number.to_le_bytes()).collect();
        Tensor::new(name, Datatype::Int64, array.shape.clone(), data).unwrap()
    };
    case.inputs.iter().map(tensor).collect()
}

#[track_caller]
fn check(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= TOLERANCE, "{found} is not {expected}");
    }
}

#[track_caller]
fn check_answers(model: &PackedModel, cases: &[Case]) {
    for case in cases {
        let outputs = model.infer(inputs(case), &[]).unwrap();
        for (name, expected) in &case.outputs {
            let output = outputs.iter().find(|output| output.name() == name).unwrap();
            assert_eq!(output.shape(), expected.shape);
            check(&output.map_elements(f32::from_le_bytes), &expected.data);
        }
    }
}

#[test]
fn sentences_of_any_length_are_embedded_as_by_pytorch_and_onnx_runtime() {
    let engine = system_tests::engine(Pool::OnDemand);
    let options = Options { name: NAME.to_owned(), version: "1".to_owned(), ..Options::default() };
    let onnx = read("target/sentences/model.onnx");
    let packed = packer::pack(&engine, artifacts::MODEL_RUNTIME, &onnx, &options).unwrap();
    assert!(packed.wasm.len() < 140_000_000, "{} bytes", packed.wasm.len());
    let model = PackedModel::open(&engine, &packed.wasm).unwrap();
    let by_onnx_runtime = cases("target/sentences/cases.json");
    let by_pytorch = cases("tests/sentences/pytorch.json");
    check_answers(&model, &by_onnx_runtime);
    check_answers(&model, &by_pytorch);
    serve(packed.wasm, by_onnx_runtime.iter().chain(&by_pytorch));
}

/// Asks a server for the embeddings of each batch.
fn serve<'a>(wasm: Vec<u8>, cases: impl Iterator<Item = &'a Case>) {
    let server = Embedded::models(vec![(NAME.to_owned(), wasm)]);
    let client = server.client();
    for case in cases {
        let input = |(name, array): (&String, &Array<i64>)| json!({"name": name, "datatype": "INT64", "shape": array.shape, "data": array.data});
        let inputs: Vec<Value> = case.inputs.iter().map(input).collect();
        let body =
            json!({"inputs": inputs, "outputs": [{"name": "sentence_embedding"}]}).to_string().into_bytes();
        let path = format!("/v2/models/{NAME}/infer");
        let answer = client.ask(&Question { method: "POST".to_owned(), path, headers: vec![], body });
        assert_eq!(answer.status, 200);
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let found: Vec<f32> = serde_json::from_value(answer["outputs"][0]["data"].clone()).unwrap();
        check(&found, &case.outputs["sentence_embedding"].data);
    }
}
