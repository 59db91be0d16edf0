//! The commit of a chunk: of all attempts that were ever made at it, exactly one counts, and everybody can tell which. The store
//! decides, by creating `_plinth/commits/<chunk>.json` only if it is not there.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::folder::{malformed, parsed};
use crate::retry::is_transient;
use crate::writer::Output;
use crate::{Error, JobFolder, Location, Result};

/// How often a store may say that the commit exists and then show none, as it does while two are creating it at once.
const LOOKS: u32 = 5;

/// What came of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkReport {
    /// The rows of the part.
    pub rows: u64,
    /// The rows that failed: the lines of the errors file, which is there only if there are any.
    pub errors: u64,
    /// The bytes of the part.
    pub bytes: u64,
}

/// What the work on a chunk leaves to its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worked {
    /// The files of the attempt are written; the driver commits it.
    Written(ChunkReport),
    /// Whoever did the work has committed an attempt of its own, or found one committed. What the driver's attempt has written counts
    /// for nothing.
    Committed,
}

impl From<ChunkReport> for Worked {
    fn from(report: ChunkReport) -> Self {
        Self::Written(report)
    }
}

/// Why there is no report.
#[derive(Debug)]
pub struct ChunkFailure {
    /// Whether another attempt may succeed.
    pub is_transient: bool,
    /// What failed.
    pub error: Box<Error>,
}

impl ChunkFailure {
    /// A failure that another attempt may not meet.
    #[must_use]
    pub fn transient(error: Error) -> Self {
        Self { is_transient: true, error: Box::new(error) }
    }

    /// A failure that every attempt would meet.
    #[must_use]
    pub fn permanent(error: Error) -> Self {
        Self { is_transient: false, error: Box::new(error) }
    }
}

/// By what a store, the network or the file system said: anything else is permanent.
impl From<Error> for ChunkFailure {
    fn from(error: Error) -> Self {
        Self { is_transient: is_transient(&error), error: Box::new(error) }
    }
}

/// An attempt at a chunk: the files that it may write, which nobody looks for before it is committed.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The chunk.
    pub chunk: usize,
    /// What tells it from every other attempt.
    pub id: String,
    /// The part.
    pub part: Output,
    /// Its bad rows, to be written only if there are any.
    pub errors: Output,
}

impl Attempt {
    /// What it has written.
    fn files(&self, report: ChunkReport) -> Vec<&Location> {
        let errors = (report.errors > 0).then(|| self.errors.location());
        std::iter::once(self.part.location()).chain(errors).collect()
    }

    /// Removes what it has written, as far as the store lets it. Never called once its commit may be there.
    pub(crate) async fn discard(&self) {
        self.part.discard().await;
        self.errors.discard().await;
    }
}

/// The attempt that counts, as `_plinth/commits/<chunk>.json` names it. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The attempt.
    pub attempt: String,
    /// The rows of its part.
    pub rows: u64,
    /// The rows that failed.
    pub errors: u64,
    /// The bytes of its part.
    pub bytes: u64,
    /// The bytes of its errors file; 0 if there is none.
    pub error_bytes: u64,
}

impl Commit {
    /// What came of the chunk.
    #[must_use]
    pub fn report(&self) -> ChunkReport {
        ChunkReport { rows: self.rows, errors: self.errors, bytes: self.bytes }
    }
}

/// What became of an attempt that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It counts.
    Won(Commit),
    /// Another one counts; the files of this one are gone.
    Lost(Commit),
}

impl Committed {
    /// The attempt that counts.
    #[must_use]
    pub fn commit(&self) -> &Commit {
        match self {
            Self::Won(commit) | Self::Lost(commit) => commit,
        }
    }
}

impl JobFolder {
    /// Makes the attempt the one that counts, unless another one does already.
    ///
    /// # Errors
    /// [`Error::WrongSize`] if the files are not what the report says; [`Error::Store`], [`Error::DiskFull`], [`Error::Malformed`].
    /// After an error the attempt may count or come to count, so its files stay.
    pub async fn commit(&self, attempt: &Attempt, report: ChunkReport) -> Result<Committed> {
        let commit = record(attempt, report).await?;
        self.sync(&attempt.files(report)).await?;
        let winner = self.winner(attempt.chunk, &commit).await?;
        if winner.attempt == attempt.id {
            return Ok(Committed::Won(winner));
        }
        attempt.discard().await;
        Ok(Committed::Lost(winner))
    }

    /// The commit of the chunk, if it has one.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Malformed`].
    pub async fn commit_of(&self, chunk: usize) -> Result<Option<Commit>> {
        let location = self.commit_location(chunk);
        location.read().await?.map(|content| parsed(&location, &content)).transpose()
    }

