//! Cases of an ONNX model, inputs and what ONNX Runtime answered, written by the scripts beside them: how the model runtime answers. No tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Engine, PackedModel, Pool};
use packer::{Options, Rehearsal};
use serde_json::Value;
use system_tests::root;
use tensor::{Datatype, Tensor, encode_bytes_element};

/// The largest relative difference to ONNX Runtime, and the number below which differences count as those of that number.
const TOLERANCE: f64 = 1e-5;
const SMALL: f64 = 0.1;

/// Of so many cases one is packed.
const PACKED_OF: usize = 8;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn tensor(described: &Value) -> Tensor {
    let values = described["values"].as_array().unwrap();
    let shape: Vec<u64> = serde_json::from_value(described["shape"].clone()).unwrap();
    let (datatype, data): (Datatype, Vec<u8>) = match described["type"].as_str().unwrap() {
        "float" => {
            #[expect(clippy::cast_possible_truncation, reason = "the numbers were written from `f32`")]
            let bytes = values.iter().flat_map(|value| (number(value) as f32).to_le_bytes());
            (Datatype::Fp32, bytes.collect())
        }
        "double" => {
            let bytes = values.iter().flat_map(|value| number(value).to_le_bytes());
            (Datatype::Fp64, bytes.collect())
        }
        "int64" => {
            let bytes = values.iter().flat_map(|value| value.as_i64().unwrap().to_le_bytes());
            (Datatype::Int64, bytes.collect())
        }
        "string" => {
            let mut bytes = Vec::new();
            values
                .iter()
                .for_each(|value| encode_bytes_element(&mut bytes, value.as_str().unwrap().as_bytes()));
            (Datatype::Bytes, bytes)
        }
        other => panic!("no case has the type {other}"),
    };
    Tensor::new(described["name"].as_str().unwrap(), datatype, shape, data).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    tensor.data().as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
}

/// What of an output is not as expected.
fn difference(found: &Tensor, expected: &Tensor) -> Option<String> {
    let name = expected.name();
    if (found.datatype(), found.shape()) != (expected.datatype(), expected.shape()) {
        return Some(format!("{name}: {} {:?}", found.datatype(), found.shape()));
    }
    if found.datatype() != Datatype::Fp32 {
        return (found.data() != expected.data()).then(|| format!("{name}: {found:?}"));
    }
    let is_same = |(found, expected): &(f64, f64)| {
        (found - expected).abs() <= TOLERANCE * expected.abs().max(SMALL)
            || (found.is_nan() && expected.is_nan())
    };
    let mut pairs = floats(found).into_iter().zip(floats(expected));
    pairs.find(|pair| !is_same(pair)).map(|(found, expected)| format!("{name}: {found}, expected {expected}"))
}

/// Asks twice: the second answer must owe nothing to the first call.
fn check(
    case: &Value,
    mut infer: impl FnMut(Vec<Tensor>) -> engine::Result<Vec<Tensor>>,
) -> Result<(), String> {
    let expected: Vec<Tensor> = case["outputs"].as_array().unwrap().iter().map(tensor).collect();
    for call in ["first", "second"] {
        let inputs = case["inputs"].as_array().unwrap().iter().map(tensor).collect();
        let found = infer(inputs).map_err(|error| error.to_string())?;
        assert_eq!(found.len(), expected.len());
        let mut pairs = found.iter().zip(&expected);
        if let Some(difference) = pairs.find_map(|(found, expected)| difference(found, expected)) {
            return Err(format!("in the {call} call {difference}"));
        }
    }
    Ok(())
}

fn check_rehearsed(rehearsal: &Rehearsal, case: &Value) -> Result<(), String> {
    let mut rehearsed = rehearsal.load(&onnx(case), &options()).map_err(|error| error.to_string())?;
    check(case, |inputs| rehearsed.infer(inputs))
}

fn check_packed(engine: &Engine, case: &Value) -> Result<(), String> {
    let packed = pack(engine, case).map_err(|error| error.to_string())?;
    let model = PackedModel::open(engine, &packed).map_err(|error| error.to_string())?;
    let mut session = model.instantiate().map_err(|error| error.to_string())?;
    check(case, |inputs| session.infer(inputs, &[]))
}

/// The ONNX file of a case.
pub(crate) fn onnx(case: &Value) -> Vec<u8> {
    STANDARD.decode(case["model"].as_str().unwrap()).unwrap()
}

/// How it is packed.
pub(crate) fn options() -> Options {
    Options { name: "m".to_owned(), version: "1".to_owned(), ..Options::default() }
}

/// The packed model of a case.
pub(crate) fn pack(engine: &Engine, case: &Value) -> packer::Result<Vec<u8>> {
    packer::pack(engine, artifacts::MODEL_RUNTIME, &onnx(case), &options()).map(|packed| packed.wasm)
}

/// The cases of a file, by its path in the repository.
pub(crate) fn read(path: &str) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(root().join(path)).unwrap()).unwrap()
}

/// Checks every case of a file, and that there are `at_least` so many. Each is loaded and called in the model runtime, as packing does; every
/// eighth is packed besides, since compiling a packed model takes seconds.
#[track_caller]
pub(crate) fn check_all(path: &str, at_least: usize) {
    let cases = read(path);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let engine = system_tests::engine(Pool::OnDemand);
    let rehearsal = Rehearsal::new(&engine, artifacts::MODEL_RUNTIME).unwrap();
    let rehearsed = cases.iter().map(|case| (case, check_rehearsed(&rehearsal, case)));
    let packed = cases.iter().step_by(PACKED_OF).map(|case| (case, check_packed(&engine, case)));
    let wrong = rehearsed
        .chain(packed)
        .filter_map(|(case, checked)| Some(format!("{}: {}", case["name"], checked.err()?)));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {}:\n  {}", wrong.len(), cases.len(), wrong.join("\n  "));
}
