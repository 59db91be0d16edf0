//! Compiled functions by content, so that a second model compiles in a fraction of the first one's time.
//!
//! Every packed model holds the same runtime code and differs in data only. Cranelift asks this store for each function
//! before it compiles it. Held in memory, kept as one file that grows at its end; nothing is read until something compiles.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use wasmtime::CacheStore;

use crate::{Error, Result};

/// The file's name in the cache folder.
const FILE_NAME: &str = "functions.bin";

/// The most bytes of the file: some runtimes, each of which has a hundred million. A larger one begins anew.
const MOST_BYTES: u64 = 512 << 20;

type Functions = HashMap<Vec<u8>, Vec<u8>>;

/// Compiled functions of every configuration: their keys tell them apart.
#[derive(Debug)]
pub(crate) struct FunctionsCache {
    path: PathBuf,
    functions: OnceLock<RwLock<Functions>>,
    /// Entries that the file lacks, encoded.
    unsaved: Mutex<Vec<u8>>,
}

impl FunctionsCache {
    /// The store in `folder`.
    pub(crate) fn in_folder(folder: &Path) -> Arc<Self> {
        let path = folder.join(FILE_NAME);
        Arc::new(Self { path, functions: OnceLock::new(), unsaved: Mutex::default() })
    }

    /// Keeps what has been compiled since it was last called.
    pub(crate) fn save(&self) -> Result<()> {
        let unsaved = std::mem::take(&mut *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner));
        if unsaved.is_empty() {
            return Ok(());
        }
        append(&self.path, &unsaved).map_err(|source| Error::Cache { path: self.path.clone(), source })
    }

    fn functions(&self) -> &RwLock<Functions> {
        self.functions.get_or_init(|| RwLock::new(read(&self.path).map(decode).unwrap_or_default()))
    }
}

impl CacheStore for FunctionsCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let functions = self.functions().read().ok()?;
        functions.get(key).map(|function| Cow::Owned(function.clone()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        encode(key, &value, &mut self.unsaved.lock().unwrap_or_else(PoisonError::into_inner));
        self.functions().write().is_ok_and(|mut functions| functions.insert(key.to_vec(), value).is_none())
    }
}

/// The file, while nobody writes it.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.lock_shared()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Adds entries at the end of the file, after the last whole one: another process may have died while it wrote.
fn append(path: &Path, entries: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    let whole = whole_bytes(&file)?;
    let end = if whole + entries.len() as u64 > MOST_BYTES { 0 } else { whole };
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))?;
    file.write_all(entries)
}

/// How many bytes the whole entries of the file take.
fn whole_bytes(file: &File) -> io::Result<u64> {
    let n_bytes = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut whole = 0;
    loop {
        let mut lengths = [0; 8];
        if whole + 8 > n_bytes {
            return Ok(whole);
        }
        reader.read_exact(&mut lengths)?;
        let [k0, k1, k2, k3, v0, v1, v2, v3] = lengths;
        let entry =
            i64::from(u32::from_le_bytes([k0, k1, k2, k3])) + i64::from(u32::from_le_bytes([v0, v1, v2, v3]));
        let after = whole + 8 + entry.unsigned_abs();
        if after > n_bytes {
            return Ok(whole);
        }
        reader.seek_relative(entry)?;
        whole = after;
    }
}

/// An entry: the length of the key and of the value as `u32`, the key, the value.
fn encode(key: &[u8], value: &[u8], bytes: &mut Vec<u8>) {
    let (Ok(key_len), Ok(value_len)) = (u32::try_from(key.len()), u32::try_from(value.len())) else {
        return;
    };
    bytes.extend_from_slice(&key_len.to_le_bytes());
    bytes.extend_from_slice(&value_len.to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
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

    fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(key, value, &mut bytes);
        bytes
    }

    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FunctionsCache::in_folder(folder.path());
        assert!(cache.insert(b"key", b"code".to_vec()));
        cache.save().unwrap();
        assert!(cache.insert(b"other", Vec::new()));
        cache.save().unwrap();
        cache.save().unwrap();
        let found = FunctionsCache::in_folder(folder.path());
        assert_eq!(found.get(b"key").unwrap(), &b"code"[..]);
        assert_eq!(found.get(b"other").unwrap(), &b""[..]);
        assert_eq!(std::fs::read(&cache.path).unwrap().len(), 2 * 8 + 3 + 4 + 5);
    }

    #[test]
    fn what_a_dead_process_left_half_written_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let half = entry(b"half", &[7; 100]);
        std::fs::write(&path, [entry(b"key", b"code"), half[..40].to_vec()].concat()).unwrap();
        append(&path, &entry(b"other", b"more")).unwrap();
        let found = decode(std::fs::read(&path).unwrap());
        let whole = [(b"key".to_vec(), b"code".to_vec()), (b"other".to_vec(), b"more".to_vec())];
        assert_eq!(found, Functions::from(whole));
    }

    #[test]
    fn a_cut_off_file_gives_its_whole_entries() {
        let bytes = [entry(b"key", b"code"), vec![9, 0, 0, 0, 1]].concat();
        assert_eq!(decode(bytes), Functions::from([(b"key".to_vec(), b"code".to_vec())]));
    }
}
