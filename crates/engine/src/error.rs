//! What can go wrong between bytes and an answer.

use std::path::PathBuf;

/// The result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// wasmtime's error, boxed: its own type is not an `Error`.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// What failed, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// wasmtime refuses the settings on this machine.
    #[error("cannot set up the WebAssembly engine")]
    Configure(#[source] Source),
    /// The bytes are no component, or one that cannot be compiled.
    #[error("cannot compile the component")]
    Compile(#[source] Source),
    /// The component lacks what it should export, or wants imports that nobody gives it.
    #[error("cannot instantiate the component")]
    Instantiate(#[source] Source),
    /// The component trapped: its instance is gone.
    #[error("the component trapped")]
    Trap(#[source] Source),
    /// The function and the model do not fit each other.
    #[error("cannot plug the model into the function: {0}")]
    Plug(String),
    /// The compiled component cannot be kept.
    #[error("cannot use the cache of compiled components at `{path}`", path = path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The tensors do not fit the model's signature.
    #[error("{0}")]
    InvalidInput(String),
    /// The model failed on tensors that fit its signature.
    #[error("the model failed: {0}")]
    Model(String),
    /// The model answered with a tensor whose parts disagree.
    #[error("the model answered with a malformed tensor")]
    MalformedOutput(#[from] tensor::Error),
}
