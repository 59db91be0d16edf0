//! What the functions do, as pure handlers from request to response over a model.
//!
//! A handler is total: any bytes give a response, with a documented body. No handler does I/O or reads a clock, the
//! environment or randomness; a response is a function of the request and the model alone.

mod model;
pub mod predict;
mod reply;

#[cfg(test)]
mod fake;

pub use model::{Model, ModelError};
pub use reply::Failure;
