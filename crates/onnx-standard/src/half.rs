//! Models of FP16 or BF16, in FP32 between their inputs and outputs: there is no arithmetic of FP16 in Wasm, and ONNX Runtime has none for
//! processors either: it computes in FP32 and rounds after each operator, which is left out here, as is a `Cast` to FP16 and back. tract adds up in
//! FP16, and is a tenth off after a few layers; it has no BF16. Inputs and outputs of BF16 are refused later.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use tract_onnx::tract_core::internal::f16;

use crate::replacement::of_integer;

const HALF: i32 = DataType::Float16 as i32;
const BRAIN: i32 = DataType::Bfloat16 as i32;
const WIDE: i32 = DataType::Float as i32;

/// Attributes that say a datatype.
const DATATYPES: [&str; 5] = ["to", "dtype", "output_datatype", "output_dtype", "stash_type"];

/// What is put before the names of values that are wide now.
const PREFIX: &str = "plinth_wide_";

/// Names of values, and what they are called now.
type Renamed = HashMap<String, String>;

const fn is_half(datatype: i32) -> bool {
    datatype == HALF || datatype == BRAIN
}

/// Makes FP32 of all FP16 and BF16 of a model. Its inputs and outputs keep their datatypes.
pub(crate) fn widen(graph: &mut GraphProto) {
    if looks_at_bits(graph) {
        return;
    }
    // Old files list weights among their inputs too.
    let weights: HashSet<String> = graph.initializer.iter().map(|weights| weights.name.clone()).collect();
    graph.input.iter_mut().filter(|info| weights.contains(&info.name)).for_each(widen_info);
    let inputs: Vec<String> = halves(&graph.input).collect();
    let outputs: Vec<String> = halves(&graph.output).filter(|name| !inputs.contains(name)).collect();
    let renamed =
        inputs.iter().chain(&outputs).map(|name| (name.clone(), format!("{PREFIX}{name}"))).collect();
    widen_inside(graph, &renamed);
    let before = inputs.iter().filter_map(|name| Some(cast(name, renamed.get(name)?, WIDE)));
    let after = outputs.iter().filter_map(|name| Some(cast(renamed.get(name)?, name, HALF)));
    let nodes = std::mem::take(&mut graph.node);
    graph.node = before.chain(nodes).chain(after).collect();
}

/// Whether something of the graph, or of those inside it, would see that numbers have more bits.
fn looks_at_bits(graph: &GraphProto) -> bool {
    graph.node.iter().any(|node| {
        let mut inside = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
        node.op_type == "BitCast" || inside.any(looks_at_bits)
    })
}

/// The names of values that are declared as FP16.
fn halves(infos: &[ValueInfoProto]) -> impl Iterator<Item = String> {
    infos.iter().filter(|info| elem_type(info) == Some(HALF)).map(|info| info.name.clone())
}

fn elem_type(info: &ValueInfoProto) -> Option<i32> {
    let Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}

fn cast(from: &str, into: &str, datatype: i32) -> NodeProto {
    NodeProto {
        name: format!("{from}_as_{into}"),
        op_type: "Cast".to_owned(),
        input: vec![from.to_owned()],
        output: vec![into.to_owned()],
        attribute: vec![of_integer("to", datatype.into())],
        ..NodeProto::default()
    }
}

/// Widens what the nodes of a graph have, and those of the graphs inside it.
fn widen_inside(graph: &mut GraphProto, renamed: &Renamed) {
    for weights in &mut graph.initializer {
        widen_tensor(weights);
        rename(&mut weights.name, renamed);
    }
    graph.value_info.iter_mut().for_each(widen_info);
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(|name| rename(name, renamed));
        node.attribute.iter_mut().for_each(|attribute| widen_attribute(attribute, renamed));
    }
}

fn rename(name: &mut String, renamed: &Renamed) {
    if let Some(now) = renamed.get(name) {
        name.clone_from(now);
    }
}

fn widen_attribute(attribute: &mut AttributeProto, renamed: &Renamed) {
    let says_half = i32::try_from(attribute.i).is_ok_and(is_half);
    if DATATYPES.contains(&attribute.name.as_str()) && says_half {
        attribute.i = i64::from(WIDE);
    }
    attribute.t.iter_mut().for_each(widen_tensor);
    if let Some(graph) = &mut attribute.g {
        // A value inside may have the name of one outside, which it hides. Both are called otherwise now.
        for info in graph.input.iter_mut().chain(&mut graph.output) {
            widen_info(info);
            rename(&mut info.name, renamed);
        }
        widen_inside(graph, renamed);
    }
}

fn widen_info(info: &mut ValueInfoProto) {
    let of = info.r#type.as_mut().and_then(|of| of.value.as_mut());
    if let Some(Value::TensorType(tensor)) = of
        && is_half(tensor.elem_type)
    {
        tensor.elem_type = WIDE;
    }
}

/// Halves are in bytes, or a number each.
fn widen_tensor(tensor: &mut TensorProto) {
    let wide: fn(u16) -> f32 = match tensor.data_type {
        HALF => |bits| f16::from_bits(bits).to_f32(),
        BRAIN => |bits| f32::from_bits(u32::from(bits) << u16::BITS),
        _ => return,
    };
    tensor.data_type = WIDE;
    let bytes = std::mem::take(&mut tensor.raw_data);
    let (pairs, _) = bytes.as_chunks::<2>();
    tensor.raw_data = pairs.iter().flat_map(|pair| wide(u16::from_le_bytes(*pair)).to_le_bytes()).collect();
    let numbers = std::mem::take(&mut tensor.int32_data).into_iter();
    tensor.float_data = numbers.map(|bits| wide(u16::try_from(bits).unwrap_or_default())).collect();
}
