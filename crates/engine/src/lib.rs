//! wasmtime as Plinth uses it: how it is configured, where compiled components are kept, how a function and a model become
//! one component, and how a packed model is called in process.
//!
//! This crate knows no HTTP and no ONNX. `host` serves components with it; `packer` makes them.

#![expect(clippy::disallowed_methods, reason = "keeps compiled components on disk")]

mod bindings;
mod cache;
mod compose;
mod engine;
mod epochs;
mod error;
mod functions_cache;
mod inference;
mod packed_model;
mod settings;

pub use cache::digest;
pub use compose::{MODEL_INTERFACE, plug};
pub use engine::{Component, Engine};
pub use epochs::{NO_DEADLINE, Ticker, epochs};
pub use error::{Error, Result};
pub use inference::Inference;
pub use packed_model::{InstanceLimits, PackedModel, Session};
pub use settings::{Pool, Settings};
