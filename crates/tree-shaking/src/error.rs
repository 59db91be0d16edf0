//! What keeps a module from being shaken.

use std::convert::Infallible;

/// The result of shaking.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a module was not shaken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not a core module.
    #[error("the module cannot be read: {0}")]
    Malformed(#[from] wasmparser::Error),
    /// The linked module does not say what refers to what.
    #[error("the linked module has no section `{0}`: it must be linked with `--emit-relocs`")]
    NotRelocatable(&'static str),
    /// The snapshot was not made of the linked module.
    #[error("the snapshot is not of this linked module: their {0} differ")]
    Foreign(&'static str),
    /// The module has what the analysis does not know.
    #[error("the module cannot be shaken: {0}")]
    Unsupported(String),
}

impl From<wasm_encoder::reencode::Error<Infallible>> for Error {
    fn from(error: wasm_encoder::reencode::Error<Infallible>) -> Self {
        match error {
            wasm_encoder::reencode::Error::ParseError(error) => Self::Malformed(error),
            error => Self::Unsupported(error.to_string()),
        }
    }
}
