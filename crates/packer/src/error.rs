//! What keeps a file from becoming a packed model.

use std::fmt;

/// Where to read on.
const WHAT_RUNS: &str =
    "What runs: docs/operators.md has every operator, docs/coverage.md the estimators of scikit-learn";

/// The result of packing.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model was not packed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not an ONNX model.
    #[error("{0}")]
    NotOnnx(String),
    /// Operators that cannot run, inputs and weights of unknown datatypes: all of them.
    #[error("{}", list(.0))]
    Unsupported(Vec<UnsupportedOperator>),
    /// An ONNX model that cannot be served as asked.
    #[error("the model cannot be served: {0}")]
    Invalid(String),
    /// A model that refuses all generated inputs: what it said to the first.
    #[error(
        "the model answers none of the inputs it was tried with, of several sizes and of numbers from 0 to 3: {0}\n`plinth pack --untried` packs it all the same"
    )]
    Unanswering(String),
    /// The model runtime died while it loaded the file.
    #[error("the model runtime failed on this file")]
    RuntimeTrapped(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model runtime is not what this packer was made for.
    #[error("the model runtime cannot be used: {0}")]
    Runtime(String),
    /// The snapshot answers otherwise than the runtime did before it.
    #[error("the packed model answers otherwise than before packing, on generated inputs of {n_rows} rows")]
    Unfaithful {
        /// Rows of the inputs on which they differ.
        n_rows: u64,
    },
    /// The packed model traps where the runtime did not.
    #[error("the packed model lacks what it needs, on generated inputs of {n_rows} rows")]
    Overstripped {
        /// Rows of the inputs on which it traps.
        n_rows: u64,
        /// The trap.
        source: engine::Error,
    },
    /// A row whose answer is another one among other rows.
    #[error(
        "the answer to a row depends on the rows beside it: output `{output}` of generated row {row} differs between the row alone and a batch of {batch_size}"
    )]
    DependentRow {
        /// The first output that differs.
        output: String,
        /// The row.
        row: u64,
        /// The rows of the batch in which it differs.
        batch_size: u64,
    },
    /// An output without a row for each row of the input.
    #[error("output `{output}` has shape {found:?} for {n_rows} rows")]
    ChangedRows {
        /// The output.
        output: String,
        /// Rows of the input.
        n_rows: usize,
        /// The output's shape.
        found: Vec<u64>,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

impl Error {
    /// Whether the file or the options are at fault, not this program.
    #[must_use]
    pub const fn is_input_at_fault(&self) -> bool {
        match self {
            Self::NotOnnx(_)
            | Self::Unsupported(_)
            | Self::Invalid(_)
            | Self::Unanswering(_)
            | Self::DependentRow { .. }
            | Self::ChangedRows { .. } => true,
            Self::RuntimeTrapped(_)
            | Self::Runtime(_)
            | Self::Unfaithful { .. }
            | Self::Overstripped { .. }
            | Self::Engine(_) => false,
        }
    }
}

/// An operator that cannot run, and the nodes that use it; or inputs or weights, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedOperator {
    /// Its name; `input` or `weights`.
    pub operator: String,
    /// Its operator set; empty for what is no operator.
    pub domain: String,
    /// The version of the operator set that the model imports; 0 if it imports none.
    pub opset: i64,
    /// The nodes that use it, by name or by the name of their first output.
    pub nodes: Vec<String>,
    /// Why it cannot run.
    pub reason: String,
}

impl fmt::Display for UnsupportedOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operator, domain, opset, nodes, reason } = self;
        let names = nodes.join("`, `");
        match domain.as_str() {
            "" => write!(f, "{operator} `{names}`: {reason}"),
            _ => write!(f, "{operator} ({domain} opset {opset}) at `{names}`: {reason}"),
        }
    }
}

fn list(operators: &[UnsupportedOperator]) -> String {
    let lines: Vec<String> = operators.iter().map(|operator| format!("\n  {operator}")).collect();
    format!("the model cannot run, for {}:{}\n{WHAT_RUNS}", reasons(operators.len()), lines.concat())
}

fn reasons(count: usize) -> String {
    if count == 1 { "one reason".to_owned() } else { format!("{count} reasons") }
}

/// Wraps wasmtime's error as one of the runtime while it loads.
pub(crate) fn trapped(error: wasmtime::Error) -> Error {
    Error::RuntimeTrapped(error.into_boxed_dyn_error())
}

/// Wraps the error of a Wasm tool as one about the runtime's bytes.
pub(crate) fn runtime_error(error: impl fmt::Display) -> Error {
    Error::Runtime(format!("{error:#}"))
}
