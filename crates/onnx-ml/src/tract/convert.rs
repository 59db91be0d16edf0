//! Tensors and attributes of tract as the kernels have them, and back.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::internal::*;

use crate::{Attributes, Data, ElementType, Matrix, Slice, Value};

/// The attributes of a node.
pub(crate) fn attributes<'a>(
    context: &ParsingContext<'_>,
    node: &'a NodeProto,
) -> TractResult<Attributes<'a>> {
    let named =
        node.attribute.iter().map(|attribute| Ok((attribute.name.as_str(), value(context, attribute)?)));
    named.collect()
}

fn value<'a>(context: &ParsingContext<'_>, attribute: &'a AttributeProto) -> TractResult<Value<'a>> {
    let text = |bytes: &'a [u8]| {
        std::str::from_utf8(bytes).with_context(|| format!("attribute `{}` is not UTF-8", attribute.name))
    };
    Ok(match attribute_type(attribute) {
        AttributeType::Float => Value::Float(attribute.f),
        AttributeType::Int => Value::Int(attribute.i),
        AttributeType::String => Value::Text(text(&attribute.s)?),
        AttributeType::Floats => Value::Floats(&attribute.floats),
        AttributeType::Ints => Value::Ints(&attribute.ints),
        AttributeType::Strings => {
            Value::Texts(attribute.strings.iter().map(|bytes| text(bytes)).collect::<TractResult<_>>()?)
        }
        AttributeType::Tensor => {
            let tensor = attribute.t.as_ref().context("an attribute of type tensor without one")?;
            Value::Tensor(data(&context.load_tensor(tensor)?)?)
        }
        _ => Value::Other("a graph or a type"),
    })
}

/// The attribute's type; files from before the field was there have none, and say it by what they hold.
fn attribute_type(attribute: &AttributeProto) -> AttributeType {
    match AttributeType::try_from(attribute.r#type) {
        Ok(AttributeType::Undefined) | Err(_) => {
            let holds = [
                (attribute.t.is_some(), AttributeType::Tensor),
                (!attribute.floats.is_empty(), AttributeType::Floats),
                (!attribute.ints.is_empty(), AttributeType::Ints),
                (!attribute.strings.is_empty(), AttributeType::Strings),
                (!attribute.s.is_empty(), AttributeType::String),
                (attribute.f != 0.0, AttributeType::Float),
            ];
            holds.into_iter().find(|(holds, _)| *holds).map_or(AttributeType::Int, |(_, kind)| kind)
        }
        Ok(kind) => kind,
    }
}

/// The elements of a tensor attribute; numbers of other types become the next wider one.
fn data(tensor: &Tensor) -> TractResult<Data> {
    Ok(match tensor.datum_type() {
        DatumType::F16 => Data::F32(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()),
        DatumType::Bool | DatumType::U8 | DatumType::I8 | DatumType::U16 | DatumType::U32 => {
            Data::I64(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
        }
        _ => match slice(tensor)? {
            Slice::F32(elements) => Data::F32(elements.to_vec()),
            Slice::F64(elements) => Data::F64(elements.to_vec()),
            Slice::I16(elements) => Data::I16(elements.to_vec()),
            Slice::I32(elements) => Data::I32(elements.to_vec()),
            Slice::I64(elements) => Data::I64(elements.to_vec()),
            Slice::Strings(elements) => Data::Strings(elements.to_vec()),
        },
    })
}

/// The elements of a tensor.
pub(crate) fn slice(tensor: &Tensor) -> TractResult<Slice<'_>> {
    macro_rules! of_type {
        ($($datum_type:ident => $variant:ident($element:ty)),*) => {
            match tensor.datum_type() {
                $(DatumType::$datum_type => {
                    Slice::$variant(if tensor.len() == 0 { &[] } else { plain::<$element>(tensor)? })
                })*
                other => bail!("expected float, double, int16, int32, int64 or string, found {other:?}"),
            }
        };
    }
    Ok(of_type!(
        F32 => F32(f32), F64 => F64(f64), I16 => I16(i16), I32 => I32(i32), I64 => I64(i64), String => Strings(String)
    ))
}

fn plain<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    let view = tensor.as_plain_ram().context("a tensor in plain memory")?;
    view.as_slice::<T>()
}

/// The rows of a tensor: one with a single axis is one row.
pub(crate) fn matrix(tensor: &Tensor) -> TractResult<Matrix<'_>> {
    let (n_rows, n_features) = match *tensor.shape() {
        [] => (1, 1),
        [n_features] => (1, n_features),
        [n_rows, ref features @ ..] => (n_rows, features.iter().product()),
    };
    Ok(Matrix { data: slice(tensor)?, n_rows, n_features })
}

/// The elements as a tensor.
pub(crate) fn tensor(data: Data, shape: &[usize]) -> TractResult<Tensor> {
    fn array<T: Datum>(elements: Vec<T>, shape: &[usize]) -> TractResult<Tensor> {
        Ok(ArrayD::from_shape_vec(IxDyn(shape), elements)?.into_tensor())
    }
    match data {
        Data::F32(elements) => array(elements, shape),
        Data::F64(elements) => array(elements, shape),
        Data::I16(elements) => array(elements, shape),
        Data::I32(elements) => array(elements, shape),
        Data::I64(elements) => array(elements, shape),
        Data::Strings(elements) => array(elements, shape),
    }
}

/// The type of elements, in tract's words.
pub(crate) const fn datum_type(element_type: ElementType) -> DatumType {
    match element_type {
        ElementType::F32 => DatumType::F32,
        ElementType::F64 => DatumType::F64,
        ElementType::I16 => DatumType::I16,
        ElementType::I32 => DatumType::I32,
        ElementType::I64 => DatumType::I64,
        ElementType::String => DatumType::String,
    }
}

/// The type of elements, if the domain knows it.
pub(crate) fn element_type(datum_type: DatumType) -> TractResult<ElementType> {
    Ok(match datum_type {
        DatumType::F32 => ElementType::F32,
        DatumType::F64 => ElementType::F64,
        DatumType::I16 => ElementType::I16,
        DatumType::I32 => ElementType::I32,
        DatumType::I64 => ElementType::I64,
        DatumType::String => ElementType::String,
        other => bail!("expected float, double, int16, int32, int64 or string, found {other:?}"),
    })
}
