//! Tensors (`infer`): checked against the model's signature, keys and clients set aside while the model runs.
//!
//! The rows of a request are those of [`tensor::count_rows`]. A request without rows is answered without the model, from the
//! declared shapes.

mod row_names;
mod selection;
#[cfg(test)]
mod tests;

use std::mem;

use protocol::{Body, Encoded, Error, InferRequest, InferResponse, Input, Output, Result};
use tensor::{
    CLIENT, KEY, Keys, Metadata, NewKeys, PerRow, Tensor, TensorSpec, is_empty_batch, read_clients, read_keys,
};

use self::row_names::{Asked, RowNames};
use self::selection::Selection;
use crate::Model;
use crate::capture::{Name, Sight};
use crate::model::run;
use crate::predict::classification::classify;

/// Answers an inference request.
pub(super) fn infer(
    model: &impl Model,
    metadata: &Metadata,
    body: Body<'_>,
    new_keys: NewKeys,
    sight: &Sight,
) -> Result<Encoded> {
    let mut request = match body {
        Body::Json { json, binary } => InferRequest::read(json, binary, &metadata.inputs)?,
        Body::Raw(bytes) => InferRequest::read_raw(bytes, &metadata.inputs)?,
    };
    let names = RowNames::take(&mut request.inputs)?;
    let are_names_binary = names.are_binary();
    let selection = Selection::new(metadata, &request.outputs, &names.outputs(&request))?;
    let inputs = arrange(mem::take(&mut request.inputs), &metadata.inputs)?;
    let Asked { inputs, n_answered, beside } = names.set_aside(inputs, metadata, &request, new_keys)?;
    let asked = inputs.as_ref().and_then(|inputs| sight.keep(metadata, inputs));
    let mut outputs = answer(model, metadata, &selection, inputs)?;
    if let Some(n_answered) = n_answered {
        check_rows(&outputs, n_answered)?;
    }
    sight.see(request.client.as_ref(), || row_names(&beside), asked, &outputs);
    outputs.extend(beside);
    let form = |tensor| returned(tensor, &request, are_names_binary, metadata);
    let outputs = selection.in_order(outputs).into_iter().map(form).collect::<Result<Vec<_>>>()?;
    let response = InferResponse {
        model_name: &metadata.name,
        model_version: &metadata.version,
        id: request.id.as_deref(),
        client: request.client.as_ref(),
        outputs: &outputs,
    };
    response.write()
}

/// The names of the rows that were answered, from the tensors of names beside their outputs; none without keys.
fn row_names(beside: &[Tensor]) -> Vec<Name> {
    let tensor = |name: &str| beside.iter().find(|tensor| tensor.name() == name);
    let Some(key) = tensor(KEY) else { return Vec::new() };
    let Ok((keys, _)) = read_keys(key, &[]) else { return Vec::new() };
    let n_rows = keys.n_rows();
    let clients = tensor(CLIENT).and_then(|client| read_clients(client, &[]).ok());
    let clients = clients.map_or_else(|| PerRow::none(n_rows), |(clients, _)| clients);
    let keys = Keys::new(keys, clients, n_rows as u64);
    keys.map_or_else(|_| Vec::new(), |keys| (0..n_rows).map(|row| Name::of(&keys, row)).collect())
}

/// An output as the request asks for it: itself or its best classes, in JSON or in binary form. One that is not listed is binary if
/// the request says so of all of them; one beside the model's that is not listed beside others that are, if the keys came so.
fn returned(
    tensor: Tensor,
    request: &InferRequest<'_>,
    are_names_binary: bool,
    metadata: &Metadata,
) -> Result<Output> {
    let Some(requested) = request.outputs.iter().find(|output| output.name == tensor.name()) else {
        let is_binary = request.binary_outputs || !request.outputs.is_empty() && are_names_binary;
        return Ok(Output { tensor, is_binary });
    };
    let tensor = match requested.classes {
        Some(n_classes) => classify(&tensor, n_classes, metadata)?,
        None => tensor,
    };
    Ok(Output { tensor, is_binary: requested.is_binary })
}

/// The inputs in the model's order, each checked.
fn arrange(inputs: Vec<Input>, specs: &[TensorSpec]) -> Result<Vec<Input>> {
    let mut slots: Vec<Option<Input>> = specs.iter().map(|_| None).collect();
    for input in inputs {
        let name = || input.tensor.name().to_owned();
        match specs.iter().zip(&mut slots).find(|(spec, _)| spec.name == input.tensor.name()) {
            None => return Err(Error::UnknownInput { input: name() }),
            Some((_, Some(_))) => return Err(Error::DuplicateInput { input: name() }),
            Some((spec, slot)) => {
                spec.check_parts(input.tensor.datatype(), &input.shape())?;
                *slot = Some(input);
            }
        }
    }
    let missing = |spec: &TensorSpec| Error::MissingInput { input: spec.name.clone() };
    specs.iter().zip(slots).map(|(spec, slot)| slot.ok_or_else(|| missing(spec))).collect()
}

/// Runs the model, unless there are no rows or it is asked for nothing but what is beside its outputs. Without `inputs`, all rows
/// are bad.
fn answer(
    model: &impl Model,
    metadata: &Metadata,
    selection: &Selection<'_>,
    inputs: Option<Vec<Tensor>>,
) -> Result<Vec<Tensor>> {
    let specs = selection.outputs.iter().filter_map(|name| metadata.output(name));
    match inputs {
        _ if selection.outputs.is_empty() => Ok(Vec::new()),
        None => specs.map(output_of_no_good_rows).collect(),
        Some(inputs) if is_empty_batch(&metadata.inputs, &inputs) => specs.map(empty_output).collect(),
        Some(inputs) => run(model, inputs, &selection.outputs),
    }
}

fn empty_output(spec: &TensorSpec) -> Result<Tensor> {
    if !spec.is_batched() || spec.row_shape().iter().any(|&dim| dim < 0) {
        return Err(Error::EmptyBatch { output: spec.name.clone(), shape: spec.shape.clone() });
    }
    output_of_no_good_rows(spec)
}

/// An output without rows. A dimension of any size is 0: what is wrong with the rows is worth more than the sizes that they would
/// have had.
fn output_of_no_good_rows(spec: &TensorSpec) -> Result<Tensor> {
    let row_shape = spec.row_shape().iter().map(|&dim| u64::try_from(dim).unwrap_or_default());
    let shape = std::iter::once(0).chain(row_shape).collect();
    Ok(Tensor::new(&spec.name, spec.datatype, shape, Vec::new())?)
}

fn check_rows(outputs: &[Tensor], n_rows: u64) -> Result<()> {
    match outputs.iter().find(|output| output.rows() != Some(n_rows)) {
        None => Ok(()),
        Some(output) => Err(Error::RowsChanged {
            output: output.name().to_owned(),
            expected: n_rows,
            found: output.shape().to_vec(),
        }),
    }
}
