//! Tensors and metadata across the three borders: the component interface, the checked `tensor` crate, tract.

use tensor::{Datatype, Metadata, Tensor, TensorSpec};
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::{DatumType, Tensor as TractTensor};

use crate::bindings::exports::plinth::model::inference as wit;
use crate::signature::datatype;

tensor::datatype_conversions!(wit::Datatype);

pub(crate) fn tensor_from_wit(tensor: wit::Tensor) -> tensor::Result<Tensor> {
    Tensor::new(tensor.name, datatype_from_wit(tensor.datatype), tensor.shape, tensor.data)
}

pub(crate) fn metadata_to_wit(metadata: &Metadata) -> wit::ModelMetadata {
    let spec_to_wit = |spec: &TensorSpec| wit::TensorSpec {
        name: spec.name.clone(),
        datatype: datatype_to_wit(spec.datatype),
        shape: spec.shape.clone(),
    };
    wit::ModelMetadata {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        platform: metadata.platform.clone(),
        inputs: metadata.inputs.iter().map(spec_to_wit).collect(),
        outputs: metadata.outputs.iter().map(spec_to_wit).collect(),
        properties: metadata.properties.clone(),
    }
}

/// The tensor in tract's memory.
///
/// # Errors
/// Text that says what tract cannot hold: `BOOL` bytes other than 0 and 1, strings that are not UTF-8, `BF16`.
pub(crate) fn tensor_to_tract(tensor: &Tensor) -> Result<TractTensor, String> {
    let shape: Vec<usize> = tensor.shape().iter().copied().map(addressable).collect();
    if tensor.datatype() == Datatype::Bytes {
        return strings_to_tract(tensor, &shape);
    }
    if tensor.datatype() == Datatype::Bool && tensor.data().iter().any(|&byte| byte > 1) {
        return Err(format!("tensor `{}`: a BOOL element is neither 0 nor 1", tensor.name()));
    }
    let datum_type = datum_type(tensor.datatype()).ok_or_else(|| {
        format!("tensor `{}`: the model runtime has no {}", tensor.name(), tensor.datatype())
    })?;
    let mut converted = TractTensor::zero_dt(datum_type, &shape).map_err(|error| error.to_string())?;
    converted.as_bytes_mut().copy_from_slice(tensor.data());
    Ok(converted)
}

/// The tensor as the interface has it, under the name and datatype of `spec`.
///
/// # Errors
/// Text if the tensor is not of the datatype of `spec`, or tract's.
pub(crate) fn tensor_from_tract(tensor: &TractTensor, spec: &TensorSpec) -> Result<wit::Tensor, String> {
    let found = datatype(tensor.datum_type());
    if found != Some(spec.datatype) {
        let found = found.map_or_else(|| format!("{:?}", tensor.datum_type()), |found| found.to_string());
        return Err(format!("output `{}` is {found}, and {} was expected", spec.name, spec.datatype));
    }
    let shape: Vec<u64> = tensor.shape().iter().map(|&dim| dim as u64).collect();
    let data = match tensor.datum_type() {
        DatumType::String => strings_from_tract(tensor)?,
        DatumType::TDim => tensor.cast_to::<i64>().map_err(|error| error.to_string())?.as_bytes().to_vec(),
        _ => tensor.as_bytes().to_vec(),
    };
    Ok(wit::Tensor { name: spec.name.clone(), datatype: datatype_to_wit(spec.datatype), shape, data })
}

/// A dimension or count of a checked tensor. Only one beside an empty dimension can be more than memory holds, and stands
/// for no elements then.
pub(crate) fn addressable(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn strings_to_tract(tensor: &Tensor, shape: &[usize]) -> Result<TractTensor, String> {
    let strings = tensor
        .bytes_elements()
        .map(|element| std::str::from_utf8(element).map(str::to_owned))
        .collect::<Result<Vec<String>, _>>()
        .map_err(|_| format!("tensor `{}`: a string element is not UTF-8", tensor.name()))?;
    let array = ArrayD::from_shape_vec(IxDyn(shape), strings).map_err(|error| error.to_string())?;
    Ok(array.into())
}

fn strings_from_tract(tensor: &TractTensor) -> Result<Vec<u8>, String> {
    let view = tensor.to_plain_array_view::<String>().map_err(|error| error.to_string())?;
    let mut data = Vec::new();
    for element in view {
        tensor::encode_bytes_element(&mut data, element.as_bytes());
    }
    Ok(data)
}

const fn datum_type(datatype: Datatype) -> Option<DatumType> {
    Some(match datatype {
        Datatype::Bool => DatumType::Bool,
        Datatype::Uint8 => DatumType::U8,
        Datatype::Uint16 => DatumType::U16,
        Datatype::Uint32 => DatumType::U32,
        Datatype::Uint64 => DatumType::U64,
        Datatype::Int8 => DatumType::I8,
        Datatype::Int16 => DatumType::I16,
        Datatype::Int32 => DatumType::I32,
        Datatype::Int64 => DatumType::I64,
        Datatype::Fp16 => DatumType::F16,
        Datatype::Fp32 => DatumType::F32,
        Datatype::Fp64 => DatumType::F64,
        Datatype::Bytes => DatumType::String,
        Datatype::Bf16 => return None,
    })
}
