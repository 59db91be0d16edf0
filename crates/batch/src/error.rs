//! What can go wrong with a job. Its variants carry values; who prints them is elsewhere.

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::parquet::errors::ParquetError;

/// The result of an operation on a job.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path or URI that leads nowhere.
    #[error("`{uri}`: expected {expected}, found {found}")]
    InvalidLocation {
        /// What the user gave.
        uri: String,
        /// What could have stood there.
        expected: &'static str,
        /// What did.
        found: String,
    },
    /// No file is where the user said.
    #[error("`{uri}`: expected at least one file, found none")]
    NoFiles {
        /// What the user gave.
        uri: String,
    },
    /// A store failed, also when asked again if that could have helped.
    #[error("cannot {operation} `{uri}`")]
    Store {
        /// A verb.
        operation: &'static str,
        /// The file or folder.
        uri: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// There is no space left.
    #[error("cannot {operation} `{uri}`: no space left")]
    DiskFull {
        /// A verb.
        operation: &'static str,
        /// The file.
        uri: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store cannot keep two drivers from committing the same chunk.
    #[error("`{uri}`: expected a store that creates a file only if there is none, found {found}")]
    NoConditionalCreate {
        /// The output.
        uri: String,
        /// What the store does instead.
        found: String,
    },
    /// The output belongs to another job.
    #[error(
        "`{uri}` holds another job: expected job `{expected}`, found job `{found}`; choose another output or remove it"
    )]
    OtherJob {
        /// The output.
        uri: String,
        /// The job that was to be there.
        expected: String,
        /// The job that is there.
        found: String,
    },
    /// The output has files already, and no job to which they belong.
    #[error("`{uri}`: expected an output without files, found `{found}`")]
    OutputNotEmpty {
        /// The output.
        uri: String,
        /// One of the files.
        found: String,
    },
    /// There is no job.
    #[error("`{uri}`: expected a job, found none")]
    NoJob {
        /// The output.
        uri: String,
    },
    /// The manifest was written by a version that this one does not understand.
    #[error("`{uri}`: expected a manifest of form {expected}, found form {found}")]
    UnknownForm {
        /// The manifest.
        uri: String,
        /// The form that is understood.
        expected: u32,
        /// The form that is there.
        found: u32,
    },
    /// A file of the job is not what was written.
    #[error("`{uri}` is damaged")]
    Malformed {
        /// The file.
        uri: String,
        /// Where reading it ended.
        source: serde_json::Error,
    },
    /// A part is not as long as its commit says.
    #[error("`{uri}`: expected {expected} bytes, found {found}")]
    WrongSize {
        /// The part.
        uri: String,
        /// The bytes that were written.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// A file that an attempt should have written is not there.
    #[error("`{uri}`: expected a file, found none")]
    Missing {
        /// The file.
        uri: String,
    },
    /// The store said again and again that a file exists, and showed none.
    #[error("`{uri}` can neither be created nor read")]
    Undecided {
        /// The file.
        uri: String,
    },
    /// A file that is no part of the job lies among the parts.
    #[error("`{uri}` is no part of the job: remove it and resume")]
    StrangeFile {
        /// The file.
        uri: String,
    },
    /// A chunk failed, for good or too often.
    #[error("chunk {chunk} failed at attempt {attempts}")]
    ChunkFailed {
        /// The chunk.
        chunk: usize,
        /// How often it was tried.
        attempts: u32,
        /// The last failure.
        source: Box<Error>,
    },
    /// A chunk's work ended without a result.
    #[error("chunk {chunk} broke off: {reason}")]
    BrokenOff {
        /// The chunk.
        chunk: usize,
        /// What the runtime said.
        reason: String,
    },
    /// Somebody said that a chunk is committed, and it is not.
    #[error("chunk {chunk} was said to be committed, and is not")]
    Uncommitted {
        /// The chunk.
        chunk: usize,
    },
    /// A chunk failed where an engine let it run.
    #[error("chunk {chunk} failed elsewhere: {reason}")]
    Elsewhere {
        /// The chunk.
        chunk: usize,
        /// What the engine, or the program there, said.
        reason: String,
    },
    /// A job that was to be published has chunks without a commit.
    #[error("expected {n_chunks} chunks with a commit, found {n_committed}; chunk {chunk} has none")]
    Incomplete {
        /// All chunks.
        n_chunks: usize,
        /// Those that are committed.
        n_committed: usize,
        /// The first that is not.
        chunk: usize,
    },
    /// More rows failed than the user allows.
    #[error("{errors} rows failed, {limit} were allowed")]
    TooManyErrors {
        /// The rows that failed, of all chunks that are committed.
        errors: u64,
        /// The most that may.
        limit: u64,
    },
    /// A larger share of the rows failed than the user allows.
    #[error("{errors} of {rows} rows failed, a share of {limit} was allowed")]
    ErrorRateTooHigh {
        /// The rows that failed, of all chunks that are committed.
        errors: u64,
        /// All rows of these chunks.
        rows: u64,
        /// The largest share that may, from 0 to 1.
        limit: f64,
    },
    /// Nothing to read.
    #[error("expected at least one file to read, found none")]
    NoInput,
    /// A file whose name tells no format.
    #[error("`{uri}`: expected a name that ends in .parquet, .csv, .jsonl or .arrow, or --input-format")]
    UnknownFormat {
        /// The file.
        uri: String,
    },
    /// A file that is not of its format.
    #[error("cannot read `{uri}`: {reason}")]
    Unreadable {
        /// The file.
        uri: String,
        /// What is wrong.
        reason: String,
    },
    /// A file is not the one that was planned.
    #[error("`{uri}` has changed since the job was planned: found {found}")]
    Changed {
        /// The file.
        uri: String,
        /// What is there.
        found: String,
    },
    /// The model is not the job's.
    #[error("expected the job's model with sha256 {expected}, found one with {found}")]
    OtherModel {
        /// The digest in the manifest.
        expected: String,
        /// The digest of the model.
        found: String,
    },
    /// An endpoint serves another model than the job's, or is none.
    #[error("`{url}`: expected the job's model `{expected}`, found `{found}`")]
    OtherModelAt {
        /// The endpoint.
        url: String,
        /// What tells the job's model from others.
        expected: String,
        /// What the endpoint says of its own.
        found: String,
    },
    /// An endpoint does not answer, also when asked again. It may later.
    #[error("`{url}`: expected an answer, found {found}")]
    EndpointDown {
        /// The endpoint.
        url: String,
        /// What came instead.
        found: String,
    },
    /// An endpoint does not take the rows.
    #[error("`{url}`: expected 200, found {found}")]
    EndpointRefused {
        /// The endpoint.
        url: String,
        /// The status, and what it said.
        found: String,
    },
    /// An endpoint answers, but not what it was asked.
    #[error("`{url}`: expected {expected}, found {found}")]
    WrongAnswer {
        /// The endpoint.
        url: String,
        /// What would have been an answer.
        expected: String,
        /// What came instead.
        found: String,
    },
    /// There are no means to reach endpoints.
    #[error("cannot send requests")]
    NoClient(#[source] reqwest::Error),
    /// No model of this name.
    #[error("unknown model `{model}`")]
    UnknownModel {
        /// The name.
        model: String,
    },
    /// The columns do not fit the model, or each other.
    #[error("the input does not fit:{}", listed(.0))]
    Problems(Vec<String>),
    /// Keys that stand in several rows, where each should stand in one.
    #[error("expected each key in one row, found {keys} in more, {rows} rows in all:{}", listed(.named))]
    RepeatedKeys {
        /// The keys that repeat.
        keys: u64,
        /// The rows in which they stand.
        rows: u64,
        /// Some of the keys, with their rows.
        named: Vec<String>,
    },
    /// A query whose answer for a row depends on other rows.
    #[error("expected a query that works row by row (SELECT, WHERE), found {found}")]
    NotRowByRow {
        /// The part of the query.
        found: String,
    },
    /// A query that cannot be understood, or names what is not there.
    #[error("the query cannot be used: {reason}")]
    InvalidQuery {
        /// What is wrong.
        reason: String,
    },
    /// The engine failed to read, compute or encode.
    #[error("the query failed")]
    Query(#[source] Box<DataFusionError>),
    /// The model cannot be run.
    #[error("the model cannot be run")]
    Model(#[source] Box<engine::Error>),
    /// The model answers with another number of rows than it was asked.
    #[error("the model's output `{output}`: expected {expected} rows, found {}", counted(*.found))]
    RowsChanged {
        /// The output.
        output: String,
        /// The rows of the input.
        expected: u64,
        /// The rows of the output.
        found: Option<u64>,
    },
    /// What cannot be.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Error {
    pub(crate) fn internal(what: &'static str) -> Self {
        Self::Internal(what)
    }

    /// Whether what the user gave cannot be used.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        if let Self::ChunkFailed { source, .. } = self {
            return matches!(**source, Self::OtherModelAt { .. });
        }
        matches!(
            self,
            Self::InvalidLocation { .. }
                | Self::NoFiles { .. }
                | Self::NoJob { .. }
                | Self::OtherJob { .. }
                | Self::OutputNotEmpty { .. }
                | Self::NoInput
                | Self::UnknownFormat { .. }
                | Self::Unreadable { .. }
                | Self::OtherModel { .. }
                | Self::OtherModelAt { .. }
                | Self::UnknownModel { .. }
                | Self::Problems(_)
                | Self::RepeatedKeys { .. }
                | Self::NotRowByRow { .. }
                | Self::InvalidQuery { .. }
        )
    }

    pub(crate) fn problems(problems: Vec<columns::Problem>) -> Self {
        Self::Problems(problems.iter().map(ToString::to_string).collect())
    }
}

/// What went through the engine comes out as it was.
impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        let DataFusionError::External(inner) = error else { return Self::Query(Box::new(error)) };
        match inner.downcast() {
            Ok(ours) => *ours,
            Err(other) => Self::Query(Box::new(DataFusionError::External(other))),
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        DataFusionError::from(error).into()
    }
}

fn counted(rows: Option<u64>) -> String {
    rows.map_or_else(|| "none".to_owned(), |rows| rows.to_string())
}

fn listed(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
