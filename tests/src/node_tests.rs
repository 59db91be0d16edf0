//! Cases of a small model, inputs and answers, asked of the model runtime: the node tests of ONNX, which `tests/node-tests/make.py` writes,
//! and what estimators export, which `crates/onnx-ml/golden/coverage.py` writes.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{PackedModel, Pool};
use half::{bf16, f16};
use packer::{Options, Rehearsal};
use serde::Deserialize;
use tensor::{Datatype, Tensor, TensorSpec, encode_bytes_element};

/// A case.
#[derive(Deserialize)]
pub struct Case {
    /// Its name, unique among all.
    pub name: String,
    /// The relative and the absolute tolerance.
    rtol: f64,
    atol: f64,
    /// The ONNX file, in base64.
    model: String,
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    inputs: Vec<Described>,
    outputs: Vec<Described>,
}

/// A tensor, or a value that is none and has only a datatype.
#[derive(Deserialize)]
struct Described {
    name: String,
    datatype: String,
    shape: Option<Vec<u64>>,
    /// The elements in base64, unless they are strings.
    data: Option<String>,
    strings: Option<Vec<String>>,
}

/// The node tests of ONNX, below the repository's root.
pub const NODE_TESTS: &str = "target/node-tests/cases.jsonl";

/// All cases of a file, named from the repository's root.
///
/// # Panics
/// If they have not been made.
#[must_use]
pub fn cases(path: &str) -> Vec<Case> {
    let lines = fs::read_to_string(crate::root().join(path));
    let lines =
        lines.unwrap_or_else(|error| panic!("{path}: {error}; run `cargo xtask node-tests` or `… coverage`"));
    lines.lines().map(|line| serde_json::from_str(line).expect("a case")).collect()
}

/// Answers cases.
pub struct NodeTests {
    rehearsal: Rehearsal,
}

impl Default for NodeTests {
    fn default() -> Self {
        let engine = crate::engine(Pool::OnDemand);
        Self { rehearsal: Rehearsal::new(&engine, artifacts::MODEL_RUNTIME).expect("a model runtime") }
    }
}

impl NodeTests {
    /// How far the answers to a case are from those expected, of the model as it is before it is packed: the largest difference of two
    /// numbers, in tolerances.
    ///
    /// # Errors
    /// Text about the first thing that is wrong.
    pub fn check(&self, case: &Case) -> Result<f64, String> {
        let onnx = STANDARD.decode(&case.model).expect("base64");
        let loaded = self.rehearsal.load(&onnx, &options());
        let has_no_answer = case.sets.iter().all(|set| set.outputs.is_empty());
        if has_no_answer
            && loaded.as_ref().is_err_and(|error| !matches!(error, packer::Error::RuntimeTrapped(_)))
        {
            return Ok(0.0);
        }
        let mut model = loaded.map_err(text)?;
        let inputs = model.metadata().map_err(text)?.inputs;
        case.check(&inputs, |inputs| model.infer(inputs))
    }
}

/// The same for the answers to a case, packed.
///
/// # Errors
/// Text about the first thing that is wrong.
///
/// # Panics
/// If the case cannot be read.
pub fn check_packed(case: &Case) -> Result<f64, String> {
    let engine = crate::engine(Pool::OnDemand);
    let onnx = STANDARD.decode(&case.model).expect("base64");
    let packed = packer::pack(&engine, artifacts::MODEL_RUNTIME, &onnx, &options()).map_err(text)?;
    let model = PackedModel::open(&engine, &packed.wasm).map_err(text)?;
    case.check(&model.metadata().inputs, |inputs| model.infer(inputs, &[]))
}

fn options() -> Options {
    Options { name: "m".to_owned(), version: "1".to_owned(), ..Options::default() }
}

