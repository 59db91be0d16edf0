//! What tract answers to a case of `tests/node-tests/make.py`, and whether that is what is expected.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onnx_standard::{indices, recurrence, simplify};
use serde_json::Value;
use tract_onnx::Onnx;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;

pub(crate) fn framework(is_extended: bool) -> Onnx {
    let mut onnx = tract_onnx::onnx();
    if is_extended {
        onnx_ml::register(&mut onnx.op_register);
        onnx_standard::register(&mut onnx.op_register);
    }
    onnx
}

pub(crate) fn check(onnx: &Onnx, is_extended: bool, case: &Value) -> Result<(), String> {
    let said = |error: TractError| format!("{error:#}");
    let bytes = STANDARD.decode(text(case, "model")).expect("base64");
    let mut proto = onnx.proto_model_for_read(&mut bytes.as_slice()).map_err(said)?;
    if is_extended {
        proto.graph.as_mut().into_iter().for_each(onnx_standard::rewrite);
    }
    let parsed = onnx.parse(&proto, None).map_err(said)?.model;
    let typed = if is_extended { onnx_standard::typed(parsed) } else { parsed.into_typed() };
    let mut typed = typed.map_err(said)?;
    let plan = if is_extended {
        recurrence::begin_anew(&mut typed).map_err(said)?;
        let optimised = simplify::declutter(typed.clone()).and_then(simplify::optimise);
        indices::check(optimised.unwrap_or(typed))
    } else {
        typed.into_optimized()
    };
    let plan = plan.and_then(|model| model.into_runnable()).map_err(said)?;
    for set in list(case, "sets") {
        let inputs = list(set, "inputs").iter().map(|input| Ok(tensor(input)?.into_tvalue()));
        let found = plan.run(inputs.collect::<Result<TVec<TValue>, String>>()?).map_err(said)?;
        for (found, expected) in found.iter().zip(list(set, "outputs")) {
            compare(found, &tensor(expected)?, case)?;
        }
    }
    Ok(())
}

fn compare(found: &Tensor, expected: &Tensor, case: &Value) -> Result<(), String> {
    let plain = if found.datum_type().is_tdim() { DatumType::I64 } else { found.datum_type() };
    let found = found.cast_to_dt(plain).map_err(|error| error.to_string())?;
    let of = |tensor: &Tensor| format!("{:?} {:?}", tensor.datum_type().unquantized(), tensor.shape());
    if of(&found) != of(expected) {
        return Err(format!("{}, expected {}", of(&found), of(expected)));
    }
    let Some(expected_numbers) = numbers(expected) else {
        let is_same = *found == *expected || found.as_bytes() == expected.as_bytes();
        return if is_same { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) };
    };
    let (atol, rtol) = (case["atol"].as_f64().expect("atol"), case["rtol"].as_f64().expect("rtol"));
    let is_close = |f: f64, e: f64| {
        f.to_bits() == e.to_bits() || (f.is_nan() && e.is_nan()) || (f - e).abs() <= atol + rtol * e.abs()
    };
    let found = numbers(&found).expect("the same type");
    match found.into_iter().zip(expected_numbers).find(|&(f, e)| !is_close(f, e)) {
        None => Ok(()),
        Some((found, expected)) => Err(format!("{found}, expected {expected}")),
    }
}

fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    tensor.datum_type().is_float().then(|| {
        let wide = tensor.cast_to::<f64>().expect("floating-point numbers");
        wide.to_plain_array_view::<f64>().expect("plain numbers").iter().copied().collect()
    })
}

fn tensor(described: &Value) -> Result<Tensor, String> {
    let datatype = text(described, "datatype");
    let Some(shape) = described["shape"].as_array() else {
        return Err(format!("a {datatype}, which is no tensor"));
    };
    let shape: Vec<usize> =
        shape.iter().map(|dim| dim.as_u64().and_then(|dim| dim.try_into().ok()).expect("a size")).collect();
    if datatype == "BYTES" {
        let strings: Vec<String> = serde_json::from_value(described["strings"].clone()).expect("strings");
        return Ok(ArrayD::from_shape_vec(IxDyn(&shape), strings)
            .expect("as many as the shape says")
            .into_tensor());
    }
    let datum_type = match datatype {
        "BOOL" => DatumType::Bool,
        "UINT8" => DatumType::U8,
        "UINT16" => DatumType::U16,
        "UINT32" => DatumType::U32,
        "UINT64" => DatumType::U64,
        "INT8" => DatumType::I8,
        "INT16" => DatumType::I16,
        "INT32" => DatumType::I32,
        "INT64" => DatumType::I64,
        "FP16" => DatumType::F16,
        "FP32" => DatumType::F32,
        "FP64" => DatumType::F64,
        other => return Err(format!("tract has no {other}")),
    };
    let mut tensor = Tensor::zero_dt(datum_type, &shape).expect("a tensor that fits memory");
    tensor.as_bytes_mut().copy_from_slice(&STANDARD.decode(text(described, "data")).expect("base64"));
    Ok(tensor)
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("text")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().expect("a list")
}
