//! The operators as tract's: parsing, inference of types and shapes, evaluation. The only part of the crate that knows tract.

mod convert;
mod encoders;
mod models;
mod operator;
mod parse;

pub use operator::{MlOp, Rows};
pub use parse::register;
