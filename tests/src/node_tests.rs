//! The node tests of ONNX, packed: one small model for each case, with the answers that its specification gives. `tests/node-tests/make.py`
//! writes the cases.

use std::fs;
use std::path::Path;

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

/// All cases.
///
/// # Panics
/// If they have not been made.
#[must_use]
pub fn cases() -> Vec<Case> {
    cases_of(&crate::root().join("target/node-tests/cases.jsonl"))
}

/// The cases of a file.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn cases_of(path: &Path) -> Vec<Case> {
    let lines = fs::read_to_string(path);
    let lines =
        lines.unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask node-tests`", path.display()));
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
    /// What is wrong with the answers to a case, of the model as it is before it is packed.
    ///
    /// # Errors
    /// Text about the first thing that is.
    pub fn check(&self, case: &Case) -> Result<(), String> {
        let onnx = STANDARD.decode(&case.model).expect("base64");
        let mut model = self.rehearsal.load(&onnx, &options()).map_err(text)?;
        let inputs = model.metadata().map_err(text)?.inputs;
        case.check(&inputs, |inputs| model.infer(inputs))
    }
}

/// What is wrong with the answers to a case, packed.
///
/// # Errors
/// Text about the first thing that is.
///
/// # Panics
/// If the case cannot be read.
pub fn check_packed(case: &Case) -> Result<(), String> {
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
    /// Compares the model's answers to all data sets. Inputs that the model does not use are left out.
    fn check(
        &self,
        specs: &[TensorSpec],
        mut infer: impl FnMut(Vec<Tensor>) -> engine::Result<Vec<Tensor>>,
    ) -> Result<(), String> {
        for set in &self.sets {
            let inputs = set.inputs.iter().map(Described::tensor).collect::<Result<Vec<_>, _>>()?;
            let is_taken = |input: &Tensor| specs.iter().any(|spec| spec.name == input.name());
            let found = infer(inputs.into_iter().filter(is_taken).collect()).map_err(text)?;
            for (found, expected) in found.iter().zip(&set.outputs) {
                compare(found, &expected.tensor()?, self.rtol, self.atol)?;
            }
        }
        Ok(())
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

fn compare(found: &Tensor, expected: &Tensor, rtol: f64, atol: f64) -> Result<(), String> {
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
            Ok(())
        } else {
            Err(format!("`{name}` has other elements"))
        };
    };
    let found = numbers(found).unwrap_or_default();
    let is_close = |(f, e): &(f64, f64)| {
        f.to_bits() == e.to_bits() || (f.is_nan() && e.is_nan()) || (f - e).abs() <= atol + rtol * e.abs()
    };
    match found.into_iter().zip(expected_numbers).find(|pair| !is_close(pair)) {
        None => Ok(()),
        Some((found, expected)) => Err(format!("`{name}` has {found}, expected {expected}")),
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
