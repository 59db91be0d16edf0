//! Turns an ONNX file into a packed model: a component that exports `plinth:model/inference` and imports nothing.
//!
//! The way: the model runtime (a core module) is encoded as a component of world `model-runtime`, instrumented, and asked
//! to load the file; its memory is then written back into the module, which is encoded again as world `model`, without
//! the loader. What leaves here has answered generated inputs exactly as the runtime did before the snapshot.

#![expect(clippy::disallowed_methods, reason = "tells how long things take")]

mod bindings;
mod error;
mod loading;
mod memory;
mod module;
mod options;
mod pack;
mod rehearsal;
mod report;
mod rows;
mod runtime;
mod samples;
mod size;
mod verify;

pub use error::{Error, Result, UnsupportedOperator};
pub use options::Options;
pub use pack::{Packed, examine, pack};
pub use rehearsal::{Rehearsal, Rehearsed};
pub use report::{Loaded, Timings};
pub use rows::{RowsChecked, check_rows};
pub use size::Sizes;
pub use verify::time;
