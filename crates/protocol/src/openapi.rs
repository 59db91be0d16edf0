//! What a model takes and gives, as OpenAPI: typed from its own signature, so that a client generated from it knows the inputs by
//! name, datatype and shape.
//!
//! It describes JSON; binary tensor data has no schema. What a schema cannot say is left to the answers of status 4xx: that data has
//! the elements that its shape counts, that keys differ, that `1.0` is no whole number here though it is one to JSON Schema.
//! `on_row_error` is not described: where bad rows are reported, a row that breaks the schema is no mistake of the request.
//!
//! Source: OpenAPI 3.1.0, whose schemas are JSON Schema 2020-12.

use serde_json::{Value, json};
use tensor::{CLIENT, Datatype, DuplicateKeys, KEY, Metadata, ROW_ERROR, TensorSpec};

use crate::Maps;

/// The OpenAPI document of the routes of one model and of the server's own.
#[must_use]
pub fn openapi(metadata: &Metadata, server_version: &str) -> Vec<u8> {
    let model = format!("/v2/models/{}", metadata.name);
    let rows = format!("/v1/models/{}", metadata.name);
    let mut paths = serde_json::Map::new();
    let mut get = |path: String, id: &str, schema: &str| {
        paths.insert(path, json!({"get": operation(id, schema, None)}))
    };
    get("/v2".to_owned(), "serverMetadata", "ServerMetadata");
    get("/v2/health/live".to_owned(), "serverLive", "Health");
    get("/v2/health/ready".to_owned(), "serverReady", "Health");
    get("/v2/models".to_owned(), "models", "Models");
    get(model.clone(), "modelMetadata", "ModelMetadata");
    get(format!("{model}/ready"), "modelReady", "ModelReady");
    get(rows.clone(), "modelStatus", "ModelStatus");
    let mut post = |path: String, id: &str, [body, schema]: [&str; 2]| {
        paths.insert(path, json!({"post": operation(id, schema, Some(body))}))
    };
    post(format!("{model}/infer"), "infer", ["InferRequest", "InferResponse"]);
    post(format!("{rows}:predict"), "predict", ["PredictRequest", "PredictResponse"]);
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": metadata.name, "version": metadata.version, "x-plinth-version": server_version},
        "paths": paths,
        "components": {"schemas": schemas(metadata)},
    });
    document.to_string().into_bytes()
}

