//! Compiled functions by content, so that a second model compiles in a fraction of the first one's time.
//!
//! Every packed model holds the same runtime code and differs in data only. Cranelift asks this store for each function
//! before it compiles it. Held in memory, kept as one file; nothing is read until something compiles.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

use wasmtime::CacheStore;

use crate::Result;
use crate::cache::write_atomically;

/// The file's name in the cache folder.
const FILE_NAME: &str = "functions.bin";

type Functions = HashMap<Vec<u8>, Vec<u8>>;

/// Compiled functions of every configuration: their keys tell them apart.
#[derive(Debug)]
pub(crate) struct FunctionsCache {
    path: PathBuf,
    functions: OnceLock<RwLock<Functions>>,
}

impl FunctionsCache {
    /// The store in `folder`.
    pub(crate) fn in_folder(folder: &Path) -> Arc<Self> {
        Arc::new(Self { path: folder.join(FILE_NAME), functions: OnceLock::new() })
    }

    /// Keeps what has been compiled since the start.
    pub(crate) fn save(&self) -> Result<()> {
        let Some(functions) = self.functions.get().and_then(|functions| functions.read().ok()) else {
            return Ok(());
        };
        write_atomically(&self.path, &encode(&functions))
    }

    fn functions(&self) -> &RwLock<Functions> {
        self.functions.get_or_init(|| RwLock::new(std::fs::read(&self.path).map(decode).unwrap_or_default()))
    }
}

impl CacheStore for FunctionsCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let functions = self.functions().read().ok()?;
        functions.get(key).map(|function| Cow::Owned(function.clone()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        self.functions().write().is_ok_and(|mut functions| functions.insert(key.to_vec(), value).is_none())
    }
}

/// Each entry: the length of the key and of the value as `u32`, the key, the value.
fn encode(functions: &Functions) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in functions {
        let (Ok(key_len), Ok(value_len)) = (u32::try_from(key.len()), u32::try_from(value.len())) else {
            continue;
        };
        bytes.extend_from_slice(&key_len.to_le_bytes());
        bytes.extend_from_slice(&value_len.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Reads entries up to the first that is cut off.
fn decode(bytes: Vec<u8>) -> Functions {
    let mut functions = Functions::new();
    let mut rest = bytes.as_slice();
    while let Some((key, value, after)) = split_entry(rest) {
        functions.insert(key.to_vec(), value.to_vec());
        rest = after;
    }
    functions
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key_len, rest) = bytes.split_first_chunk::<4>()?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_len) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
    Some((key, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let functions =
            Functions::from([(b"key".to_vec(), b"code".to_vec()), (b"other".to_vec(), Vec::new())]);
        assert_eq!(decode(encode(&functions)), functions);
    }

    #[test]
    fn a_cut_off_file_gives_its_whole_entries() {
        let functions = Functions::from([(b"key".to_vec(), b"code".to_vec())]);
        let mut bytes = encode(&functions);
        bytes.extend_from_slice(&[9, 0, 0, 0, 1]);
        assert_eq!(decode(bytes), functions);
    }
}
