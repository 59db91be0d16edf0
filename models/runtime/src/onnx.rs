//! Reading an ONNX file: what it holds, what it declares, and whether it is one.

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::Framework as _;

use crate::bindings::exports::plinth::model::loader;

/// Parses the file and checks that it has a graph with at least one output and that its weights are inside.
///
/// # Errors
/// `not-onnx` if the bytes do not parse or hold no graph; `invalid` if the graph cannot be served.
pub(crate) fn parse(onnx: Vec<u8>) -> Result<ModelProto, loader::Error> {
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut onnx.as_slice())
        .map_err(|error| loader::Error::NotOnnx(format!("not an ONNX model: {error:#}")))?;
    let Some(graph) = proto.graph.as_ref().filter(|_| proto.ir_version > 0) else {
        return Err(loader::Error::NotOnnx("not an ONNX model: no IR version and graph in it".to_owned()));
    };
    check_outputs(graph)?;
    check_weights_inside(graph)?;
    Ok(proto)
}

/// The version of `ai.onnx` that the model imports; 0 if it imports none.
pub(crate) fn opset(proto: &ModelProto) -> i64 {
    opset_of(proto, "")
}

/// The version of the operator set `domain` that the model imports; 0 if it imports none.
pub(crate) fn opset_of(proto: &ModelProto, domain: &str) -> i64 {
    let canonical = |domain: &str| if domain == "ai.onnx" { String::new() } else { domain.to_owned() };
    proto
        .opset_import
        .iter()
        .find(|import| canonical(&import.domain) == canonical(domain))
        .map_or(0, |import| import.version)
}

/// The program that wrote the file, and its version.
pub(crate) fn producer(proto: &ModelProto) -> String {
    format!("{} {}", proto.producer_name, proto.producer_version).trim().to_owned()
}

/// Bytes of all weights, whatever their encoding in the file: initialisers and the values of `Constant` nodes.
pub(crate) fn weights_size(graph: &GraphProto) -> u64 {
    let constants =
        graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref());
    graph.initializer.iter().chain(constants).map(tensor_size).sum()
}

fn tensor_size(tensor: &TensorProto) -> u64 {
    if !tensor.raw_data.is_empty() {
        return tensor.raw_data.len() as u64;
    }
    let n_elements: u64 = tensor.dims.iter().map(|&dim| dim.unsigned_abs()).product();
    let element_size = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Bool | DataType::Int8 | DataType::Uint8) => 1,
        Ok(DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16) => 2,
        Ok(DataType::Int64 | DataType::Uint64 | DataType::Double) => 8,
        _ => 4,
    };
    n_elements * element_size
}

fn check_outputs(graph: &GraphProto) -> Result<(), loader::Error> {
    if graph.output.is_empty() {
        return Err(loader::Error::Invalid("the graph has no output".to_owned()));
    }
    let produced = |name: &str| {
        graph.node.iter().any(|node| node.output.iter().any(|output| output == name))
            || graph.initializer.iter().any(|initializer| initializer.name == name)
            || graph.input.iter().any(|input| input.name == name)
    };
    match graph.output.iter().find(|output| !produced(&output.name)) {
        Some(output) => Err(loader::Error::Invalid(format!("no node produces the output `{}`", output.name))),
        None => Ok(()),
    }
}

fn check_weights_inside(graph: &GraphProto) -> Result<(), loader::Error> {
    let outside = |tensor: &&TensorProto| tensor.data_location == Some(DataLocation::External as i32);
    match graph.initializer.iter().find(outside) {
        Some(tensor) => Err(loader::Error::Invalid(format!(
            "the weights `{}` are in a file beside the model; save it with its weights inside",
            tensor.name
        ))),
        None => Ok(()),
    }
}