fn operation(id: &str, schema: &str, body: Option<&str>) -> Value {
    let content = |schema: &str| json!({"application/json": {"schema": reference(schema)}});
    let error = |what: &str| json!({"description": what, "content": content("Error")});
    let mut operation = json!({
        "operationId": id,
        "responses": {
            "200": {"description": "the answer", "content": content(schema)},
            "4XX": error("what is wrong with the request"),
            "5XX": error("the model or the server failed"),
        },
    });
    if let (Some(body), Some(fields)) = (body, operation.as_object_mut()) {
        fields.insert("requestBody".to_owned(), json!({"required": true, "content": content(body)}));
    }
    operation
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn schemas(metadata: &Metadata) -> Value {
    let string = json!({"type": "string"});
    let is_true = json!({"const": true});
    json!({
        "Error": object(&[("error", string.clone()), ("code", string.clone())], &[
            ("id", string.clone()), ("input", string.clone()), ("row", json!({"type": "integer", "minimum": 0})),
            (KEY, reference("Key")), (CLIENT, reference("Client")),
        ]),
        "Client": {"type": "string", "minLength": 1},
        "Key": {"anyOf": [string, integer(i64::MIN.into(), u64::MAX.into())]},
        "Health": object(&[("live", is_true.clone()), ("ready", is_true.clone())], &[]),
        "ServerMetadata": object(&[("name", string.clone()), ("version", string.clone()), ("extensions", list(string.clone()))], &[]),
        "Models": object(&[("models", list(string.clone()))], &[]),
        "ModelReady": object(&[("name", string.clone()), ("ready", is_true)], &[]),
        "ModelStatus": object(&[("model_version_status", list(json!({"type": "object"})))], &[]),
        "ModelMetadata": object(
            &[("name", json!({"const": metadata.name})), ("platform", string.clone())],
            &[("versions", list(string.clone())), ("inputs", list(reference("TensorSpec"))),
              ("outputs", list(reference("TensorSpec"))), ("properties", json!({"type": "object"}))],
        ),
        "TensorSpec": object(
            &[("name", string.clone()), ("datatype", string.clone()), ("shape", list(json!({"type": "integer"})))],
            &[],
        ),
        "InferRequest": infer_request(metadata),
        "InferResponse": object(
            &[("model_name", json!({"const": metadata.name})), ("outputs", answered_tensors(&metadata.outputs))],
            &[("model_version", string.clone()), ("id", string), ("parameters", request_parameters())],
        ),
        "PredictRequest": predict_request(metadata),
        "PredictResponse": object(
            &[("predictions", list(prediction(metadata)))],
            &[(CLIENT, reference("Client"))],
        ),
    })
}

fn infer_request(metadata: &Metadata) -> Value {
    let outputs = metadata.outputs.iter().map(|spec| spec.name.as_str());
    let names: Vec<&str> = outputs.chain([KEY, CLIENT]).collect();
    let output = object(&[("name", json!({"enum": names}))], &[("parameters", parameters())]);
    object(
        &[("inputs", tensors(&metadata.inputs))],
        &[
            ("id", json!({"type": ["string", "null"]})),
            ("parameters", request_parameters()),
            ("outputs", json!({"type": ["array", "null"], "items": output, "uniqueItems": true})),
        ],
    )
}

/// What comes beside rows, all of it optional.
fn predict_request(metadata: &Metadata) -> Value {
    let policies = DuplicateKeys::ALL.map(DuplicateKeys::name);
    object(
        &[("instances", list(instance(metadata)))],
        &[
            ("keys", list(reference("Key"))),
            ("clients", list(reference("Client"))),
            (CLIENT, reference("Client")),
            ("generate_keys", json!({"type": "boolean"})),
            ("on_duplicate_key", json!({"enum": policies})),
        ],
    )
}

/// A list with tensors of these names, and perhaps the keys and clients.
fn tensors(specs: &[TensorSpec]) -> Value {
    let one_of: Vec<Value> = specs.iter().map(tensor).chain([key_tensor(), client_tensor()]).collect();
    let contains =
        |spec: &TensorSpec| json!({"contains": object(&[("name", json!({"const": spec.name}))], &[])});
    let all: Vec<Value> = specs.iter().map(contains).collect();
    json!({"type": "array", "items": {"anyOf": one_of}, "minItems": specs.len(), "maxItems": specs.len() + 2, "allOf": all})
}

/// Those outputs that were asked for, or their best classes, and perhaps the keys, the clients and what is wrong with other rows.
fn answered_tensors(specs: &[TensorSpec]) -> Value {
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let classes = object(
        &[
            ("name", json!({"enum": names})),
            ("datatype", json!({"const": Datatype::Bytes.name()})),
            ("shape", list(json!({"type": "integer", "minimum": 0}))),
            ("data", list(json!({"type": "string"}))),
        ],
        &[],
    );
    let beside = [classes, key_tensor(), client_tensor(), text_tensor(ROW_ERROR, &json!({"type": "string"}))];
    let any_of: Vec<Value> = specs.iter().map(tensor).chain(beside).collect();
    list(json!({"anyOf": any_of}))
}

fn tensor(spec: &TensorSpec) -> Value {
    let dim =
        |dim: &i64| if *dim < 0 { json!({"type": "integer", "minimum": 0}) } else { json!({"const": dim}) };
    let dims: Vec<Value> = spec.shape.iter().map(dim).collect();
    let rank = dims.len();
    let shape =
        json!({"type": "array", "prefixItems": dims, "items": false, "minItems": rank, "maxItems": rank});
    let flat_or_nested = json!({"anyOf": [list(element(spec.datatype)), nested(spec.datatype, &spec.shape)]});
    object(
        &[
            ("name", json!({"const": spec.name})),
            ("datatype", json!({"const": spec.datatype.name()})),
            ("shape", shape),
            ("data", flat_or_nested),
        ],
        &[("parameters", parameters())],
    )
}

fn key_tensor() -> Value {
    let integers = Datatype::ALL.into_iter().filter(|datatype| datatype.is_integer());
    let datatypes: Vec<&str> = integers.chain([Datatype::Bytes]).map(Datatype::name).collect();
    row_tensor(KEY, json!({"enum": datatypes}), reference("Key"))
}

fn client_tensor() -> Value {
    text_tensor(CLIENT, &reference("Client"))
}

fn text_tensor(name: &str, element: &Value) -> Value {
    row_tensor(name, json!({"const": Datatype::Bytes.name()}), element.clone())
}

/// A tensor with one element a row.
fn row_tensor(name: &str, datatype: Value, element: Value) -> Value {
    let size = json!({"type": "integer", "minimum": 0});
    object(
        &[
            ("name", json!({"const": name})),
            ("datatype", datatype),
            ("shape", json!({"type": "array", "items": size, "minItems": 1, "maxItems": 2})),
            ("data", list(element)),
        ],
        &[("parameters", parameters())],
    )
}

/// A row: its inputs by name, or bare if there is one.
fn instance(metadata: &Metadata) -> Value {
    let maps = Maps::of(metadata);
    let fields: Vec<(&str, Value)> =
        metadata.inputs.iter().map(|spec| (spec.name.as_str(), row(spec, &maps, RowOf::Request))).collect();
    let mut named = object(&fields, &[(KEY, reference("Key")), (CLIENT, reference("Client"))]);
    if let Some(named) = named.as_object_mut() {
        named.insert("additionalProperties".to_owned(), json!(false));
    }
    match metadata.inputs.as_slice() {
        [only] => json!({"anyOf": [named, bare(only, RowOf::Request)]}),
        _ => named,
    }
}

/// A row's outputs by name, or bare if there is one and no key; or what is wrong with the row.
fn prediction(metadata: &Metadata) -> Value {
    let maps = Maps::of(metadata);
    let fields: Vec<(&str, Value)> =
        metadata.outputs.iter().map(|spec| (spec.name.as_str(), row(spec, &maps, RowOf::Answer))).collect();
    let names = [(KEY, reference("Key")), (CLIENT, reference("Client"))];
    let bad = object(&[("error", reference("Error"))], &names);
    let mut any_of = vec![object(&fields, &names), bad];
    if let [only] = metadata.outputs.as_slice() {
        any_of.push(row(only, &maps, RowOf::Answer));
    }
    json!({"anyOf": any_of})
}

/// Where a row's value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowOf {
    Request,
    Answer,
}

