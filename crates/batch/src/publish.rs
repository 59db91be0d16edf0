//! From commits to what readers see: the parts that count under `data/` and `errors/`, then `manifest.json`, then `_SUCCESS`. Any driver
//! may do it, again or at the same time as others: each step writes what every other driver would write.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use crate::commit::Commit;
use crate::folder::{json, parsed};
use crate::job::{Job, ModelRef};
use crate::{Error, JobFolder, Location, Result};

/// How many files are copied or removed at once.
const AT_ONCE: usize = 16;

/// `manifest.json`: what a job that succeeded has written. The same job has the same, whoever wrote it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The job.
    pub job: String,
    /// What predicted it.
    pub model: ModelRef,
    /// The rows of all parts.
    pub rows: u64,
    /// The rows that failed.
    pub errors: u64,
    /// The bytes of all parts.
    pub bytes: u64,
    /// The parts, by chunk.
    pub parts: Vec<Part>,
}

/// A part of the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its file, from the output on.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The rows that failed.
    pub errors: u64,
    /// The file with these, if there are any.
    pub errors_file: Option<String>,
}

impl Manifest {
    /// What a job has written with these commits, one for each chunk.
    #[must_use]
    pub fn new(job: &Job, commits: &BTreeMap<usize, Commit>) -> Self {
        let parts: Vec<Part> = commits.iter().map(|(&chunk, commit)| part(job, chunk, commit)).collect();
        Self {
            job: job.id.clone(),
            model: job.model.clone(),
            rows: parts.iter().map(|part| part.rows).sum(),
            errors: parts.iter().map(|part| part.errors).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            parts,
        }
    }
}

fn part(job: &Job, chunk: usize, commit: &Commit) -> Part {
    Part {
        file: format!("data/part-{chunk:05}.{}", job.output_format.extension()),
        rows: commit.rows,
        bytes: commit.bytes,
        errors: commit.errors,
        errors_file: (commit.errors > 0).then(|| format!("errors/part-{chunk:05}.jsonl")),
    }
}

impl JobFolder {
    /// What the job has written, if it has succeeded.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Malformed`].
    pub async fn published(&self) -> Result<Option<Manifest>> {
        if self.success_location().size().await?.is_none() {
            return Ok(None);
        }
        let location = self.output_manifest_location();
        let content =
            location.read().await?.ok_or_else(|| Error::Missing { uri: location.uri().to_owned() })?;
        parsed(&location, &content).map(Some)
    }

    /// What the job has written, now that all its chunks are committed: published, unless it was.
    ///
    /// # Errors
    /// [`Error::Incomplete`]; as a driver that publishes.
    pub async fn finish(&self, job: &Job) -> Result<Manifest> {
        if let Some(manifest) = self.published().await? {
            return Ok(manifest);
        }
        let n_chunks = job.chunks.len();
        let mut commits = self.commits(BTreeMap::new()).await?;
        commits.retain(|&chunk, _| chunk < n_chunks);
        if let Some(chunk) = (0..n_chunks).find(|chunk| !commits.contains_key(chunk)) {
            return Err(Error::Incomplete { n_chunks, n_committed: commits.len(), chunk });
        }
        let manifest = self.publish(job, &commits).await?;
        self.clean_up().await;
        Ok(manifest)
    }

    /// Puts the parts of a job where readers look. `commits` has one for each chunk.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::WrongSize`] of a part; [`Error::StrangeFile`]; [`Error::Store`], [`Error::DiskFull`].
    pub(crate) async fn publish(&self, job: &Job, commits: &BTreeMap<usize, Commit>) -> Result<Manifest> {
        let manifest = Manifest::new(job, commits);
        match self.publish_all(job, commits, &manifest).await {
            Ok(()) => Ok(manifest),
            // Whoever was faster has removed the attempts.
            Err(error) => self.published().await?.ok_or(error),
        }
    }

