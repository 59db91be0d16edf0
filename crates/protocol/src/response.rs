//! The answer to an inference request: JSON, and after it the elements of outputs in binary form.
//!
//! Source: Open Inference Protocol V2, "Inference" and "Binary Tensor Data Extension".

use tensor::{CLIENT, Client, Tensor};

use crate::Result;
use crate::write::{ElementWriter, write_integer, write_list, write_shape, write_string};

/// The answer to an inference request.
#[derive(Clone, Copy, Debug)]
pub struct InferResponse<'a> {
    /// The model that answered.
    pub model_name: &'a str,
    /// Its version.
    pub model_version: &'a str,
    /// The request's `id`.
    pub id: Option<&'a str>,
    /// The client of the whole request.
    pub client: Option<&'a Client<'a>>,
    /// The outputs, in the order in which they are returned, keys among them.
    pub outputs: &'a [Output],
}

/// An output, and the form in which it is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The tensor.
    pub tensor: Tensor,
    /// Whether its elements follow the JSON.
    pub is_binary: bool,
}

/// A response as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// JSON, and the elements of binary outputs after it.
    pub body: Vec<u8>,
    /// The length of the JSON in bytes, if an output is binary.
    pub json_len: Option<usize>,
}

impl InferResponse<'_> {
    /// Writes the JSON with flat data, and after it the elements of binary outputs.
    ///
    /// # Errors
    /// [`BinaryOnlyOutput`](crate::Error::BinaryOnlyOutput) or [`OutputNotUtf8`](crate::Error::OutputNotUtf8) if JSON cannot carry an
    /// output that it should.
    pub fn write(&self) -> Result<Encoded> {
        let outputs = self.outputs.iter().map(OutputWriter::new).collect::<Result<Vec<_>>>()?;
        let mut json = br#"{"model_name":"#.to_vec();
        write_string(&mut json, self.model_name);
        json.extend_from_slice(br#","model_version":"#);
        write_string(&mut json, self.model_version);
        if let Some(id) = self.id {
            json.extend_from_slice(br#","id":"#);
            write_string(&mut json, id);
        }
        if let Some(client) = self.client {
            json.extend_from_slice(br#","parameters":{"#);
            write_string(&mut json, CLIENT);
            json.push(b':');
            write_string(&mut json, client.name());
            json.push(b'}');
        }
        json.extend_from_slice(br#","outputs":"#);
        write_list(&mut json, *b"[]", outputs, write_output);
        json.push(b'}');
        let binary = || self.outputs.iter().filter(|output| output.is_binary);
        let json_len = binary().next().map(|_| json.len());
        binary().for_each(|output| json.extend_from_slice(output.tensor.data()));
        Ok(Encoded { body: json, json_len })
    }
}

/// An output on its way into the JSON.
#[derive(Debug)]
enum OutputWriter<'a> {
    Json(ElementWriter<'a>),
    Binary(&'a Tensor),
}

impl<'a> OutputWriter<'a> {
    fn new(output: &'a Output) -> Result<Self> {
        if output.is_binary {
            return Ok(Self::Binary(&output.tensor));
        }
        ElementWriter::new(&output.tensor).map(Self::Json)
    }

    fn output(&self) -> &'a Tensor {
        match self {
            Self::Json(elements) => elements.output(),
            Self::Binary(output) => output,
        }
    }
}

fn write_output(json: &mut Vec<u8>, writer: OutputWriter<'_>) {
    let output = writer.output();
    json.extend_from_slice(br#"{"name":"#);
    write_string(json, output.name());
    json.extend_from_slice(br#","datatype":"#);
    write_string(json, output.datatype().name());
    json.extend_from_slice(br#","shape":"#);
    write_shape(json, output.shape());
    match writer {
        OutputWriter::Json(mut elements) => {
            json.extend_from_slice(br#","data":"#);
            elements.write(json, &[output.len() as u64]);
        }
        OutputWriter::Binary(output) => {
            json.extend_from_slice(br#","parameters":{"binary_data_size":"#);
            write_integer(json, output.data().len() as u64);
            json.push(b'}');
        }
    }
    json.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tensor::Datatype;

    use super::*;
    use crate::InferRequest;

    fn output(tensor: Tensor, is_binary: bool) -> Output {
        Output { tensor, is_binary }
    }

    #[test]
    fn a_response_names_model_id_and_outputs() {
        let numbers = [0.5_f32, -1.0].map(f32::to_le_bytes).concat();
        let y = Tensor::new("y", Datatype::Fp32, vec![1, 2], numbers).unwrap();
        let key = Tensor::new("key", Datatype::Bytes, vec![1], b"\x01\0\0\0a".to_vec()).unwrap();
        let half = Tensor::new("h", Datatype::Fp16, vec![1], vec![0, 60]).unwrap();
        let outputs = [output(y, false), output(half, true), output(key, false)];
        let client = Client::new("c");
        let response = InferResponse {
            model_name: "m",
            model_version: "1",
            id: Some("42"),
            client: client.as_ref(),
            outputs: &outputs,
        };
        let json = concat!(
            r#"{"model_name":"m","model_version":"1","id":"42","parameters":{"client":"c"},"outputs":["#,
            r#"{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.5,-1.0]},"#,
            r#"{"name":"h","datatype":"FP16","shape":[1],"parameters":{"binary_data_size":2}},"#,
            r#"{"name":"key","datatype":"BYTES","shape":[1],"data":["a"]}]}"#,
        );
        let encoded = response.write().unwrap();
        assert_eq!(encoded.json_len, Some(json.len()));
        assert_eq!(encoded.body, [json.as_bytes(), &[0, 60]].concat());
        let response = InferResponse { outputs: &outputs[..1], ..response };
        assert_eq!(response.write().unwrap().json_len, None);
    }

    proptest! {
        #[test]
        fn what_is_written_as_outputs_reads_as_inputs(
            numbers in prop::collection::vec(any::<i64>(), 0..9),
            forms in prop::collection::vec(any::<bool>(), 1..4),
            id: String,
        ) {
            let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let tensor = Tensor::new("x", Datatype::Int64, vec![numbers.len() as u64], data).unwrap();
            let outputs: Vec<Output> = forms.iter().map(|&is_binary| output(tensor.clone(), is_binary)).collect();
            let (model_name, model_version) = ("", "");
            let response =
                InferResponse { model_name, model_version, id: Some(&id), client: None, outputs: &outputs };
            let encoded = response.write().unwrap();
            let (json, binary) = encoded.body.split_at(encoded.json_len.unwrap_or(encoded.body.len()));
            let json = std::str::from_utf8(json).unwrap().replacen("\"outputs\"", "\"inputs\"", 1);
            let request = InferRequest::read(json.as_bytes(), binary, &[]).unwrap();
            let inputs: Vec<Tensor> = request.inputs.into_iter().map(|input| input.tensor).collect();
            prop_assert_eq!(inputs, vec![tensor; forms.len()]);
            prop_assert_eq!(request.id.as_deref(), Some(id.as_str()));
        }
    }
}