/// A row's value under its name.
fn row(spec: &TensorSpec, maps: &Maps, of: RowOf) -> Value {
    let Some(labels) = maps.labels(&spec.name) else { return bare(spec, of) };
    let fields: Vec<(&str, Value)> =
        labels.iter().map(|label| (label.as_str(), element(spec.datatype))).collect();
    match of {
        RowOf::Answer => object(&fields, &[]),
        RowOf::Request => json!({"anyOf": [bare(spec, of), object(&[], &fields)]}),
    }
}

/// A row's value, its elements without names.
fn bare(spec: &TensorSpec, of: RowOf) -> Value {
    let value = nested(spec.datatype, spec.row_shape());
    // A scalar fits a row of one element.
    if of == RowOf::Request && spec.row_shape() == [1] {
        return json!({"anyOf": [value, element(spec.datatype)]});
    }
    value
}

fn nested(datatype: Datatype, shape: &[i64]) -> Value {
    match shape.split_first() {
        None => element(datatype),
        Some((&dim, rest)) => {
            let items = nested(datatype, rest);
            if dim < 0 {
                list(items)
            } else {
                json!({"type": "array", "items": items, "minItems": dim, "maxItems": dim})
            }
        }
    }
}

/// Those of a request or its answer.
fn request_parameters() -> Value {
    json!({"type": ["object", "null"], "properties": {CLIENT: reference("Client")}})
}

fn parameters() -> Value {
    json!({"type": ["object", "null"]})
}

