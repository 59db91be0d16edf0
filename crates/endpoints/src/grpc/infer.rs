//! `ModelInfer`: tensors between the messages and the HTTP form's JSON with binary data after it.

use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tensor::Datatype;

use super::contents;
use super::error::{Error, Result};
use super::messages::{InferInput, InferOutput, InferRequest, InferResponse, RequestedOutput};
use super::parameters;
use super::rpc::{model_path, send};
use crate::HEADER_LENGTH;

/// The HTTP request that asks the same, all tensors in binary form.
///
/// # Errors
/// [`Error::NoModel`], [`Error::RawCount`], [`Error::NoValue`] or [`Error::Input`].
pub(crate) fn to_http(message: InferRequest) -> Result<Request<Vec<u8>>> {
    let path = model_path(&message.model_name, &message.model_version, "/infer")?;
    let data = tensor_data(&message)?;
    let mut header = Map::new();
    if !message.id.is_empty() {
        header.insert("id".to_owned(), message.id.into());
    }
    let mut parameters = parameters::to_json(message.parameters)?;
    parameters.insert("binary_data_output".to_owned(), true.into());
    header.insert("parameters".to_owned(), parameters.into());
    let inputs = message.inputs.into_iter().zip(&data).map(|(input, data)| input_json(input, data.len()));
    header.insert("inputs".to_owned(), inputs.collect::<Result<_>>()?);
    if !message.outputs.is_empty() {
        let outputs = message.outputs.into_iter().map(output_json);
        header.insert("outputs".to_owned(), outputs.collect::<Result<_>>()?);
    }
    let mut body = Value::Object(header).to_string().into_bytes();
    let request = Request::post(path).header(HEADER_LENGTH, body.len());
    data.iter().for_each(|data| body.extend_from_slice(data));
    send(request, body)
}

/// The message that says what an HTTP answer says.
///
/// # Errors
/// [`Error::Answer`].
pub(crate) fn from_http(answer: Response<Vec<u8>>) -> Result<InferResponse> {
    let wrong = |what: &str| Error::Answer(what.to_owned());
    let length = answer.headers().get(HEADER_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let mut data = Bytes::from(answer.into_body());
    let length = length.unwrap_or(data.len());
    if length > data.len() {
        return Err(wrong("a header longer than the body"));
    }
    let header = data.split_to(length);
    let header: Answer = serde_json::from_slice(&header).map_err(|error| Error::Answer(error.to_string()))?;
    let mut raw = Vec::new();
    let mut outputs = Vec::new();
    for mut output in header.outputs {
        let size = output.parameters.remove("binary_data_size").and_then(|size| size.as_u64());
        let size = size.and_then(|size| usize::try_from(size).ok());
        let size =
            size.filter(|size| *size <= data.len()).ok_or_else(|| wrong("an output without its bytes"))?;
        raw.push(data.split_to(size));
        outputs.push(output.into_message());
    }
    Ok(InferResponse {
        model_name: header.model_name,
        model_version: header.model_version,
        id: header.id,
        parameters: parameters::from_json(header.parameters),
        outputs,
        raw_output_contents: raw,
    })
}

/// What the HTTP form answers.
#[derive(Deserialize)]
struct Answer {
    model_name: String,
    #[serde(default)]
    model_version: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    parameters: Map<String, Value>,
    outputs: Vec<AnsweredOutput>,
}

#[derive(Deserialize)]
struct AnsweredOutput {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    #[serde(default)]
    parameters: Map<String, Value>,
}

impl AnsweredOutput {
    fn into_message(self) -> InferOutput {
        InferOutput {
            name: self.name,
            datatype: self.datatype,
            shape: self.shape,
            parameters: parameters::from_json(self.parameters),
        }
    }
}

/// The bytes of each input, from where the message has them.
fn tensor_data(message: &InferRequest) -> Result<Vec<Bytes>> {
    let (inputs, raw) = (&message.inputs, &message.raw_input_contents);
    if raw.is_empty() {
        return inputs.iter().map(typed_data).collect();
    }
    if raw.len() != inputs.len() {
        return Err(Error::RawCount { n_inputs: inputs.len(), found: raw.len() });
    }
    match inputs.iter().find(|input| input.contents.is_some()) {
        Some(input) => Err(Error::Input {
            input: input.name.clone(),
            expected: "either `contents` or `raw_input_contents`".to_owned(),
            found: "both".to_owned(),
        }),
        None => Ok(raw.clone()),
    }
}

fn typed_data(input: &InferInput) -> Result<Bytes> {
    match (Datatype::from_name(&input.datatype), &input.contents) {
        (Some(datatype), Some(contents)) => {
            contents::to_bytes(&input.name, datatype, contents).map(Bytes::from)
        }
        // Neither a tensor without elements has contents, nor do we know the list of an unknown datatype: the HTTP side judges both.
        (None, _) | (_, None) => Ok(Bytes::new()),
    }
}

fn input_json(input: InferInput, n_bytes: usize) -> Result<Value> {
    let mut parameters = parameters::to_json(input.parameters)?;
    parameters.insert("binary_data_size".to_owned(), n_bytes.into());
    let InferInput { name, datatype, shape, .. } = input;
    Ok(json!({"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}))
}

fn output_json(output: RequestedOutput) -> Result<Value> {
    let mut parameters = parameters::to_json(output.parameters)?;
    parameters.insert("binary_data".to_owned(), true.into());
    Ok(json!({"name": output.name, "parameters": parameters}))
}
