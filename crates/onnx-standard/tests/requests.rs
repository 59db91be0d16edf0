//! Arguments that come with a request and cannot be answered: each is an error that the next request outlives, neither a panic nor an
//! allocation that fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use onnx_standard::{indices, simplify};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use tract_onnx::prelude::*;

/// More elements than any memory has.
const HUGE: i64 = 1 << 61;

/// An input like the value, whose sizes are open if it has more than one axis.
fn described(name: &str, value: &Tensor) -> ValueInfoProto {
    let data_type = match value.datum_type() {
        DatumType::F32 => DataType::Float,
        DatumType::Bool => DataType::Bool,
        _ => DataType::Int64,
    };
    let dim = |(axis, &size): (usize, &usize)| Dimension {
        value: Some(if value.rank() > 1 && value.datum_type() == DatumType::F32 {
            dimension::Value::DimParam(format!("{name}_{axis}"))
        } else {
            dimension::Value::DimValue(i64::try_from(size).unwrap())
        }),
        ..Dimension::default()
    };
    let shape = Some(TensorShapeProto { dim: value.shape().iter().enumerate().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: data_type as i32, shape };
    let of_value = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(of_value), ..ValueInfoProto::default() }
}

/// What an operator answers to inputs of which each may be left out.
fn answer(
    operator: &str,
    version: i64,
    ints: &[(&str, &[i64])],
    inputs: &[Option<Tensor>],
) -> TractResult<TVec<TValue>> {
    let names: Vec<String> = (0..inputs.len()).map(|idx| format!("x{idx}")).collect();
    let there = names.iter().zip(inputs);
    let attribute = |&(name, ints): &(&str, &[i64])| AttributeProto {
        name: name.to_owned(),
        r#type: if ints.len() == 1 && name == "axis" { AttributeType::Int } else { AttributeType::Ints }
            as i32,
        i: ints.first().copied().unwrap_or_default(),
        ints: ints.to_vec(),
        ..AttributeProto::default()
    };
    let node = NodeProto {
        op_type: operator.to_owned(),
        input: there
            .clone()
            .map(|(name, value)| value.as_ref().map_or_else(String::new, |_| name.clone()))
            .collect(),
        output: if operator == "TopK" {
            vec!["y".to_owned(), "places".to_owned()]
        } else {
            vec!["y".to_owned()]
        },
        attribute: ints.iter().map(attribute).collect(),
        ..NodeProto::default()
    };
    let mut graph = GraphProto {
        node: vec![node],
        input: there.filter_map(|(name, value)| Some(described(name, value.as_ref()?))).collect(),
        output: vec![ValueInfoProto { name: "y".to_owned(), ..ValueInfoProto::default() }],
        ..GraphProto::default()
    };
    onnx_standard::rewrite(&mut graph);
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version }];
    let proto = ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() };
    let mut onnx = tract_onnx::onnx();
    onnx_standard::register(&mut onnx.op_register);
    let simple = simplify::declutter(onnx.model_for_proto_model(&proto)?.into_typed()?)?;
    let plan = indices::check(simplify::optimise(simple)?)?.into_runnable()?;
    plan.run(inputs.iter().flatten().map(|value| value.clone().into_tvalue()).collect())
}

fn zeros(shape: &[usize]) -> Option<Tensor> {
    Some(Tensor::zero::<f32>(shape).unwrap())
}

fn sizes(sizes: &[i64]) -> Option<Tensor> {
    Some(tensor1(sizes))
}

fn number(number: i64) -> Option<Tensor> {
    Some(tensor0(number))
}

