//! What a server and a model say of themselves.

use tensor::{CLIENT, Datatype, KEY, Metadata, ROW_ERROR, TensorSpec};

use crate::write::{write_list, write_shape, write_string};

/// The extensions of the protocol that are true here.
const EXTENSIONS: [&str; 5] =
    ["classification", "model_configuration", "binary_tensor_data", "parameters", "keyed_predictions"];

/// The answer to both health routes, which suits those who look for `live` and those who look for `ready`.
#[must_use]
pub fn health() -> Vec<u8> {
    br#"{"live":true,"ready":true}"#.to_vec()
}

/// The server's name, version and extensions.
#[must_use]
pub fn server_metadata(version: &str) -> Vec<u8> {
    let mut json = br#"{"name":"plinth","version":"#.to_vec();
    write_string(&mut json, version);
    json.extend_from_slice(br#","extensions":"#);
    write_list(&mut json, *b"[]", EXTENSIONS, write_string);
    json.push(b'}');
    json
}

/// That the model is ready.
#[must_use]
pub fn model_ready(name: &str) -> Vec<u8> {
    let mut json = br#"{"name":"#.to_vec();
    write_string(&mut json, name);
    json.extend_from_slice(br#","ready":true}"#);
    json
}

/// The model's signature, with the tensor of keys, which every model takes and returns. That of clients is named among the properties
/// only: some clients send every input that they read here.
#[must_use]
pub fn model_metadata(metadata: &Metadata) -> Vec<u8> {
    let mut json = br#"{"name":"#.to_vec();
    write_string(&mut json, &metadata.name);
    json.extend_from_slice(br#","versions":["#);
    write_string(&mut json, &metadata.version);
    json.extend_from_slice(br#"],"platform":"#);
    write_string(&mut json, &metadata.platform);
    json.extend_from_slice(br#","inputs":"#);
    write_specs(&mut json, &metadata.inputs);
    json.extend_from_slice(br#","outputs":"#);
    write_specs(&mut json, &metadata.outputs);
    json.extend_from_slice(br#","properties":"#);
    write_properties(&mut json, metadata);
    json.push(b'}');
    json
}

/// The names of the models of the application.
#[must_use]
pub fn models(names: &[String]) -> Vec<u8> {
    let mut json = br#"{"models":"#.to_vec();
    write_list(&mut json, *b"[]", names, |json, name| write_string(json, name));
    json.push(b'}');
    json
}

/// The models of the application as a repository. Only the version of the model that answers is known.
///
/// Source: Open Inference Protocol V2, "Model Repository Extension".
#[must_use]
pub fn repository_index(metadata: &Metadata, names: &[String]) -> Vec<u8> {
    let mut json = Vec::new();
    write_list(&mut json, *b"[]", names, |json, name| {
        json.extend_from_slice(br#"{"name":"#);
        write_string(json, name);
        if *name == metadata.name {
            json.extend_from_slice(br#","version":"#);
            write_string(json, &metadata.version);
        }
        json.extend_from_slice(br#","state":"READY","reason":""}"#);
    });
    json
}

/// The part of a model's configuration that load generators read. The first dimension is written with the others, so there is
/// no batch size of its own.
///
/// Source: Open Inference Protocol V2, "Model Configuration Extension"; the names of Triton's `ModelConfig`.
#[must_use]
pub fn model_config(metadata: &Metadata) -> Vec<u8> {
    let mut json = br#"{"name":"#.to_vec();
    write_string(&mut json, &metadata.name);
    json.extend_from_slice(br#","platform":"#);
    write_string(&mut json, &metadata.platform);
    json.extend_from_slice(br#","max_batch_size":0,"input":"#);
    write_config_specs(
        &mut json,
        metadata.inputs.iter().map(|spec| (spec, false)).chain([(&key_spec(), true)]),
    );
    json.extend_from_slice(br#","output":"#);
    write_config_specs(&mut json, metadata.outputs.iter().map(|spec| (spec, false)));
    json.push(b'}');
    json
}

fn write_config_specs<'a>(json: &mut Vec<u8>, specs: impl Iterator<Item = (&'a TensorSpec, bool)>) {
    write_list(json, *b"[]", specs, |json, (spec, is_optional)| {
        json.extend_from_slice(br#"{"name":"#);
        write_string(json, &spec.name);
        json.extend_from_slice(br#","data_type":"#);
        let element = if spec.datatype == Datatype::Bytes { "STRING" } else { spec.datatype.name() };
        write_string(json, &format!("TYPE_{element}"));
        json.extend_from_slice(br#","dims":"#);
        write_shape(json, &spec.shape);
        json.extend_from_slice(if is_optional { br#","optional":true}"#.as_slice() } else { b"}" });
    });
}

/// That the model's one version is available, in the words of both that have this route.
///
/// Source: TensorFlow Serving's REST API, "Model status API"; `name` and `ready` are KServe's, V1 protocol.
#[must_use]
pub fn rows_status(metadata: &Metadata) -> Vec<u8> {
    let mut json = br#"{"name":"#.to_vec();
    write_string(&mut json, &metadata.name);
    json.extend_from_slice(br#","ready":true,"model_version_status":[{"version":"#);
    write_string(&mut json, &metadata.version);
    json.extend_from_slice(br#","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}"#);
    json
}

/// The model's signature as a TensorFlow signature.
///
/// Source: TensorFlow Serving's REST API, "Model Metadata API"; datatypes after `types.proto`.
#[must_use]
pub fn rows_metadata(metadata: &Metadata) -> Vec<u8> {
    let mut json = br#"{"model_spec":{"name":"#.to_vec();
    write_string(&mut json, &metadata.name);
    json.extend_from_slice(br#","signature_name":"","version":"#);
    write_string(&mut json, &metadata.version);
    json.extend_from_slice(
        br#"},"metadata":{"signature_def":{"signature_def":{"serving_default":{"inputs":"#,
    );
    write_signature(&mut json, &metadata.inputs);
    json.extend_from_slice(br#","outputs":"#);
    write_signature(&mut json, &metadata.outputs);
    json.extend_from_slice(br#","method_name":"tensorflow/serving/predict"}}}}}"#);
    json
}

fn write_signature(json: &mut Vec<u8>, specs: &[TensorSpec]) {
    write_list(json, *b"{}", specs, |json, spec| {
        write_string(json, &spec.name);
        json.extend_from_slice(br#":{"name":"#);
        write_string(json, &spec.name);
        json.extend_from_slice(br#","dtype":"#);
        write_string(json, tensorflow_name(spec.datatype));
        json.extend_from_slice(br#","tensor_shape":{"dim":"#);
        write_list(json, *b"[]", &spec.shape, |json, dim| {
            json.extend_from_slice(format!(r#"{{"size":"{dim}","name":""}}"#).as_bytes());
        });
        json.extend_from_slice(br#","unknown_rank":false}}"#);
    });
}

const fn tensorflow_name(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::Bool => "DT_BOOL",
        Datatype::Uint8 => "DT_UINT8",
        Datatype::Uint16 => "DT_UINT16",
        Datatype::Uint32 => "DT_UINT32",
        Datatype::Uint64 => "DT_UINT64",
        Datatype::Int8 => "DT_INT8",
        Datatype::Int16 => "DT_INT16",
        Datatype::Int32 => "DT_INT32",
        Datatype::Int64 => "DT_INT64",
        Datatype::Fp16 => "DT_HALF",
        Datatype::Bf16 => "DT_BFLOAT16",
        Datatype::Fp32 => "DT_FLOAT",
        Datatype::Fp64 => "DT_DOUBLE",
        Datatype::Bytes => "DT_STRING",
    }
}

fn key_spec() -> TensorSpec {
    TensorSpec { name: KEY.to_owned(), datatype: Datatype::Bytes, shape: vec![-1] }
}

fn write_specs(json: &mut Vec<u8>, specs: &[TensorSpec]) {
    write_list(json, *b"[]", specs.iter().chain([&key_spec()]), |json, spec| {
        json.extend_from_slice(br#"{"name":"#);
        write_string(json, &spec.name);
        json.extend_from_slice(br#","datatype":"#);
        write_string(json, spec.datatype.name());
        json.extend_from_slice(br#","shape":"#);
        write_shape(json, &spec.shape);
        json.push(b'}');
    });
}

fn write_properties(json: &mut Vec<u8>, metadata: &Metadata) {
    let properties = metadata.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let tensors = [("key_tensor", KEY), ("client_tensor", CLIENT), ("row_error_tensor", ROW_ERROR)];
    write_list(json, *b"{}", properties.chain(tensors), |json, (name, value)| {
        write_string(json, name);
        json.push(b':');
        write_string(json, value);
    });
}