fn element(datatype: Datatype) -> Value {
    match datatype {
        Datatype::Bool => json!({"type": "boolean"}),
        Datatype::Uint8 => integer(0, u8::MAX.into()),
        Datatype::Uint16 => integer(0, u16::MAX.into()),
        Datatype::Uint32 => integer(0, u32::MAX.into()),
        Datatype::Uint64 => integer(0, u64::MAX.into()),
        Datatype::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        Datatype::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        Datatype::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        Datatype::Int64 => integer(i64::MIN.into(), i64::MAX.into()),
        // `null` stands for NaN.
        Datatype::Fp32 => json!({"type": ["number", "null"], "minimum": f32::MIN, "maximum": f32::MAX}),
        Datatype::Fp64 => json!({"type": ["number", "null"]}),
        Datatype::Bytes => json!({"type": "string"}),
        // Binary tensor data only.
        Datatype::Fp16 | Datatype::Bf16 => json!(false),
    }
}

fn integer(minimum: i128, maximum: i128) -> Value {
    let number = |number: i128| match i64::try_from(number) {
        Ok(number) => json!(number),
        Err(_) => json!(u64::try_from(number).unwrap_or(u64::MAX)),
    };
    json!({"type": "integer", "minimum": number(minimum), "maximum": number(maximum)})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let fields = required.iter().chain(optional).map(|(name, schema)| ((*name).to_owned(), schema.clone()));
    json!({"type": "object", "required": names, "properties": fields.collect::<serde_json::Map<_, _>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let spec = |name: &str, datatype, shape: &[i64]| TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: shape.to_vec(),
        };
        let metadata = Metadata {
            name: "m".to_owned(),
            inputs: vec![spec("x", Datatype::Uint8, &[-1, 2]), spec("t", Datatype::Bytes, &[-1, 1])],
            outputs: vec![spec("y", Datatype::Fp32, &[-1])],
            ..Metadata::default()
        };
        serde_json::from_slice(&openapi(&metadata, "1.2.3")).unwrap()
    }

    #[test]
    fn rows_are_typed_from_the_signature() {
        let document = document();
        let request = &document["components"]["schemas"]["PredictRequest"];
        let pixel = json!({"type": "integer", "minimum": 0, "maximum": 255});
        let pixels = json!({"type": "array", "items": pixel, "minItems": 2, "maxItems": 2});
        let text = json!({"type": "string"});
        let texts = json!({"type": "array", "items": text, "minItems": 1, "maxItems": 1});
        let expect = json!({
            "type": "object",
            "required": ["x", "t"],
            "additionalProperties": false,
            "properties": {
                "x": pixels, "t": {"anyOf": [texts, text]}, "key": {"$ref": "#/components/schemas/Key"},
                "client": {"$ref": "#/components/schemas/Client"},
            },
        });
        assert_eq!(request["properties"]["instances"]["items"], expect);
    }

    #[test]
    fn maps_are_objects() {
        let spec =
            |name: &str| TensorSpec { name: name.to_owned(), datatype: Datatype::Fp64, shape: vec![-1, 1] };
        let labels = |name: &str| (format!("labels.{name}"), r#"["a"]"#.to_owned());
        let metadata = Metadata {
            inputs: vec![spec("x"), spec("z")],
            outputs: vec![spec("y"), spec("z")],
            properties: vec![labels("x"), labels("y")],
            ..Metadata::default()
        };
        let number = json!({"type": ["number", "null"]});
        let map = json!({"type": "object", "required": ["a"], "properties": {"a": number}});
        assert_eq!(prediction(&metadata)["anyOf"][0]["properties"]["y"], map);
        let given = &instance(&metadata)["properties"]["x"]["anyOf"];
        assert_eq!(given[1], json!({"type": "object", "required": [], "properties": {"a": number}}));
    }

    #[test]
    fn tensors_name_their_datatype_and_shape() {
        let document = document();
        let inputs = &document["components"]["schemas"]["InferRequest"]["properties"]["inputs"];
        let x = &inputs["items"]["anyOf"][0]["properties"];
        assert_eq!((&x["name"], &x["datatype"]), (&json!({"const": "x"}), &json!({"const": "UINT8"})));
        assert_eq!(x["shape"]["prefixItems"], json!([{"type": "integer", "minimum": 0}, {"const": 2}]));
        assert_eq!((&inputs["minItems"], &inputs["maxItems"]), (&json!(2), &json!(4)));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let mut references: Vec<&str> =
            text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        references.sort_unstable();
        references.dedup();
        assert!(references.len() > 8, "{references:?}");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
