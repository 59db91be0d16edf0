//! Batch Serving: data sets cut into chunks, predicted by a packed model, committed chunk by chunk. No HTTP server, no printing.

mod chunk;
mod commit;
mod dataset;
mod driver;
mod durable;
mod endpoint;
mod error;
mod events;
mod files;
mod folder;
mod function;
mod inputs;
mod job;
mod keys;
mod location;
mod part;
mod plan;
mod predict;
mod publish;
mod query;
mod retry;
mod scan;
mod sql;
mod status;
mod stores;
#[cfg(test)]
mod testing;
mod work;
mod writer;

pub use commit::{Attempt, ChunkFailure, ChunkReport, Commit, Committed, Worked};
pub use driver::{Attempted, Attempts, Clock, Hooks, Options, Stop, Summary, run};
pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use events::{Event, Progress, Stopping};
pub use files::{ColumnKind, FileColumn, TABLE, Table};
pub use folder::{Created, JobFolder};
pub use function::{Models, function};
pub use inputs::Found;
pub use job::{Chunk, FORM, Format, InputFile, Job, ModelRef, Rows};
pub use keys::{Keys, Place, RepeatedKey};
pub use location::Location;
pub use plan::{CHUNK_ROWS, Request, format_of, plan};
pub use predict::Predictor;
pub use publish::{Manifest, Part};
pub use retry::{Backoff, chain, is_transient};
pub use sql::{query, table};
pub use status::{STALE, State, Status};
pub use stores::Stores;
pub use work::{Sample, Work};
pub use writer::{Output, Writer};

/// Rows as the engine has them.
pub use datafusion::arrow::array::RecordBatch;
