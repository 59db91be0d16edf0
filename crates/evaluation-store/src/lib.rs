//! What continued evaluation keeps in a SQL database: captured predictions and labels in the order in which they came, what is
//! remembered of keys, counters by window and segment, alarms. Any number of instances may write at once.
//!
//! What comes is only appended ([`Store::add_predictions`], [`Store::add_labels`]), so that it is there as soon as it is acknowledged. A
//! *fold* ([`Store::fold`]) takes what is new, in order, into the counters. It says from where to where it reached in the same
//! transaction, on the condition that nobody else got there first: each event is counted once, whoever folds and whoever dies.
//!
//! No I/O of its own: statements go to a [`Database`]. No clock: the time is an argument.

mod alarms;
mod database;
mod events;
mod fold;
mod model;
mod profiles;
mod promises;
mod schema;

pub use alarms::{Due, Raised};
pub use database::{Column, ColumnType, Database, Dialect, Value};
pub use events::{Added, Truth};
pub use fold::{Progress, Waiting};
pub use model::{Settings, Status};
pub use profiles::Selection;
pub use promises::{LadderStatus, PromiseStatus};

/// The result of a call of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something cannot be stored or told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the database failed: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
    /// A row of a request that is none.
    #[error("row {row}: {reason}")]
    Row {
        /// Its place, from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A model that nobody has given a baseline.
    #[error("model `{model}` has no baseline: PUT one to /evaluate/baseline?model={model}")]
    NoBaseline {
        /// The model.
        model: String,
    },
    /// What is stored cannot be read: it was written by another version.
    #[error("what is stored as {what} cannot be read: {reason}")]
    Stored {
        /// What it is.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// A policy that nobody has put.
    #[error("model `{model}` has no policy `{policy}`: PUT it to /evaluate/policy?model={model}")]
    NoPolicy {
        /// The edge model.
        model: String,
        /// The policy's id.
        policy: String,
    },
    /// A policy that cannot be watched.
    #[error("the policy: {0}")]
    Policy(String),
    /// What is to be evaluated is not fit for it.
    #[error(transparent)]
    Evaluation(#[from] evaluation::Error),
}

/// A store in a database.
#[derive(Debug)]
pub struct Store<'d, D> {
    database: &'d D,
}

impl<'d, D: Database> Store<'d, D> {
    /// The store in `database`. Its tables are made when they are first missed.
    pub const fn new(database: &'d D) -> Self {
        Self { database }
    }
}
