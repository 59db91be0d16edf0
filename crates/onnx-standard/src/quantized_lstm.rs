//! `DynamicQuantizeLSTM` of ONNX Runtime, which its quantiser writes for `LSTM`: its weights become FP32 again. ONNX Runtime also quantises what the
//! weights are multiplied by, anew in every step. That is left out here, so answers differ by as much as those steps are coarse.
//!
//! Source: ONNX Runtime, `docs/ContribOperators.md`, operator `com.microsoft.DynamicQuantizeLSTM`.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};
use tract_onnx::prelude::tract_ndarray::Array3;

use crate::replacement::{Replacement, floats, input, replace};

/// The places of the weights among the inputs, of their scales and of their zero points.
const WEIGHTS: [usize; 3] = [1, 8, 9];
const RECURRENT_WEIGHTS: [usize; 3] = [2, 10, 11];

/// The inputs between the weights and the scales, which are those of `LSTM`.
const OTHERS: std::ops::Range<usize> = 3..8;

/// Gives the operators of the graph FP32 weights, if all that they are computed from is in the file.
pub(crate) fn dequantise(graph: &mut GraphProto) {
    replace(
        graph,
        |node, graph| if node.op_type == "DynamicQuantizeLSTM" { lstm(node, graph) } else { None },
    );
}

fn lstm(node: &NodeProto, graph: &GraphProto) -> Option<Replacement> {
    let weights = weights(node, WEIGHTS, graph)?;
    let recurrent_weights = self::weights(node, RECURRENT_WEIGHTS, graph)?;
    let mut parts = Replacement::of(node);
    let weights = parts.constant("weights", weights);
    let recurrent_weights = parts.constant("recurrent_weights", recurrent_weights);
    let mut inputs = vec![input(node, 0), &weights, &recurrent_weights];
    inputs.extend(OTHERS.map(|place| input(node, place)));
    parts.node("states", "LSTM", &inputs, node.attribute.clone());
    Some(parts)
}

/// FP32 weights of the shape [directions, columns, rows], of quantised ones of the shape [directions, rows, columns].
fn weights(node: &NodeProto, places: [usize; 3], graph: &GraphProto) -> Option<TensorProto> {
    let [steps, scales, zeros] = places.map(|place| written(input(node, place), graph));
    let (steps, scales) = (steps?, scales?);
    let &[directions, rows, columns] = steps.dims.as_slice() else { return None };
    let shape = (directions.try_into().ok()?, rows.try_into().ok()?, columns.try_into().ok()?);
    let steps = Array3::from_shape_vec(shape, numbers(steps)?).ok()?.permuted_axes([0, 2, 1]);
    let scales = of_columns(numbers(scales)?, shape.0)?;
    let zeros = of_columns(numbers(zeros?)?, shape.0)?;
    let found = (&steps - &zeros.broadcast(steps.dim())?) * scales.broadcast(steps.dim())?;
    Some(floats(vec![directions, columns, rows], found.iter().copied().collect()))
}

/// Numbers of each direction, or of each column of each direction, so that they broadcast to [directions, columns, rows].
fn of_columns(numbers: Vec<f32>, n_directions: usize) -> Option<Array3<f32>> {
    let n_columns = numbers.len().checked_div(n_directions)?;
    Array3::from_shape_vec((n_directions, n_columns, 1), numbers).ok()
}

/// The weights of that name, if they are in the file.
fn written<'g>(name: &str, graph: &'g GraphProto) -> Option<&'g TensorProto> {
    graph.initializer.iter().find(|weights| weights.name == name)
}

/// The numbers of FP32, INT8 or UINT8.
#[expect(clippy::cast_precision_loss, reason = "they have 8 bits")]
fn numbers(tensor: &TensorProto) -> Option<Vec<f32>> {
    let bytes = &tensor.raw_data;
    Some(match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float if bytes.is_empty() => tensor.float_data.clone(),
        DataType::Float => {
            let words = bytes.chunks_exact(size_of::<f32>());
            words.map(|word| Some(f32::from_le_bytes(word.try_into().ok()?))).collect::<Option<_>>()?
        }
        DataType::Int8 | DataType::Uint8 if bytes.is_empty() => {
            tensor.int32_data.iter().map(|&step| step as f32).collect()
        }
        DataType::Int8 => bytes.iter().map(|&byte| i8::from_le_bytes([byte]).into()).collect(),
        DataType::Uint8 => bytes.iter().map(|&byte| byte.into()).collect(),
        _ => return None,
    })
}
