//! The operators as tract's: parsing, inference of types and shapes, evaluation. The only part of the crate that knows tract.

mod convert;
mod encoders;
mod maps;
mod models;
mod operator;
mod parse;

pub use maps::give_maps_columns;
pub use operator::MlOp;
pub use parse::register;
