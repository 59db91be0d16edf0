//! The functions' behaviour, as pure handlers from request to response over a model.

mod model;

pub use model::{Model, ModelError};
