//! Maps among a model's inputs, which tract has no type for: they become tensors with a column for each word of the vocabulary.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{GraphProto, NodeProto, TensorShapeProto, TypeProto, type_proto};

/// Gives each input that is a map, or a sequence of maps, to a `DictVectorizer` the type of a tensor of numbers: any number of rows, and a
/// column for each word. Call it before the graph is parsed. tract's reader drops the type of a map, so its values are taken for `float`,
/// which is what exporters write.
pub fn give_maps_columns(graph: &mut GraphProto) {
    for input in &mut graph.input {
        let is_untyped = input.r#type.as_ref().is_none_or(|of_input| of_input.value.is_none());
        let takes_it =
            |node: &&NodeProto| node.op_type == "DictVectorizer" && node.input.contains(&input.name);
        if is_untyped && let Some(node) = graph.node.iter().find(takes_it) {
            let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape(node)) };
            let value = Some(type_proto::Value::TensorType(tensor));
            input.r#type = Some(TypeProto { denotation: String::new(), value });
        }
    }
}

/// Any number of rows of as many columns as the vocabulary has words.
fn shape(node: &NodeProto) -> TensorShapeProto {
    let vocabularies = node.attribute.iter().filter(|attribute| attribute.name.ends_with("_vocabulary"));
    let n_words: usize = vocabularies.map(|attribute| attribute.ints.len() + attribute.strings.len()).sum();
    let columns = dimension::Value::DimValue(i64::try_from(n_words).unwrap_or(i64::MAX));
    let dim = [None, Some(columns)].map(|value| Dimension { denotation: String::new(), value });
    TensorShapeProto { dim: dim.to_vec() }
}
