//! Reading and writing the files that the user names.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::failure::Misuse;

const WASM_MAGIC: &[u8] = b"\0asm";

/// The file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Misuse(format!("cannot read `{}`: {error}", path.display())).into())
}

/// Writes the file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Whether the bytes are WebAssembly, by their first four.
pub(crate) fn is_wasm(bytes: &[u8]) -> bool {
    bytes.starts_with(WASM_MAGIC)
}

/// The name that a file gives its model: its own, without folder and extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The lines of a file, without empty ones at its end.
pub(crate) fn lines(path: &Path) -> Result<Vec<String>> {
    let text = String::from_utf8(read(path)?)
        .map_err(|_| Misuse(format!("`{}` is not UTF-8 text", path.display())))?;
    Ok(text.trim_end().lines().map(str::to_owned).collect())
}