#[test]
fn what_has_no_room_is_an_error() {
    let x = || zeros(&[3, 10]);
    let pads: &[(&str, &[i64])] = &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])];
    let places = || Some(Tensor::zero::<i64>(&[1, 1, 2, 2]).unwrap());
    for (operator, version, ints, inputs) in [
        ("ConstantOfShape", 20, &[][..], vec![sizes(&[HUGE])]),
        ("ConstantOfShape", 20, &[], vec![sizes(&[1 << 31, 1 << 31])]),
        ("Expand", 20, &[], vec![x(), sizes(&[HUGE, 1, 1])]),
        ("Tile", 20, &[], vec![x(), sizes(&[HUGE, HUGE])]),
        ("Pad", 20, &[], vec![x(), sizes(&[0, 0, HUGE, 0])]),
        ("OneHot", 20, &[], vec![sizes(&[1, 2]), sizes(&[HUGE]), zeros(&[2])]),
        ("Range", 20, &[], vec![number(0), number(HUGE), number(1)]),
        ("HannWindow", 20, &[], vec![number(HUGE)]),
        ("Resize", 20, &[], vec![zeros(&[1, 1, 4, 4]), None, None, sizes(&[1, 1, HUGE, HUGE])]),
        ("MaxUnpool", 20, pads, vec![zeros(&[1, 1, 2, 2]), places(), sizes(&[1, 1, HUGE, HUGE])]),
        ("Col2Im", 20, &[], vec![zeros(&[0, 0, 1]), sizes(&[HUGE, HUGE]), sizes(&[HUGE, HUGE])]),
        ("CenterCropPad", 20, &[], vec![x(), sizes(&[HUGE, HUGE])]),
    ] {
        let error = format!("{:#}", answer(operator, version, ints, &inputs).unwrap_err());
        assert!(error.contains("no room") || error.contains("among its arguments"), "{operator}: {error}");
    }
}

#[test]
fn arguments_beyond_what_an_operator_has_are_errors() {
    let x = || zeros(&[3, 10]);
    let signal = || zeros(&[1, 8, 1]);
    let one = |number: f32| Some(tensor0(number));
    for (operator, version, inputs, says) in [
        ("Slice", 20, vec![x(), sizes(&[0]), sizes(&[5]), sizes(&[7]), sizes(&[1])], "7 among"),
        ("DFT", 20, vec![signal(), None, number(5)], "5 among"),
        ("Reshape", 20, vec![x(), sizes(&[1 << 32, 1 << 32])], "30 elements to"),
        ("TopK", 20, vec![x(), sizes(&[4])], "4 among"),
        ("STFT", 20, vec![signal(), number(1), None, number(-1)], "-1 among"),
        ("HannWindow", 20, vec![number(0)], "0 among"),
        (
            "Resize",
            20,
            vec![zeros(&[1, 1, 4, 4]), None, Some(tensor1(&[1.0, 1.0, f32::INFINITY, 1.0]))],
            "scale of inf",
        ),
        ("Range", 20, vec![one(0.0), one(f32::INFINITY), one(1.0)], "does not lead there"),
        (
            "RoiAlign",
            20,
            vec![zeros(&[1, 1, 4, 4]), Some(tensor2(&[[0.0_f32, 0.0, 1e30, 1e30]])), sizes(&[0])],
            "much larger than an image",
        ),
        ("GatherElements", 20, vec![x(), Some(tensor2(&[[0_i64], [1], [1], [1]]))], "of the shape [4, 1]"),
        (
            "ScatterND",
            20,
            vec![x(), Some(tensor2(&[[0_i64, 1], [1, 1]])), zeros(&[1])],
            "updates of the shape [1]",
        ),
    ] {
        let ints: &[(&str, &[i64])] = match operator {
            "GatherElements" => &[("axis", &[1])],
            "TopK" => &[("axis", &[0])],
            _ => &[],
        };
        let error = format!("{:#}", answer(operator, version, ints, &inputs).unwrap_err());
        assert!(error.contains(says), "{operator}: {error}");
    }
}

#[test]
fn windows_and_unpooled_values_that_are_empty_are_errors() {
    let ints: &[(&str, &[i64])] = &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])];
    let none = Some(Tensor::zero::<i64>(&[1, 1, 0, 2]).unwrap());
    let error = answer("MaxUnpool", 20, ints, &[zeros(&[1, 1, 0, 2]), none]);
    assert!(error.is_ok_and(|found| found[0].shape() == [1, 1, 0, 4]));
    let error = format!("{:#}", answer("LpPool", 22, ints, &[zeros(&[1, 1, 1, 1])]).unwrap_err());
    assert!(error.contains("a window of 2 over 1"), "{error}");
}
