//! What exporters of classic models write: sizes that are added up, sequences of outputs, numbers that nearly cancel.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::Topk;
use tract_onnx::tract_core::ops::einsum::EinSum;

fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.to_owned(),
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// The input `x` of FP32 numbers: any number of rows of so many.
fn x(columns: i64) -> ValueInfoProto {
    let dims = [dimension::Value::DimParam("rows".to_owned()), dimension::Value::DimValue(columns)];
    let dim = dims.map(|value| Dimension { value: Some(value), ..Dimension::default() }).to_vec();
    let tensor =
        type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let of_value = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: "x".to_owned(), r#type: Some(of_value), ..ValueInfoProto::default() }
}

fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.to_owned(), ..ValueInfoProto::default() }
}

fn parsed(mut graph: GraphProto) -> TypedModel {
    onnx_standard::rewrite(&mut graph);
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    let proto = ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() };
    let mut onnx = tract_onnx::onnx();
    onnx_standard::register(&mut onnx.op_register);
    onnx.model_for_proto_model(&proto).unwrap().into_typed().unwrap()
}

fn run(model: TypedModel, x: Tensor) -> TVec<TValue> {
    model.into_optimized().unwrap().into_runnable().unwrap().run(tvec![x.into_tvalue()]).unwrap()
}

#[test]
fn sizes_are_added_up() {
    for (reverse, expected) in [(0, [2_i64, 5]), (1, [5, 3])] {
        let mut sum = node("CumSum", &["shape", "axis"], "y");
        sum.attribute.push(tract_onnx::pb::AttributeProto {
            name: "reverse".to_owned(),
            r#type: tract_onnx::pb::attribute_proto::AttributeType::Int as i32,
            i: reverse,
            ..Default::default()
        });
        let axis = TensorProto {
            name: "axis".to_owned(),
            data_type: DataType::Int64 as i32,
            int64_data: vec![-1],
            ..TensorProto::default()
        };
        let graph = GraphProto {
            node: vec![node("Shape", &["x"], "shape"), sum],
            initializer: vec![axis],
            input: vec![x(3)],
            output: vec![output("y")],
            ..GraphProto::default()
        };
        let y = run(parsed(graph), Tensor::zero::<f32>(&[2, 3]).unwrap());
        assert_eq!(*y[0].cast_to::<i64>().unwrap(), tensor1(&expected));
    }
}

#[test]
fn a_sequence_of_outputs_is_an_output_for_each() {
    let graph = GraphProto {
        node: vec![
            node("Neg", &["x"], "negative"),
            node("Abs", &["x"], "absolute"),
            node("SequenceConstruct", &["negative", "absolute"], "both"),
        ],
        input: vec![x(2)],
        output: vec![output("both"), output("negative")],
        ..GraphProto::default()
    };
    let model = parsed(graph);
    let names: Vec<&str> = model.outputs.iter().map(|&outlet| name(&model, outlet)).collect();
    assert_eq!(names, ["both_0", "both_1", "negative"]);
    let found = run(model, tensor2(&[[1.0_f32, -2.0]]));
    let negative = tensor2(&[[-1.0_f32, 2.0]]);
    assert_eq!([&*found[0], &*found[1], &*found[2]], [&negative, &tensor2(&[[1.0_f32, 2.0]]), &negative]);
}

fn name(model: &TypedModel, outlet: OutletId) -> &str {
    model.outlet_label(outlet).unwrap_or(&model.node(outlet.node).name)
}

/// The sum of the columns, and of one of them besides: a product by a matrix of ones.
fn sums(columns: usize, n_sums: usize) -> TypedModel {
    let mut model = TypedModel::default();
    let rows = model.sym("rows");
    let x = model.add_source("x", f32::fact(dims!(rows, columns))).unwrap();
    let ones = Tensor::zero::<f32>(&[columns, n_sums]).unwrap();
    let ones = ones.to_plain_array_view::<f32>().unwrap().mapv(|zero| zero + 1.0).into_tensor();
    let ones = model.add_const("ones", ones).unwrap();
    let product = EinSum { axes: "mk,kn->mn".parse().unwrap(), operating_dt: DatumType::F32, q_params: None };
    let y = model.wire_node("y", product, &[x, ones]).unwrap();
    model.select_output_outlets(&y).unwrap();
    model
}

/// Terms that cancel but for a part that FP32 has no digits for.
const CANCELLING: [[f32; 4]; 1] = [[16_777_216.0, 1.0, -16_777_216.0, 0.5]];

#[test]
fn what_is_left_of_large_numbers_is_right_in_a_small_model() {
    let model = onnx_standard::precision::widen(&sums(4, 2)).unwrap();
    assert_eq!(name(&model, model.outputs[0]), "y");
    let types = [model.input_fact(0), model.output_fact(0)].map(|fact| fact.unwrap().datum_type);
    assert_eq!(types, [DatumType::F32; 2]);
    assert_eq!(*run(model, tensor2(&CANCELLING))[0], tensor2(&[[1.5_f32, 1.5]]));
    assert_ne!(*run(sums(4, 2), tensor2(&CANCELLING))[0], tensor2(&[[1.5_f32, 1.5]]));
}

#[test]
fn large_models_and_searches_stay_as_they_are() {
    assert!(onnx_standard::precision::widen(&sums(64, 8)).is_some());
    assert!(onnx_standard::precision::widen(&sums(64, 9)).is_none());
    let mut search = sums(4, 8);
    let sums = search.outputs[0];
    let k = search.add_const("k", tensor0(2_i64)).unwrap();
    let topk = Topk { axis: 1, largest: true, fallback_k: 2.to_dim() };
    let found = search.wire_node("found", topk, &[sums, k]).unwrap();
    search.select_output_outlets(&found).unwrap();
    assert!(onnx_standard::precision::widen(&search).is_none());
}

#[test]
fn a_file_is_classic_by_what_it_imports() {
    let of = |domain: &str| ModelProto {
        opset_import: vec![OperatorSetIdProto { domain: domain.to_owned(), version: 1 }],
        ..ModelProto::default()
    };
    assert!(onnx_standard::precision::is_classic(&of("ai.onnx.ml")));
    assert!(!onnx_standard::precision::is_classic(&of("")));
}
