//! What only shows when all parts work together, in one test program.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests do I/O and fail by panicking"
)]

mod batch;
mod batch_chunk;
mod batch_endpoint;
mod batch_faults;
mod batch_formats;
mod batch_keys;
mod calibrate;
mod classic;
mod cluster;
mod command;
mod digits;
mod edge;
mod edge_check;
mod evaluate;
mod evaluate_server;
mod files;
mod frameworks;
mod grpc;
mod indices;
mod jobs;
mod keys;
mod node_tests;
mod onnx_runtime;
mod packing;
mod recurrent;
mod sentences;
mod stateless;
