//! What the functions do, as pure handlers from request to response over a model.
//!
//! A handler is total: any bytes give a response, with a documented body. No handler does I/O or reads a clock, the
//! environment or randomness; a response is a function of the request and the model alone.

pub mod batch_chunk;
pub mod capture;
pub mod edge_check;
mod encoding;
pub mod evaluate;
pub mod files;
pub mod grpc;
mod model;
pub mod predict;
mod reply;

/// The length of the JSON at the beginning of a body in binary form.
///
/// Source: Open Inference Protocol V2, "Binary Tensor Data Extension".
pub(crate) const HEADER_LENGTH: http::HeaderName =
    http::HeaderName::from_static("inference-header-content-length");

#[cfg(test)]
mod fake;

pub use model::{Model, ModelError};
pub use reply::Failure;