/// An error with its causes.
fn text(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

impl Case {
    /// Compares the model's answers to all data sets. Inputs that the model does not use are left out. A set without outputs has no answer.
    fn check(
        &self,
        specs: &[TensorSpec],
        mut infer: impl FnMut(Vec<Tensor>) -> engine::Result<Vec<Tensor>>,
    ) -> Result<f64, String> {
        let mut farthest = 0.0_f64;
        for set in &self.sets {
            let inputs = set.inputs.iter().map(Described::tensor).collect::<Result<Vec<_>, _>>()?;
            let is_taken = |input: &Tensor| specs.iter().any(|spec| spec.name == input.name());
            let answer = infer(inputs.into_iter().filter(is_taken).collect());
            if set.outputs.is_empty() {
                refused(answer)?;
                continue;
            }
            let found = answer.map_err(text)?;
            if found.len() != set.outputs.len() {
                return Err(format!("{} outputs, expected {}", found.len(), set.outputs.len()));
            }
            for (found, expected) in found.iter().zip(&set.outputs) {
                farthest = farthest.max(compare(found, &expected.tensor()?, self.rtol, self.atol)?);
            }
        }
        Ok(farthest)
    }
}

/// Checks that a call was refused by an instance that goes on.
fn refused(answer: engine::Result<Vec<Tensor>>) -> Result<(), String> {
    match answer {
        Ok(found) => Err(format!("it answers {:?}, expected an error", found.first().map(Tensor::shape))),
        Err(trap @ engine::Error::Trap(_)) => Err(text(trap)),
        Err(_) => Ok(()),
    }
}

impl Described {
    fn tensor(&self) -> Result<Tensor, String> {
        let Some(shape) = self.shape.clone() else {
            return Err(format!("`{}` is a {}, no tensor", self.name, self.datatype));
        };
        let datatype = Datatype::from_name(&self.datatype);
        let datatype = datatype.ok_or_else(|| format!("the interface has no {}", self.datatype))?;
        let data = match (&self.strings, &self.data) {
            (Some(strings), _) => {
                let mut data = Vec::new();
                strings.iter().for_each(|string| encode_bytes_element(&mut data, string.as_bytes()));
                data
            }
            (None, data) => STANDARD.decode(data.as_deref().unwrap_or_default()).expect("base64"),
        };
        Tensor::new(self.name.clone(), datatype, shape, data).map_err(|error| error.to_string())
    }
}

/// How far the farthest number is from that expected, in tolerances.
fn compare(found: &Tensor, expected: &Tensor, rtol: f64, atol: f64) -> Result<f64, String> {
    let name = expected.name();
    if (found.datatype(), found.shape()) != (expected.datatype(), expected.shape()) {
        let (expected, shape) = (expected.datatype(), expected.shape());
        return Err(format!(
            "`{name}` is {} {:?}, expected {expected} {shape:?}",
            found.datatype(),
            found.shape()
        ));
    }
    let Some(expected_numbers) = numbers(expected) else {
        return if found.data() == expected.data() {
            Ok(0.0)
        } else {
            Err(format!("`{name}` has other elements"))
        };
    };
    let distance = |(f, e): (f64, f64)| {
        let is_same = (f - e).abs() <= 0.0 || f.to_bits() == e.to_bits() || (f.is_nan() && e.is_nan());
        let distance = (f - e).abs() / (atol + rtol * e.abs());
        let distance = if distance.is_nan() { f64::INFINITY } else { distance };
        (if is_same { 0.0 } else { distance }, f, e)
    };
    let pairs = numbers(found).unwrap_or_default().into_iter().zip(expected_numbers);
    match pairs.map(distance).max_by(|(left, ..), (right, ..)| left.total_cmp(right)) {
        Some((distance, found, expected)) if distance > 1.0 => {
            let distance = distance * rtol;
            Err(format!(
                "`{name}` has {found}, expected {expected} (a relative difference of {distance:.1e})"
            ))
        }
        farthest => Ok(farthest.map_or(0.0, |(distance, ..)| distance)),
    }
}

/// The elements of a tensor of floating-point numbers.
fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    match tensor.datatype() {
        Datatype::Fp16 => Some(tensor.map_elements(|bytes| f16::from_le_bytes(bytes).into())),
        Datatype::Bf16 => Some(tensor.map_elements(|bytes| bf16::from_le_bytes(bytes).into())),
        Datatype::Fp32 => Some(tensor.map_elements(|bytes| f32::from_le_bytes(bytes).into())),
        Datatype::Fp64 => Some(tensor.map_elements(f64::from_le_bytes)),
        _ => None,
    }
}
