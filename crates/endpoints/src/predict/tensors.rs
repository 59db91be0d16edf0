//! Tensors (`infer`): checked against the model's signature, keys set aside while the model runs.
//!
//! The rows of a request are the first dimension of those inputs whose first dimension takes any size, or of all inputs if
//! there are none such. A request without rows is answered without the model, from the declared shapes.

use std::borrow::Cow;
use std::mem;

use protocol::{Body, Encoded, Error, InferRequest, InferResponse, Output, RequestedOutput, Result};
use tensor::{
    Datatype, DuplicateKeys, KEY, Keys, Metadata, NewKeys, Tensor, TensorSpec, encode_bytes_element,
};

use crate::Model;
use crate::model::run;
use crate::predict::classification::classify;

/// Answers an inference request.
pub(super) fn infer(
    model: &impl Model,
    metadata: &Metadata,
    body: Body<'_>,
    new_keys: NewKeys,
) -> Result<Encoded> {
    let mut request = match body {
        Body::Json { json, binary } => InferRequest::read(json, binary)?,
        Body::Raw(bytes) => InferRequest::read_raw(bytes, &metadata.inputs)?,
    };
    let key = take_key(&mut request.inputs)?;
    let is_keyed = key.is_some() || request.generate_keys;
    let selection = Selection::new(metadata, &request.outputs, is_keyed)?;
    let mut inputs = arrange(mem::take(&mut request.inputs), &metadata.inputs)?;
    let key = match key {
        None if request.generate_keys => Some(generated(count_rows(&metadata.inputs, &inputs)?, new_keys)?),
        key => key,
    };
    let key = match key {
        Some(key) => Some(keep_answered(key, &metadata.inputs, &mut inputs, request.duplicates)?),
        None => None,
    };
    let mut outputs = selection.answer(model, metadata, inputs)?;
    if let Some(key) = key {
        check_rows(&outputs, key.rows().unwrap_or_default())?;
        outputs.insert(selection.key_idx.min(outputs.len()), key);
    }
    let form = |tensor| returned(tensor, &request, metadata);
    let outputs = outputs.into_iter().map(form).collect::<Result<Vec<_>>>()?;
    let response = InferResponse {
        model_name: &metadata.name,
        model_version: &metadata.version,
        id: request.id.as_deref(),
        outputs: &outputs,
    };
    response.write()
}

/// An output as the request asks for it: itself or its best classes, in JSON or in binary form. One that is not listed is binary if
/// the request says so of all of them; keys that are not listed beside others that are, if they came so.
fn returned(tensor: Tensor, request: &InferRequest<'_>, metadata: &Metadata) -> Result<Output> {
    let Some(requested) = request.outputs.iter().find(|output| output.name == tensor.name()) else {
        let is_binary =
            if request.outputs.is_empty() { request.binary_outputs } else { request.is_key_binary };
        return Ok(Output { tensor, is_binary });
    };
    let tensor = match requested.classes {
        Some(n_classes) => classify(&tensor, n_classes, metadata)?,
        None => tensor,
    };
    Ok(Output { tensor, is_binary: requested.is_binary })
}

fn take_key(inputs: &mut Vec<Tensor>) -> Result<Option<Tensor>> {
    let Some(idx) = inputs.iter().position(|input| input.name() == KEY) else { return Ok(None) };
    let key = inputs.remove(idx);
    if inputs.iter().any(|input| input.name() == KEY) {
        return Err(Error::DuplicateInput { input: KEY.to_owned() });
    }
    Ok(Some(key))
}

/// The outputs that are asked for.
struct Selection {
    /// Their names, without the keys.
    outputs: Vec<String>,
    /// Where the keys stand among them.
    key_idx: usize,
}

