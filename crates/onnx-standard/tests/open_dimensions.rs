//! What the node tests of ONNX lack, whose dimensions are all known: operators over any number of rows and steps, and divisors that are zero.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use onnx_standard::{indices, simplify};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};
use tract_onnx::prelude::*;

/// An input or output; a dimension that is no number is open.
fn value(name: &str, data_type: DataType, dims: &[&str]) -> ValueInfoProto {
    let dim = |dim: &&str| Dimension {
        value: Some(
            dim.parse()
                .map_or_else(|_| dimension::Value::DimParam((*dim).to_owned()), dimension::Value::DimValue),
        ),
        ..Dimension::default()
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: data_type as i32, shape };
    let of_value = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(of_value), ..ValueInfoProto::default() }
}

fn node(op_type: &str, input: &[&str], output: &[&str], ints: &[(&str, i64)]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let attribute = |&(name, i): &(&str, i64)| AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i,
        ..AttributeProto::default()
    };
    NodeProto {
        op_type: op_type.to_owned(),
        input: owned(input),
        output: owned(output),
        attribute: ints.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

fn weights(name: &str, dims: &[i64]) -> TensorProto {
    let n_elements = usize::try_from(dims.iter().product::<i64>()).unwrap();
    let float_data = (0..n_elements).map(|idx| f32::from(u8::try_from(idx * 7 % 11).unwrap()) / 11.0 - 0.4);
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        float_data: float_data.collect(),
        ..TensorProto::default()
    }
}

fn run(mut graph: GraphProto, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
    onnx_standard::rewrite(&mut graph);
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    let proto = ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() };
    let mut onnx = tract_onnx::onnx();
    onnx_standard::register(&mut onnx.op_register);
    let simple = simplify::declutter(onnx.model_for_proto_model(&proto)?.into_typed()?)?;
    indices::check(simplify::optimise(simple)?)?.into_runnable()?.run(inputs)
}

