//! The packed models that the user names, or that ONNX files become in memory.

use std::path::Path;

use anyhow::{Context as _, Result};
use engine::{Engine, PackedModel};
use packer::Options;

use crate::failure::Misuse;
use crate::files;

/// A packed model, opened, and its bytes.
pub(crate) struct Opened {
    pub(crate) model: PackedModel,
    pub(crate) wasm: Vec<u8>,
}

/// The packed model that the file is, or becomes; an ONNX file is packed in memory and named for its file.
pub(crate) fn open(engine: &Engine, path: &Path) -> Result<Opened> {
    let bytes = files::read(path)?;
    if files::is_wasm(&bytes) {
        return open_packed(engine, path, bytes);
    }
    let options = Options { name: files::stem(path), version: "1".to_owned(), ..Options::default() };
    let packed = packer::pack(engine, artifacts::MODEL_RUNTIME, &bytes, &options)
        .with_context(|| format!("cannot pack `{}`", path.display()))?;
    Ok(Opened { model: PackedModel::open(engine, &packed.wasm)?, wasm: packed.wasm })
}

/// The packed model that `wasm`, read from `path`, must be.
pub(crate) fn open_packed(engine: &Engine, path: &Path, wasm: Vec<u8>) -> Result<Opened> {
    let misuse = |error| Misuse(format!("`{}` is not a packed model: {error:#}", path.display()));
    let model = PackedModel::open(engine, &wasm).map_err(anyhow::Error::from).map_err(misuse)?;
    Ok(Opened { model, wasm })
}
