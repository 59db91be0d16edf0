//! Which rows of which files were taken, kept in a file beside the counters. Written when they are kept elsewhere: whatever is taken twice
//! after a crash has its key, and is counted once.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{batch::stores, failure::Misuse, files};

/// What was taken, by file.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Taken(BTreeMap<String, Part>);

/// What was taken of a file.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
struct Part {
    n_rows: usize,
    size: u64,
    etag: Option<String>,
}

/// A file with rows that were not taken.
pub(super) struct Grown {
    pub(super) uri: String,
    /// How many rows were taken before.
    pub(super) n_taken: usize,
    size: u64,
    etag: Option<String>,
}

impl Taken {
    pub(super) fn read(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Misuse(format!("`{}`: {error}", path.display())).into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    /// Remembers that `n_new` more rows of a file were taken; the file of what is remembered is old or new, never half.
    pub(super) fn write(&mut self, path: &Path, file: Grown, n_new: usize) -> Result<()> {
        let Grown { uri, n_taken, size, etag } = file;
        self.0.insert(uri, Part { n_rows: n_taken + n_new, size, etag });
        let beside = path.with_extension("new");
        files::write(&beside, &serde_json::to_vec(self)?)?;
        fs::rename(&beside, path).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// The files of these names and patterns that have changed since they were taken; none yet is no error.
pub(super) async fn grown(uris: &[String], taken: &Taken) -> Result<Vec<Grown>> {
    let found = match stores().find(uris).await {
        Ok(found) => found,
        Err(batch::Error::NoFiles { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let grown = found.into_iter().map(|found| found.file).filter_map(|file| {
        let known = taken.0.get(&file.uri);
        if known.is_some_and(|part| part.size == file.size && part.etag == file.etag) {
            return None;
        }
        let n_taken = known.map_or(0, |part| part.n_rows);
        Some(Grown { uri: file.uri, n_taken, size: file.size, etag: file.etag })
    });
    Ok(grown.collect())
}
