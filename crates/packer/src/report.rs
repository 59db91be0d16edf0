//! What the packer found out about a model.

use std::time::Duration;

/// Facts about an ONNX file, read while it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The version of the ONNX format.
    pub ir_version: i64,
    /// The version of `ai.onnx` that it imports.
    pub opset: i64,
    /// The program that wrote it.
    pub producer: String,
    /// Nodes in its graph.
    pub n_nodes: u32,
    /// Bytes of all its weights.
    pub weights_bytes: u64,
    /// Warm-up calls that succeeded.
    pub n_warm_ups: u32,
    /// How long parsing, optimising and warming up took.
    pub load: Duration,
}

/// How long calls took, on generated inputs of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// A fresh instance.
    pub instantiate: Duration,
    /// The first call in it: the median of several instances.
    pub first: Duration,
    /// A later call in it: the median of several.
    pub warm: Duration,
}
