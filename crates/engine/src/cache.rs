//! Compiled components on disk, one file each.
//!
//! A file is named for the digest of the component's bytes and for everything that decides whether its machine code may
//! run here. The folder is trusted like the program itself: whoever can write to it can run code in it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine as Wasmtime;
use wasmtime::component::Component;

use crate::engine::compile_error;
use crate::functions_cache::FunctionsCache;
use crate::{Error, Result};

/// Compiled components of one engine configuration.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    functions: Arc<FunctionsCache>,
}

impl Cache {
    /// The cache for `wasmtime`'s configuration below `folder`.
    pub(crate) fn open(folder: &Path, wasmtime: &Wasmtime, functions: Arc<FunctionsCache>) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        wasmtime.precompile_compatibility_hash().hash(&mut hasher);
        let folder = folder.join(format!("{:016x}", hasher.finish()));
        fs::create_dir_all(&folder).map_err(|source| Error::Cache { path: folder.clone(), source })?;
        Ok(Self { folder, functions })
    }

    /// The compiled component of `wasm`, compiled by `compile` and kept if it is new.
    pub(crate) fn load(
        &self,
        wasm: &[u8],
        wasmtime: &Wasmtime,
        compile: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Component> {
        let path = self.folder.join(format!("{}.cwasm", digest(wasm)));
        if !path.exists() {
            write_atomically(&path, &compile()?)?;
            self.functions.save()?;
        }
        deserialize(wasmtime, &path)
    }
}

#[expect(
    unsafe_code,
    reason = "wasmtime cannot check machine code; the folder is trusted, see the module's words"
)]
fn deserialize(wasmtime: &Wasmtime, path: &Path) -> Result<Component> {
    // SAFETY: the file was written by `Cache::load` from `precompile_component` under this very configuration.
    unsafe { Component::deserialize_file(wasmtime, path) }.map_err(compile_error)
}

/// Writes beside `path` and renames, so that a reader sees all of the file or none.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    NamedTempFile::new_in(folder)
        .and_then(|mut unfinished| {
            unfinished.write_all(bytes)?;
            unfinished.persist(path).map_err(|error| error.error)
        })
        .map(drop)
        .map_err(|source| Error::Cache { path: path.to_path_buf(), source })
}

/// The SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
