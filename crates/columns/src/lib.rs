//! Arrow columns to tensors, and tensors to Arrow columns; a row that does not fit has an error and stops no other.
//!
//! Nothing here reads a file, names a model's runtime or knows where rows come from: columns in, tensors out. The values are those that
//! the same rows have as JSON, bit for bit:
//!
//! - **Integers** fit integer inputs if they are in range, and float inputs, rounded once to the nearest.
//! - **Floats** fit float inputs, rounded once to the nearest. A finite number beyond the input's range is an error of its row; an
//!   infinity stays one. Floats never fit integer inputs.
//! - **Booleans** fit `BOOL`; **texts and binaries** fit `BYTES`.
//! - **Texts** also fit numeric inputs and `BOOL`: each is a number as JSON writes it, or `true` or `false`. White space around it
//!   counts for nothing, an empty text is null, and `NaN`, `inf`, `+1`, `.5` and `007` are no numbers. `FP16` and `BF16` have no such
//!   form, as in JSON.
//! - **Null** is NaN where the input is `FP16`, `BF16`, `FP32` or `FP64`, and an error of its row elsewhere.
//! - **Dictionaries** stand for their values.
//!
//! Rows and elements are counted from 0.

mod binding;
mod elements;
mod fill;
mod keys;
mod lists;
mod outputs;
mod problem;
mod rows;
mod scalars;
mod text;

pub use binding::Binding;
pub use keys::{KeysRead, keys};
pub use outputs::{output_columns, output_fields};
pub use problem::Problem;
pub use rows::{RowError, Rows};