impl Selection {
    fn new(metadata: &Metadata, requested: &[RequestedOutput<'_>], is_keyed: bool) -> Result<Self> {
        if requested.is_empty() {
            let outputs = metadata.outputs.iter().map(|spec| spec.name.clone()).collect();
            return Ok(Self { outputs, key_idx: usize::MAX });
        }
        let names: Vec<&Cow<'_, str>> = requested.iter().map(|output| &output.name).collect();
        for (idx, &name) in names.iter().enumerate() {
            if names.iter().take(idx).any(|&earlier| earlier == name) {
                return Err(Error::DuplicateOutput { output: name.to_string() });
            }
            if name == KEY && !is_keyed {
                return Err(Error::MissingInput { input: KEY.to_owned() });
            }
            if name != KEY && metadata.output(name).is_none() {
                return Err(Error::UnknownOutput { output: name.to_string() });
            }
        }
        Ok(Self {
            outputs: names.iter().filter(|name| **name != KEY).map(|name| name.to_string()).collect(),
            key_idx: names.iter().position(|name| *name == KEY).unwrap_or(usize::MAX),
        })
    }

    /// Runs the model, unless there are no rows or it is asked for nothing but the keys.
    fn answer(&self, model: &impl Model, metadata: &Metadata, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        if self.outputs.is_empty() {
            return Ok(Vec::new());
        }
        if is_empty_batch(&metadata.inputs, &inputs) {
            let specs = self.outputs.iter().filter_map(|name| metadata.output(name));
            return specs.map(empty_output).collect();
        }
        run(model, inputs, &self.outputs)
    }
}

/// The inputs in the model's order, each checked.
fn arrange(inputs: Vec<Tensor>, specs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    let mut slots: Vec<Option<Tensor>> = specs.iter().map(|_| None).collect();
    for input in inputs {
        match specs.iter().zip(&mut slots).find(|(spec, _)| spec.name == input.name()) {
            None => return Err(Error::UnknownInput { input: input.name().to_owned() }),
            Some((_, Some(_))) => return Err(Error::DuplicateInput { input: input.name().to_owned() }),
            Some((spec, slot)) => {
                spec.check(&input)?;
                *slot = Some(input);
            }
        }
    }
    let missing = |spec: &TensorSpec| Error::MissingInput { input: spec.name.clone() };
    specs.iter().zip(slots).map(|(spec, slot)| slot.ok_or_else(|| missing(spec))).collect()
}

/// Checks that the keys name the rows, and drops the rows that the policy leaves out from the inputs and from the keys, which it
/// returns.
fn keep_answered(
    key: Tensor,
    specs: &[TensorSpec],
    inputs: &mut [Tensor],
    duplicates: DuplicateKeys,
) -> Result<Tensor> {
    let n_rows = count_rows(specs, inputs)?;
    let keys = Keys::from_tensor(&key)?;
    keys.check(duplicates)?;
    keys.check_rows(n_rows)?;
    let left_out = keys.left_out(duplicates);
    if left_out.is_empty() {
        return Ok(key);
    }
    for (spec, input) in specs.iter().zip(inputs).filter(|(spec, _)| has_rows(spec, specs)) {
        *input = input.clone().without_rows(&left_out);
        spec.check(input)?;
    }
    Ok(key.without_rows(&left_out))
}

/// A tensor of new keys.
fn generated(n_rows: u64, new_keys: NewKeys) -> Result<Tensor> {
    let mut data = Vec::new();
    for key in new_keys(usize::try_from(n_rows).unwrap_or(usize::MAX)) {
        encode_bytes_element(&mut data, key.as_bytes());
    }
    Ok(Tensor::new(KEY, Datatype::Bytes, vec![n_rows], data)?)
}

fn count_rows(specs: &[TensorSpec], inputs: &[Tensor]) -> Result<u64> {
    let mut counts = specs.iter().zip(inputs).filter(|(spec, _)| has_rows(spec, specs));
    let n_rows = |input: &Tensor| input.rows().unwrap_or(1);
    let expected = counts.next().map_or(1, |(_, input)| n_rows(input));
    match counts.find(|(_, input)| n_rows(input) != expected) {
        None => Ok(expected),
        Some((_, input)) => {
            Err(Error::RowCounts { input: input.name().to_owned(), expected, found: n_rows(input) })
        }
    }
}

/// Whether the first dimension of an input counts rows: if it takes any size, or no input's does.
fn has_rows(spec: &TensorSpec, specs: &[TensorSpec]) -> bool {
    spec.is_batched() || !specs.iter().any(TensorSpec::is_batched)
}

fn is_empty_batch(specs: &[TensorSpec], inputs: &[Tensor]) -> bool {
    let rows = batched(specs, inputs);
    !rows.is_empty() && rows.iter().all(|input| input.rows() == Some(0))
}

fn batched<'a>(specs: &[TensorSpec], inputs: &'a [Tensor]) -> Vec<&'a Tensor> {
    specs.iter().zip(inputs).filter(|(spec, _)| spec.is_batched()).map(|(_, input)| input).collect()
}

fn empty_output(spec: &TensorSpec) -> Result<Tensor> {
    let row_shape: Result<Vec<u64>, _> = spec.row_shape().iter().map(|&dim| u64::try_from(dim)).collect();
    match row_shape {
        Ok(row_shape) if spec.is_batched() => {
            let shape = [vec![0], row_shape].concat();
            Ok(Tensor::new(&spec.name, spec.datatype, shape, Vec::new())?)
        }
        _ => Err(Error::EmptyBatch { output: spec.name.clone(), shape: spec.shape.clone() }),
    }
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