#[test]
fn batches_of_sequences_are_flattened() {
    let graph = GraphProto {
        node: vec![node("Flatten", &["x"], &["y"], &[("axis", 2)])],
        input: vec![value("x", DataType::Int64, &["rows", "steps", "2"])],
        output: vec![value("y", DataType::Int64, &["n", "2"])],
        ..GraphProto::default()
    };
    let x = tensor3(&[[[1_i64, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]);
    let y = run(graph, tvec![x.clone().into_tvalue()]).unwrap();
    assert_eq!(y[0].shape(), [6, 2]);
    assert_eq!(y[0].as_bytes(), x.as_bytes());
}

#[test]
fn sizes_are_multiplied() {
    let graph = GraphProto {
        node: vec![
            node("Shape", &["x"], &["shape"], &[]),
            node("Gather", &["shape", "first"], &["rows"], &[]),
            node("Gather", &["shape", "second"], &["steps"], &[]),
            node("Mul", &["rows", "steps"], &["size"], &[]),
            node("Cast", &["size"], &["n"], &[("to", DataType::Int64 as i64)]),
            node("Mul", &["x", "n"], &["y"], &[]),
        ],
        initializer: [("first", 0), ("second", 1)]
            .map(|(name, index)| TensorProto {
                name: name.to_owned(),
                data_type: DataType::Int64 as i32,
                int64_data: vec![index],
                dims: vec![1],
                ..TensorProto::default()
            })
            .to_vec(),
        input: vec![value("x", DataType::Int64, &["rows", "steps"])],
        output: vec![value("y", DataType::Int64, &["rows", "steps"])],
        ..GraphProto::default()
    };
    let y = run(graph, tvec![tensor2(&[[1_i64, 2, 3], [4, 5, 6]]).into_tvalue()]).unwrap();
    assert_eq!(*y[0].cast_to::<i64>().unwrap(), tensor2(&[[6_i64, 12, 18], [24, 30, 36]]));
}

#[test]
fn a_division_of_whole_numbers_by_zero_is_an_error() {
    for operator in ["Div", "Mod"] {
        let graph = GraphProto {
            node: vec![node(operator, &["x", "divisor"], &["y"], &[])],
            input: ["x", "divisor"].map(|name| value(name, DataType::Int32, &["rows"])).to_vec(),
            output: vec![value("y", DataType::Int32, &["rows"])],
            ..GraphProto::default()
        };
        let of = |divisor: i32| tvec![tensor1(&[9, 8]).into_tvalue(), tensor1(&[5, divisor]).into_tvalue()];
        let expected = if operator == "Div" { [1, 2] } else { [4, 0] };
        assert_eq!(*run(graph.clone(), of(4)).unwrap()[0], tensor1(&expected));
        let error = format!("{:#}", run(graph, of(0)).unwrap_err());
        assert!(error.contains("by zero"), "{error}");
    }
}

#[test]
fn the_least_number_divided_by_minus_one_wraps() {
    for (operator, expected) in [("Div", i32::MIN), ("Mod", 0)] {
        let graph = GraphProto {
            node: vec![node(operator, &["x", "divisor"], &["y"], &[])],
            input: ["x", "divisor"].map(|name| value(name, DataType::Int32, &["rows"])).to_vec(),
            output: vec![value("y", DataType::Int32, &["rows"])],
            ..GraphProto::default()
        };
        let inputs = tvec![tensor1(&[i32::MIN]).into_tvalue(), tensor1(&[-1]).into_tvalue()];
        assert_eq!(*run(graph, inputs).unwrap()[0], tensor1(&[expected]));
    }
}

#[test]
fn arguments_may_come_while_the_model_runs() {
    let graph = GraphProto {
        node: vec![
            node("ReduceSum", &["x", "axes"], &["sum"], &[("keepdims", 0)]),
            node("Reshape", &["sum", "sizes"], &["y"], &[]),
        ],
        input: vec![
            value("x", DataType::Float, &["rows", "steps", "2"]),
            value("axes", DataType::Int64, &["1"]),
            value("sizes", DataType::Int64, &["3"]),
        ],
        output: vec![value("y", DataType::Float, &["a", "b", "c"])],
        ..GraphProto::default()
    };
    let x = tensor3(&[[[1_f32, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[9.0, 10.0], [11.0, 12.0]]]);
    let of = |axis: i64, sizes: [i64; 3]| {
        let inputs = [x.clone(), tensor1(&[axis]), tensor1(&sizes)];
        run(graph.clone(), inputs.into_iter().map(IntoTValue::into_tvalue).collect()).unwrap()
    };
    assert_eq!(*of(0, [1, -1, 2])[0], tensor3(&[[[15_f32, 18.0], [21.0, 24.0]]]));
    assert_eq!(*of(2, [3, 1, 2])[0], tensor3(&[[[3_f32, 7.0]], [[11.0, 15.0]], [[19.0, 23.0]]]));
}

#[test]
fn celu_is_scaled_below_zero() {
    let mut celu = node("Celu", &["x"], &["y"], &[]);
    let r#type = AttributeType::Float as i32;
    celu.attribute.push(AttributeProto {
        name: "alpha".to_owned(),
        r#type,
        f: 2.0,
        ..AttributeProto::default()
    });
    let graph = GraphProto {
        node: vec![celu],
        input: vec![value("x", DataType::Float, &["rows"])],
        output: vec![value("y", DataType::Float, &["rows"])],
        ..GraphProto::default()
    };
    let y = run(graph, tvec![tensor1(&[-2_f32, 3.0]).into_tvalue()]).unwrap();
    y[0].close_enough(
        &tensor1(&[2.0 * (std::f32::consts::E.recip() - 1.0), 3.0]),
        tract_onnx::tract_core::internal::Approximation::Close,
    )
    .unwrap();
}

#[test]
fn recurrent_operators_begin_with_zeros() {
    for (operator, n_gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        let graph = |states: &[&str]| GraphProto {
            node: vec![node(
                operator,
                &[&["x", "w", "r", "", ""], states].concat(),
                &["y"],
                &[("hidden_size", 2)],
            )],
            initializer: vec![weights("w", &[1, 2 * n_gates, 3]), weights("r", &[1, 2 * n_gates, 2])],
            input: [
                vec![value("x", DataType::Float, &["4", "rows", "3"])],
                states.iter().map(|name| value(name, DataType::Float, &["1", "rows", "2"])).collect(),
            ]
            .concat(),
            output: vec![value("y", DataType::Float, &["4", "1", "rows", "2"])],
            ..GraphProto::default()
        };
        let x = Tensor::from_shape(&[4, 2, 3], &[0.5_f32, -1.0, 0.25, 2.0].repeat(6)).unwrap();
        let states: &[&str] = if operator == "LSTM" { &["h", "c"] } else { &["h"] };
        let zeros = states.iter().map(|_| Tensor::zero::<f32>(&[1, 2, 2]).unwrap().into_tvalue());
        let given = std::iter::once(x.clone().into_tvalue()).chain(zeros).collect();
        let expected = run(graph(states), given).unwrap();
        let found = run(graph(&[]), tvec![x.into_tvalue()]).unwrap();
        assert!(found[0].as_bytes().iter().any(|&byte| byte != 0));
        assert_eq!(*found[0], *expected[0], "{operator}");
    }
}

fn whole(name: &str, dims: &[i64], int64_data: Vec<i64>) -> TensorProto {
    let data_type = DataType::Int64 as i32;
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type,
        int64_data,
        ..TensorProto::default()
    }
}

#[test]
fn an_index_beyond_its_axis_is_an_error() {
    for operator in ["Gather", "GatherElements"] {
        let graph = GraphProto {
            node: vec![node(operator, &["x", "at"], &["y"], &[])],
            input: vec![value("x", DataType::Int64, &["rows"]), value("at", DataType::Int64, &["places"])],
            output: vec![value("y", DataType::Int64, &["places"])],
            ..GraphProto::default()
        };
        let of = |at: i64| tvec![tensor1(&[7_i64, 8, 9]).into_tvalue(), tensor1(&[0, at]).into_tvalue()];
        assert_eq!(*run(graph.clone(), of(-1)).unwrap()[0], tensor1(&[7_i64, 9]));
        for beyond in [3, -4] {
            let error = format!("{:#}", run(graph.clone(), of(beyond)).unwrap_err());
            assert!(error.contains(&format!("input `at`: the index {beyond} is not in [-3, 3)")), "{error}");
        }
    }
}

#[test]
fn matrices_that_do_not_fit_are_an_error() {
    let graph = GraphProto {
        node: vec![node("MatMul", &["x", "w"], &["y"], &[])],
        initializer: vec![weights("w", &[3, 2])],
        input: vec![value("x", DataType::Float, &["rows", "columns"])],
        output: vec![value("y", DataType::Float, &["rows", "2"])],
        ..GraphProto::default()
    };
    let of = |n_columns: usize| tvec![Tensor::zero::<f32>(&[2, n_columns]).unwrap().into_tvalue()];
    assert_eq!(run(graph.clone(), of(3)).unwrap()[0].shape(), [2, 2]);
    let error = format!("{:#}", run(graph, of(4)).unwrap_err());
    assert!(error.contains("matrices of 4 columns and of 3 rows"), "{error}");
}

#[test]
fn a_comparison_that_is_always_true_keeps_its_shape() {
    let graph = GraphProto {
        node: vec![
            node("Shape", &["x"], &["shape"], &[]),
            node("Gather", &["shape", "last"], &["steps"], &[]),
            node("Range", &["zero", "steps", "one"], &["places"], &[]),
            node("Unsqueeze", &["places", "axes"], &["column"], &[]),
            node("GreaterOrEqual", &["column", "zero"], &["is_later"], &[]),
            node("And", &["x", "is_later"], &["y"], &[]),
        ],
        initializer: vec![
            whole("last", &[], vec![1]),
            whole("zero", &[], vec![0]),
            whole("one", &[], vec![1]),
            whole("axes", &[1], vec![1]),
        ],
        input: vec![value("x", DataType::Bool, &["1", "steps"])],
        output: vec![value("y", DataType::Bool, &["steps", "steps"])],
        ..GraphProto::default()
    };
    let y = run(graph, tvec![tensor2(&[[true, false, true]]).into_tvalue()]).unwrap();
    assert_eq!(*y[0], tensor2(&[[true, false, true]; 3]));
}

#[test]
fn a_loop_carries_on_what_grows() {
    let body = GraphProto {
        node: vec![
            node("Concat", &["before", "step"], &["after"], &[("axis", 0)]),
            node("Less", &["turn", "last"], &["goes_on"], &[]),
            node("Identity", &["turn"], &["given"], &[]),
        ],
        input: vec![
            value("turn", DataType::Int64, &[]),
            value("condition", DataType::Bool, &[]),
            value("before", DataType::Int64, &["n"]),
        ],
        output: vec![
            value("goes_on", DataType::Bool, &[]),
            value("after", DataType::Int64, &["m"]),
            value("given", DataType::Int64, &[]),
        ],
        ..GraphProto::default()
    };
    let mut repeated = node("Loop", &["at_most", "", "x"], &["y", "turns"], &[]);
    let g = Some(body);
    let r#type = AttributeType::Graph as i32;
    repeated.attribute.push(AttributeProto {
        name: "body".to_owned(),
        r#type,
        g,
        ..AttributeProto::default()
    });
    let graph = GraphProto {
        node: vec![repeated],
        initializer: vec![whole("step", &[1], vec![5])],
        input: vec![
            value("x", DataType::Int64, &["2"]),
            value("at_most", DataType::Int64, &[]),
            value("last", DataType::Int64, &[]),
        ],
        output: vec![value("y", DataType::Int64, &["m"]), value("turns", DataType::Int64, &["k"])],
        ..GraphProto::default()
    };
    let of = |at_most: i64, last: i64| {
        let inputs = [tensor1(&[1_i64, 2]), tensor0(at_most), tensor0(last)];
        run(graph.clone(), inputs.into_iter().map(IntoTValue::into_tvalue).collect()).unwrap()
    };
    assert_eq!(*of(2, 9)[0], tensor1(&[1_i64, 2, 5, 5]));
    assert_eq!(*of(9, 0)[1], tensor1(&[0_i64]));
    assert_eq!(*of(0, 9)[0], tensor1(&[1_i64, 2]));
}

#[test]
fn numbers_cast_to_whole_ones_are_divided_as_numbers() {
    for (operator, expected) in [("Mod", [2_i64, 1]), ("Div", [-2, 1])] {
        let graph = GraphProto {
            node: vec![
                node("Cast", &["x"], &["whole"], &[("to", DataType::Int64 as i64)]),
                node(operator, &["whole", "three"], &["y"], &[]),
            ],
            initializer: vec![whole("three", &[], vec![3])],
            input: vec![value("x", DataType::Float, &["rows"])],
            output: vec![value("y", DataType::Int64, &["rows"])],
            ..GraphProto::default()
        };
        let y = run(graph, tvec![tensor1(&[-7_f32, 4.0]).into_tvalue()]).unwrap();
        assert_eq!(*y[0].cast_to::<i64>().unwrap(), tensor1(&expected));
    }
}

/// What ONNX Runtime 1.32 answers.
#[test]
fn logarithms_of_large_numbers_are_finite() {
    for (operator, x, expected) in [
        (
            "LogSoftmax",
            tensor2(&[[1000.0_f32, -1000.0], [-3000.0, -3000.0]]),
            [0.0, -2000.0, -std::f32::consts::LN_2, -std::f32::consts::LN_2],
        ),
        (
            "Softplus",
            tensor2(&[[100.0_f32, -100.0], [500.0, 0.0]]),
            [100.0, 0.0, 500.0, std::f32::consts::LN_2],
        ),
    ] {
        let graph = GraphProto {
            node: vec![node(operator, &["x"], &["y"], &[])],
            input: vec![value("x", DataType::Float, &["rows", "2"])],
            output: vec![value("y", DataType::Float, &["rows", "2"])],
            ..GraphProto::default()
        };
        let y = run(graph, tvec![x.into_tvalue()]).unwrap();
        y[0].close_enough(&tensor1(&expected).into_shape(&[2, 2]).unwrap(), true).unwrap();
    }
}
