//! What a server and a model say of themselves.

use tensor::{Datatype, KEY, Metadata, TensorSpec};

use crate::write::{write_list, write_shape, write_string};

/// The extensions of the protocol that are true here.
const EXTENSIONS: [&str; 1] = ["keyed_predictions"];

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

/// The model's signature, with the tensor of keys, which every model takes and returns.
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

fn write_specs(json: &mut Vec<u8>, specs: &[TensorSpec]) {
    let key = TensorSpec { name: KEY.to_owned(), datatype: Datatype::Bytes, shape: vec![-1] };
    write_list(json, *b"[]", specs.iter().chain([&key]), |json, spec| {
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
    write_list(json, *b"{}", properties.chain([("key_tensor", KEY)]), |json, (name, value)| {
        write_string(json, name);
        json.push(b':');
        write_string(json, value);
    });
}
