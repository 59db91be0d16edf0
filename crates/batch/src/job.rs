//! The manifest of a job: what is read, what predicts it, how it is cut into chunks, where it goes. Planned once, never changed.
//!
//! It holds all that decides a job's output; how many chunks run at once, or how often they are tried again, is not part of it.

use serde::{Deserialize, Serialize};

/// The version of the manifest's form. A driver refuses another.
pub const FORM: u32 = 1;

/// A job, as `_plinth/job.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// [`FORM`].
    pub form: u32,
    /// What tells this job from others at the same place: the digest of all that follows.
    pub id: String,
    /// The model.
    pub model: ModelRef,
    /// How rows become inputs and what is kept of them.
    pub rows: Rows,
    /// How files are read.
    pub input_format: Format,
    /// How parts are written.
    pub output_format: Format,
    /// The files, pinned.
    pub files: Vec<InputFile>,
    /// The chunks, numbered by their place in this list.
    pub chunks: Vec<Chunk>,
}

/// The model of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it was when the job was planned.
    pub uri: String,
    /// The SHA-256 of the packed model, in hexadecimal. A driver refuses a model with another.
    pub sha256: String,
}

/// How rows become inputs, and what is kept of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The column with the key.
    pub key: String,
    /// The columns that are the model's inputs, in the order in which they make up a row.
    pub features: Vec<String>,
    /// The columns that are written beside key and outputs, as they were read.
    pub keep: Vec<String>,
    /// A query over the table `input` that is put before the model, row by row.
    pub sql: Option<String>,
    /// The most rows that the model gets at once.
    pub micro_batch: u32,
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Arrow's file format.
    Arrow,
}

impl Format {
    /// What the name of a file in it ends with, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Arrow => "arrow",
        }
    }
}

/// A file as it was when the job was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Where it is.
    pub uri: String,
    /// Its length in bytes.
    pub size: u64,
    /// What its store says that changes with its content, if it says so.
    pub etag: Option<String>,
    /// The values of its path's `name=value` folders, which are columns of each of its rows.
    pub partition: Vec<(String, String)>,
}

/// A part of a file: its rows become one part of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// The file, by its place in the list of files.
    pub file: usize,
    /// Where it begins: a byte, for Parquet and Arrow a row group or record batch.
    pub start: u64,
    /// Where it ends, exclusive, in the same unit.
    pub end: u64,
    /// The number of its first row in the file, from 0.
    pub first_row: u64,
    /// How many rows it has; not known of a compressed text file.
    pub n_rows: Option<u64>,
}
