//! The messages of the service. Those of the answers about servers and models are also what the HTTP form answers in JSON.
//!
//! Source: Open Inference Protocol V2, `open_inference_grpc.proto`; `ModelConfig` and `RepositoryIndex` are those of Triton's
//! `grpc_service.proto` and `model_config.proto`, as far as they are answered here.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Deserializer};

use super::parameters::Parameters;

/// The answer of `ServerLive`, `ServerReady` and `ModelReady`: the one field has the same number in all of them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Condition {
    #[prost(bool, tag = "1")]
    pub(crate) is_so: bool,
}

/// The request of `ModelReady`, `ModelMetadata` and `ModelConfig`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ServerMetadata {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) extensions: Vec<String>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ModelMetadata {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) versions: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) platform: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) inputs: Vec<TensorMetadata>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) outputs: Vec<TensorMetadata>,
    #[prost(btree_map = "string, string", tag = "6")]
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct TensorMetadata {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) shape: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RepositoryIndexRequest {
    #[prost(string, tag = "1")]
    pub(crate) repository_name: String,
    #[prost(bool, tag = "2")]
    pub(crate) ready: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RepositoryIndex {
    #[prost(message, repeated, tag = "1")]
    pub(crate) models: Vec<ModelIndex>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct ModelIndex {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(string, tag = "3")]
    pub(crate) state: String,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelConfigAnswer {
    #[prost(message, optional, tag = "1")]
    pub(crate) config: Option<ModelConfig>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ModelConfig {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) platform: String,
    #[prost(int32, tag = "4")]
    pub(crate) max_batch_size: i32,
    #[prost(message, repeated, tag = "5")]
    pub(crate) input: Vec<ConfigInput>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) output: Vec<ConfigOutput>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ConfigInput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(enumeration = "ConfigType", tag = "2")]
    #[serde(deserialize_with = "config_type")]
    pub(crate) data_type: i32,
    #[prost(int64, repeated, tag = "4")]
    pub(crate) dims: Vec<i64>,
    #[prost(bool, tag = "8")]
    #[serde(default)]
    pub(crate) optional: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ConfigOutput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(enumeration = "ConfigType", tag = "2")]
    #[serde(deserialize_with = "config_type")]
    pub(crate) data_type: i32,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) dims: Vec<i64>,
}

/// `inference.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration, Deserialize)]
#[repr(i32)]
pub(crate) enum ConfigType {
    #[serde(rename = "TYPE_INVALID")]
    Invalid = 0,
    #[serde(rename = "TYPE_BOOL")]
    Bool = 1,
    #[serde(rename = "TYPE_UINT8")]
    Uint8 = 2,
    #[serde(rename = "TYPE_UINT16")]
    Uint16 = 3,
    #[serde(rename = "TYPE_UINT32")]
    Uint32 = 4,
    #[serde(rename = "TYPE_UINT64")]
    Uint64 = 5,
    #[serde(rename = "TYPE_INT8")]
    Int8 = 6,
    #[serde(rename = "TYPE_INT16")]
    Int16 = 7,
    #[serde(rename = "TYPE_INT32")]
    Int32 = 8,
    #[serde(rename = "TYPE_INT64")]
    Int64 = 9,
    #[serde(rename = "TYPE_FP16")]
    Fp16 = 10,
    #[serde(rename = "TYPE_FP32")]
    Fp32 = 11,
    #[serde(rename = "TYPE_FP64")]
    Fp64 = 12,
    #[serde(rename = "TYPE_STRING")]
    String = 13,
    #[serde(rename = "TYPE_BF16")]
    Bf16 = 14,
}

fn config_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    ConfigType::deserialize(deserializer).map(i32::from)
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferRequest {
    #[prost(string, tag = "1")]
    pub(crate) model_name: String,
    #[prost(string, tag = "2")]
    pub(crate) model_version: String,
    #[prost(string, tag = "3")]
    pub(crate) id: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: Parameters,
    #[prost(message, repeated, tag = "5")]
    pub(crate) inputs: Vec<InferInput>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) outputs: Vec<RequestedOutput>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub(crate) raw_input_contents: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferInput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) shape: Vec<i64>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: Parameters,
    #[prost(message, optional, tag = "5")]
    pub(crate) contents: Option<InferTensorContents>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestedOutput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(btree_map = "string, message", tag = "2")]
    pub(crate) parameters: Parameters,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferResponse {
    #[prost(string, tag = "1")]
    pub(crate) model_name: String,
    #[prost(string, tag = "2")]
    pub(crate) model_version: String,
    #[prost(string, tag = "3")]
    pub(crate) id: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: Parameters,
    #[prost(message, repeated, tag = "5")]
    pub(crate) outputs: Vec<InferOutput>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub(crate) raw_output_contents: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferOutput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) shape: Vec<i64>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: Parameters,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferParameter {
    #[prost(oneof = "infer_parameter::Choice", tags = "1, 2, 3, 4, 5")]
    pub(crate) choice: Option<infer_parameter::Choice>,
}

/// The one value of a parameter.
pub(crate) mod infer_parameter {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Choice {
        #[prost(bool, tag = "1")]
        Bool(bool),
        #[prost(int64, tag = "2")]
        Int64(i64),
        #[prost(string, tag = "3")]
        String(String),
        #[prost(double, tag = "4")]
        Double(f64),
        #[prost(uint64, tag = "5")]
        Uint64(u64),
    }
}

/// Elements by the list that their datatype has.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferTensorContents {
    #[prost(bool, repeated, tag = "1")]
    pub(crate) bool_contents: Vec<bool>,
    #[prost(int32, repeated, tag = "2")]
    pub(crate) int_contents: Vec<i32>,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) int64_contents: Vec<i64>,
    #[prost(uint32, repeated, tag = "4")]
    pub(crate) uint_contents: Vec<u32>,
    #[prost(uint64, repeated, tag = "5")]
    pub(crate) uint64_contents: Vec<u64>,
    #[prost(float, repeated, tag = "6")]
    pub(crate) fp32_contents: Vec<f32>,
    #[prost(double, repeated, tag = "7")]
    pub(crate) fp64_contents: Vec<f64>,
    #[prost(bytes = "bytes", repeated, tag = "8")]
    pub(crate) bytes_contents: Vec<Bytes>,
}