    /// The commit that counts, now that this one has been put forward.
    async fn winner(&self, chunk: usize, commit: &Commit) -> Result<Commit> {
        let location = self.commit_location(chunk);
        let content = Bytes::from(serde_json::to_vec(commit).map_err(|source| malformed(&location, source))?);
        for look in 1..=LOOKS {
            if self.create_whole(&location, &content).await? {
                return Ok(commit.clone());
            }
            if let Some(winner) = self.commit_of(chunk).await? {
                return Ok(winner);
            }
            tokio::time::sleep(location.backoff().delay(look, rand::random())).await;
        }
        Err(Error::Undecided { uri: location.uri().to_owned() })
    }
}

async fn record(attempt: &Attempt, report: ChunkReport) -> Result<Commit> {
    let bytes = size_of(attempt.part.location()).await?;
    if bytes != report.bytes {
        let uri = attempt.part.location().uri().to_owned();
        return Err(Error::WrongSize { uri, expected: report.bytes, found: bytes });
    }
    let error_bytes = match report.errors {
        0 => 0,
        _ => size_of(attempt.errors.location()).await?,
    };
    Ok(Commit { attempt: attempt.id.clone(), rows: report.rows, errors: report.errors, bytes, error_bytes })
}

async fn size_of(location: &Location) -> Result<u64> {
    location.size().await?.ok_or_else(|| Error::Missing { uri: location.uri().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Format;
    use crate::testing::{folder_in_memory, names};

    async fn written(folder: &JobFolder, rows: &[u8], errors: &[u8]) -> (Attempt, ChunkReport) {
        let attempt = folder.attempt(3, Format::Jsonl);
        let mut part = attempt.part.writer();
        part.write(rows).await.unwrap();
        let bytes = part.finish().await.unwrap();
        if !errors.is_empty() {
            attempt.errors.location().replace(&Bytes::copy_from_slice(errors)).await.unwrap();
        }
        let report = ChunkReport { rows: rows.len() as u64, errors: errors.len() as u64, bytes };
        (attempt, report)
    }

    #[tokio::test]
    async fn the_first_of_two_attempts_counts_and_the_other_vanishes() {
        let folder = folder_in_memory();
        let (early, early_report) = written(&folder, b"early", b"e").await;
        let (late, late_report) = written(&folder, b"late", b"ee").await;
        let won = folder.commit(&early, early_report).await.unwrap();
        assert!(
            matches!(&won, Committed::Won(commit) if commit.attempt == early.id && commit.error_bytes == 1)
        );
        let lost = folder.commit(&late, late_report).await.unwrap();
        assert_eq!(lost, Committed::Lost(won.commit().clone()));
        let expect = [
            format!("_plinth/attempts/00003/{}.errors.jsonl", early.id),
            format!("_plinth/attempts/00003/{}.jsonl", early.id),
            "_plinth/commits/00003.json".to_owned(),
        ];
        assert_eq!(names(folder.root()).await, expect);
    }

    #[tokio::test]
    async fn committing_twice_changes_nothing() {
        let folder = folder_in_memory();
        let (attempt, report) = written(&folder, b"rows", b"").await;
        let first = folder.commit(&attempt, report).await.unwrap();
        assert_eq!(folder.commit(&attempt, report).await.unwrap(), first);
        assert_eq!(folder.commit_of(3).await.unwrap().as_ref(), Some(first.commit()));
        assert_eq!(folder.commit_of(4).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_part_that_is_not_what_the_report_says_is_not_committed() {
        let folder = folder_in_memory();
        let (attempt, report) = written(&folder, b"rows", b"").await;
        let longer = ChunkReport { bytes: 5, ..report };
        assert!(matches!(
            folder.commit(&attempt, longer).await,
            Err(Error::WrongSize { expected: 5, found: 4, .. })
        ));
        let more_errors = ChunkReport { errors: 1, ..report };
        assert!(matches!(folder.commit(&attempt, more_errors).await, Err(Error::Missing { .. })));
        let unwritten = folder.attempt(3, Format::Jsonl);
        assert!(matches!(folder.commit(&unwritten, report).await, Err(Error::Missing { .. })));
        assert_eq!(folder.commit_of(3).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_damaged_commit_is_named() {
        let folder = folder_in_memory();
        let location = folder.root().below("_plinth/commits/00003.json");
        location.replace(&Bytes::from_static(b"{\"attempt\"")).await.unwrap();
        let Err(Error::Malformed { uri, .. }) = folder.commit_of(3).await else { panic!() };
        assert_eq!(uri, location.uri());
    }
}