    async fn publish_all(
        &self,
        job: &Job,
        commits: &BTreeMap<usize, Commit>,
        manifest: &Manifest,
    ) -> Result<()> {
        let copies = copies(self, job, commits, manifest);
        let copied = copies.into_iter().map(|(from, to)| async move { from.copy(&to).await });
        futures::stream::iter(copied).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        self.check(manifest, commits).await?;
        let location = self.output_manifest_location();
        location.replace(&json(&location, manifest)?).await?;
        self.sync(&[&location]).await?;
        self.sync_parts(manifest).await?;
        let success = self.success_location();
        success.replace(&Bytes::new()).await?;
        self.sync(&[&success]).await
    }

    /// Waits until the names of the parts are on the disk; their contents are since they were committed.
    async fn sync_parts(&self, manifest: &Manifest) -> Result<()> {
        let (data, errors) = (self.data_location(), self.errors_location());
        let has_errors = manifest.parts.iter().any(|part| part.errors_file.is_some());
        if !manifest.parts.is_empty() {
            self.sync(&[&data]).await?;
        }
        if has_errors { self.sync(&[&errors]).await } else { Ok(()) }
    }

    /// All parts are there, as long as they were when they were committed, and nothing else.
    async fn check(&self, manifest: &Manifest, commits: &BTreeMap<usize, Commit>) -> Result<()> {
        let parts = manifest.parts.iter().map(|part| (part.file.clone(), part.bytes)).collect();
        self.check_folder(&self.data_location(), parts).await?;
        let with_commits = manifest.parts.iter().zip(commits.values());
        let errors =
            with_commits.filter_map(|(part, commit)| Some((part.errors_file.clone()?, commit.error_bytes)));
        self.check_folder(&self.errors_location(), errors.collect()).await
    }

    async fn check_folder(&self, folder: &Location, mut expected: BTreeMap<String, u64>) -> Result<()> {
        for meta in folder.list().await? {
            let name = self.root().name_of(&meta.location);
            let uri = || self.root().below(&name).uri().to_owned();
            match expected.remove(&name) {
                None => return Err(Error::StrangeFile { uri: uri() }),
                Some(bytes) if bytes != meta.size => {
                    return Err(Error::WrongSize { uri: uri(), expected: bytes, found: meta.size });
                }
                Some(_) => {}
            }
        }
        match expected.into_keys().next() {
            Some(missing) => Err(Error::Missing { uri: self.root().below(&missing).uri().to_owned() }),
            None => Ok(()),
        }
    }

    /// Removes what only drivers needed. What cannot be removed stays; no reader looks there.
    pub(crate) async fn clean_up(&self) {
        if let Some(local) = self.attempts_location().local().map(std::path::Path::to_owned) {
            // Also what a store would not list: files that were being written when a driver was killed.
            drop(tokio::task::spawn_blocking(move || std::fs::remove_dir_all(local)).await);
        }
        let attempts = self.attempts_location();
        let left = attempts.list().await.unwrap_or_default().into_iter();
        let left = left.map(|meta| attempts.below(&attempts.name_of(&meta.location)));
        let removed = left.map(|file| async move { drop(file.remove().await) });
        futures::stream::iter(removed).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    fn output_manifest_location(&self) -> Location {
        self.root().below("manifest.json")
    }

    fn success_location(&self) -> Location {
        self.root().below("_SUCCESS")
    }
}

/// Which file becomes which.
fn copies(
    folder: &JobFolder,
    job: &Job,
    commits: &BTreeMap<usize, Commit>,
    manifest: &Manifest,
) -> Vec<(Location, Location)> {
    let mut copies = Vec::new();
    for ((&chunk, commit), part) in commits.iter().zip(&manifest.parts) {
        let from = folder.part_of_attempt(chunk, &commit.attempt, job.output_format);
        copies.push((from, folder.root().below(&part.file)));
        if let Some(errors) = &part.errors_file {
            let from = folder.errors_of_attempt(chunk, &commit.attempt);
            copies.push((from, folder.root().below(errors)));
        }
    }
    copies
}
