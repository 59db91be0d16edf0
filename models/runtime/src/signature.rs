//! The signature of a model: names, datatypes and dimensions of its inputs and outputs.

use onnx_ml::{Data, MlOp};
use tensor::{Datatype, TensorSpec};
use tract_onnx::prelude::{InferenceFact, InferenceModel, OutletId};
use tract_onnx::tract_core::internal::{DatumType, TDim, ToDim as _, TypedFact, TypedModel};
use tract_onnx::tract_hir::infer::{Factoid as _, GenericFactoid};

/// The name of a leading dimension that the file leaves open.
const BATCH: &str = "batch";

/// A tensor of the signature.
pub(crate) struct Port {
    pub(crate) spec: TensorSpec,
    /// Its dimensions as written: numbers, and names where they are symbolic.
    pub(crate) dims: Vec<String>,
    /// The keys of a map that its columns stand for, as JSON: strings or integers.
    pub(crate) labels: Option<String>,
}

/// The datatype of the interface that holds `datum_type`, if there is one.
///
/// tract's symbolic integers (`TDim`) leave as `INT64`, which is what they are in ONNX.
pub(crate) fn datatype(datum_type: DatumType) -> Option<Datatype> {
    Some(match datum_type.unquantized() {
        DatumType::Bool => Datatype::Bool,
        DatumType::U8 => Datatype::Uint8,
        DatumType::U16 => Datatype::Uint16,
        DatumType::U32 => Datatype::Uint32,
        DatumType::U64 => Datatype::Uint64,
        DatumType::I8 => Datatype::Int8,
        DatumType::I16 => Datatype::Int16,
        DatumType::I32 => Datatype::Int32,
        DatumType::I64 | DatumType::TDim => Datatype::Int64,
        DatumType::F16 => Datatype::Fp16,
        DatumType::F32 => Datatype::Fp32,
        DatumType::F64 => Datatype::Fp64,
        DatumType::String => Datatype::Bytes,
        _ => return None,
    })
}

/// Gives every open dimension of every input a symbol: `batch` where it leads, `<input>_<axis>` elsewhere.
pub(crate) fn name_open_dimensions(model: &mut InferenceModel) -> Result<(), String> {
    let inputs = model.input_outlets().map_err(|error| error.to_string())?.to_vec();
    for (input_idx, outlet) in inputs.into_iter().enumerate() {
        let name = model.node(outlet.node).name.clone();
        let declared = model.outlet_fact(outlet).map_err(|error| error.to_string())?;
        let fact = closed_fact(model, &name, declared)?;
        model.set_input_fact(input_idx, fact).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn closed_fact(
    model: &InferenceModel,
    name: &str,
    declared: &InferenceFact,
) -> Result<InferenceFact, String> {
    let datum_type =
        declared.datum_type.concretize().ok_or_else(|| format!("input `{name}` declares no datatype"))?;
    if declared.shape.is_open() {
        return Err(format!("input `{name}` declares no shape"));
    }
    let symbol = |axis: usize| match axis {
        0 => model.symbols.sym(BATCH),
        _ => model.symbols.sym(&format!("{name}_{axis}")),
    };
    let dims: Vec<TDim> = declared
        .shape
        .dims()
        .enumerate()
        .map(|(axis, dim)| match dim {
            GenericFactoid::Only(dim) => dim.clone(),
            GenericFactoid::Any => symbol(axis).to_dim(),
        })
        .collect();
    Ok(InferenceFact::dt_shape(datum_type, dims))
}

/// The input or output `name` at `outlet`.
pub(crate) fn port(model: &TypedModel, outlet: OutletId, name: &str) -> Result<Port, String> {
    let fact = model.outlet_fact(outlet).map_err(|error| error.to_string())?;
    let datatype = datatype(fact.datum_type)
        .ok_or_else(|| format!("`{name}` has datatype {:?}, which cannot be served", fact.datum_type))?;
    Ok(Port {
        spec: TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: dims(fact, |dim| dim.to_i64().unwrap_or(-1)),
        },
        dims: dims(fact, ToString::to_string),
        labels: labels(model, outlet),
    })
}

/// The labels of what a `ZipMap` makes, or of what a `DictVectorizer` takes.
fn labels(model: &TypedModel, outlet: OutletId) -> Option<String> {
    let of_node = |node: usize| model.node(node).op_as::<MlOp>().and_then(MlOp::column_labels);
    let takers = &model.node(outlet.node).outputs.get(outlet.slot)?.successors;
    let labels = of_node(outlet.node).or_else(|| takers.iter().find_map(|taker| of_node(taker.node)))?;
    let labels: Vec<String> = match labels {
        Data::Strings(labels) => labels.iter().map(|label| quoted(label)).collect(),
        Data::I64(labels) => labels.iter().map(ToString::to_string).collect(),
        _ => return None,
    };
    Some(format!("[{}]", labels.join(",")))
}

/// The text as a string of JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn dims<T>(fact: &TypedFact, read: impl Fn(&TDim) -> T) -> Vec<T> {
    fact.shape.iter().map(read).collect()
}
