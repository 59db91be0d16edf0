//! Golden cases: an ONNX model, inputs, and what ONNX Runtime answered; and how tract with the crate's operators answers them. Not a test.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that cannot be read fails its test"
)]
#![allow(
    clippy::allow_attributes,
    clippy::float_cmp,
    reason = "shared by tests and an example; equal numbers need no tolerance"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid as _;

/// The largest relative difference to ONNX Runtime, and the number below which differences count as those of that number.
const TOLERANCE: f64 = 1e-5;
const SMALL: f64 = 0.1;

/// Cases of a file of JSON, with their names.
pub(crate) fn cases(json: &str) -> Vec<Value> {
    serde_json::from_str(json).expect("a file of cases")
}

/// What is wrong with tract's answer to a case: where it differs from ONNX Runtime, or why there is none.
pub(crate) fn difference(case: &Value) -> Result<(), String> {
    let outputs = run(case).map_err(|error| format!("{error:#}"))?;
    let expected = case["outputs"].as_array().expect("outputs");
    if outputs.len() != expected.len() {
        return Err(format!("{} outputs, expected {}", outputs.len(), expected.len()));
    }
    outputs.iter().zip(expected).try_for_each(|(output, expected)| compare(output, expected))
}

/// tract's answer to a case.
pub(crate) fn run(case: &Value) -> TractResult<TVec<TValue>> {
    let inputs = case["inputs"].as_array().expect("inputs");
    let tensors = inputs.iter().map(|input| tensor(input).into_tvalue()).collect();
    plan(case)?.run(tensors)
}

/// The model of a case, ready to run on any number of rows.
pub(crate) fn plan(case: &Value) -> TractResult<std::sync::Arc<TypedRunnableModel>> {
    let mut onnx = tract_onnx::onnx();
    onnx_ml::register(&mut onnx.op_register);
    let bytes = STANDARD.decode(case["model"].as_str().expect("a model")).expect("base64");
    let mut proto = onnx.proto_model_for_read(&mut bytes.as_slice())?;
    proto.graph.as_mut().into_iter().for_each(onnx_ml::give_maps_columns);
    let mut model = onnx.model_for_proto_model(&proto)?;
    let batch = model.symbols.sym("batch");
    for (slot, input) in case["inputs"].as_array().expect("inputs").iter().enumerate() {
        let mut dims: TVec<TDim> = shape(input).iter().map(|dim| dim.to_dim()).collect();
        if dims.len() > 1 {
            dims[0] = rows(&model, slot)?.unwrap_or_else(|| batch.clone().into());
        }
        model.set_input_fact(slot, InferenceFact::dt_shape(datum_type(input), dims))?;
    }
    model.into_typed()?.into_decluttered()?.into_optimized()?.into_runnable()
}

/// The symbol that the file has for an input's rows, if it has one.
fn rows(model: &InferenceModel, slot: usize) -> TractResult<Option<TDim>> {
    let first = model.input_fact(slot)?.shape.dims().next().and_then(|dim| dim.concretize());
    Ok(first.filter(|dim| dim.to_i64().is_err()))
}

fn shape(tensor: &Value) -> Vec<usize> {
    let dims = tensor["shape"].as_array().expect("a shape");
    dims.iter().map(|dim| usize::try_from(dim.as_u64().expect("a size")).expect("a size")).collect()
}

fn datum_type(tensor: &Value) -> DatumType {
    match tensor["type"].as_str().expect("a type") {
        "float" => DatumType::F32,
        "double" => DatumType::F64,
        "int16" => DatumType::I16,
        "int32" => DatumType::I32,
        "int64" => DatumType::I64,
        "bool" => DatumType::Bool,
        "string" => DatumType::String,
        other => panic!("no type is called {other}"),
    }
}

/// A tensor of a case, in tract's memory.
#[expect(clippy::cast_possible_truncation, reason = "the numbers were written from `f32`")]
pub(crate) fn tensor(tensor: &Value) -> Tensor {
    fn array<T: Datum>(tensor: &Value, read: impl Fn(&Value) -> T) -> Tensor {
        let values = tensor["values"].as_array().expect("values").iter().map(read).collect();
        ArrayD::from_shape_vec(IxDyn(&shape(tensor)), values).expect("a value for each place").into()
    }
    let int = |value: &Value| value.as_i64().expect("an integer");
    match datum_type(tensor) {
        DatumType::F32 => array(tensor, |value| number(value) as f32),
        DatumType::F64 => array(tensor, number),
        DatumType::I16 => array(tensor, |value| int(value) as i16),
        DatumType::I32 => array(tensor, |value| int(value) as i32),
        DatumType::I64 => array(tensor, int),
        DatumType::Bool => array(tensor, |value| value.as_bool().expect("a truth value")),
        _ => array(tensor, |value| value.as_str().expect("a string").to_owned()),
    }
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some(word) => word.parse().expect("nan, inf or -inf"),
        None => value.as_f64().expect("a number"),
    }
}

fn compare(output: &Tensor, expected: &Value) -> Result<(), String> {
    let name = expected["name"].as_str().expect("a name");
    if output.shape() != shape(expected) {
        return Err(format!("`{name}` has shape {:?}, expected {:?}", output.shape(), shape(expected)));
    }
    // tract's symbolic integers are integers in ONNX.
    let output = &if output.datum_type() == DatumType::TDim {
        output.cast_to::<i64>().map_err(|error| error.to_string())?.into_owned()
    } else {
        output.clone()
    };
    if output.datum_type() != datum_type(expected) {
        return Err(format!("`{name}` has type {:?}, expected {}", output.datum_type(), expected["type"]));
    }
    let expected = tensor(expected);
    if !expected.datum_type().is_float() {
        return if *output == expected {
            Ok(())
        } else {
            Err(format!("`{name}`: {output:?}, expected {expected:?}"))
        };
    }
    let read = |tensor: &Tensor| -> Vec<f64> {
        let numbers = tensor.cast_to::<f64>().expect("numbers");
        numbers.to_plain_array_view::<f64>().expect("numbers").iter().copied().collect()
    };
    let pairs = read(output).into_iter().zip(read(&expected)).enumerate();
    for (place, (found, expected)) in pairs {
        let is_same = found == expected || (found.is_nan() && expected.is_nan());
        let difference = (found - expected).abs() / expected.abs().max(SMALL);
        if !is_same && (difference > TOLERANCE || difference.is_nan()) {
            return Err(format!("`{name}` at {place}: {found}, expected {expected} ({difference:.1e})"));
        }
    }
    Ok(())
}
