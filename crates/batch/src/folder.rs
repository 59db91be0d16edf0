//! The folder of a job: what lies where in the output, and the files that say what the job is and how it stands. Which attempts count
//! is in `commit`, what readers see in `publish`.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commit::{Attempt, Commit};
use crate::job::{FORM, Format, Job};
use crate::status::{State, Status};
use crate::writer::Output;
use crate::{Error, Location, Result};

/// How many small files are read at once.
const AT_ONCE: usize = 32;

/// How many bytes of a part are sent at once. Amazon S3 wants at least 5 MiB and has at most 10,000 pieces to a file.
const PIECE_BYTES: usize = 8 << 20;

/// The output of a job, with `_plinth` in it.
#[derive(Clone, Debug)]
pub struct JobFolder {
    root: Location,
    piece_bytes: usize,
}

/// Whether a job was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was not.
    New,
    /// The same job was: what is committed stays.
    Existing,
}

impl JobFolder {
    /// The folder of a job at this output.
    #[must_use]
    pub fn new(root: Location) -> Self {
        Self { root, piece_bytes: PIECE_BYTES }
    }

    /// Sends parts in pieces of so many bytes.
    #[must_use]
    pub fn with_piece_bytes(self, piece_bytes: usize) -> Self {
        Self { piece_bytes: piece_bytes.max(1), ..self }
    }

    /// The output.
    #[must_use]
    pub fn root(&self) -> &Location {
        &self.root
    }

    /// Writes the manifest, or finds that it is there.
    ///
    /// # Errors
    /// [`Error::OtherJob`]; [`Error::OutputNotEmpty`]; [`Error::NoConditionalCreate`] if the store lacks what commits need;
    /// [`Error::UnknownForm`]; [`Error::Store`], [`Error::DiskFull`], [`Error::Malformed`].
    pub async fn create(&self, job: &Job) -> Result<Created> {
        if let Some(there) = self.job().await? {
            return self.same(job, &there).map(|()| Created::Existing);
        }
        if let Err(error) = self.check_empty().await {
            // Another driver may have come in between.
            let there = self.job().await?.ok_or(error)?;
            return self.same(job, &there).map(|()| Created::Existing);
        }
        self.probe().await?;
        let location = self.manifest_location();
        let was_created = self.create_whole(&location, &json(&location, job)?).await?;
        self.same(job, &self.read().await?)?;
        Ok(if was_created { Created::New } else { Created::Existing })
    }

    /// The job that is there.
    ///
    /// # Errors
    /// [`Error::NoJob`]; [`Error::UnknownForm`]; [`Error::Store`], [`Error::Malformed`].
    pub async fn read(&self) -> Result<Job> {
        self.job().await?.ok_or_else(|| Error::NoJob { uri: self.root.uri().to_owned() })
    }

    /// Keeps the job's packed model with the job, so that whoever runs a chunk needs nothing else.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`].
    pub async fn keep_model(&self, job: &Job, wasm: Bytes) -> Result<()> {
        let location = self.model_location(job);
        match location.size().await? {
            Some(size) if size == wasm.len() as u64 => Ok(()),
            Some(_) => location.replace(&wasm).await,
            None => self.create_whole(&location, &wasm).await.map(|_| ()),
        }
    }

    /// The packed model that was kept with the job, if it was. Its digest is to be compared with the job's.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn model(&self, job: &Job) -> Result<Option<Bytes>> {
        self.model_location(job).read().await
    }

    /// A new attempt at a chunk; nothing is written yet.
    #[must_use]
    pub fn attempt(&self, chunk: usize, format: Format) -> Attempt {
        let id = format!("{:032x}", rand::random::<u128>());
        let output = |location| Output::new(location, self.piece_bytes);
        let part = output(self.part_of_attempt(chunk, &id, format));
        let errors = output(self.errors_of_attempt(chunk, &id));
        Attempt { chunk, id, part, errors }
    }

    /// All commits, by chunk, beside those that are `known`, which are not read again. One that is being made may be missed.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Malformed`].
    pub async fn commits(&self, known: BTreeMap<usize, Commit>) -> Result<BTreeMap<usize, Commit>> {
        let folder = self.root.below("_plinth/commits");
        let names = folder.list().await?.into_iter().map(|meta| folder.name_of(&meta.location));
        let chunks = names.filter_map(|name| name.strip_suffix(".json")?.parse::<usize>().ok());
        let new: Vec<usize> = chunks.filter(|chunk| !known.contains_key(chunk)).collect();
        let read = futures::stream::iter(new)
            .map(|chunk| async move { Ok::<_, Error>((chunk, self.commit_of(chunk).await?)) });
        let read: Vec<(usize, Option<Commit>)> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(known
            .into_iter()
            .chain(read.into_iter().filter_map(|(chunk, commit)| Some((chunk, commit?))))
            .collect())
    }

    /// Tells all drivers to stop, wherever they run.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`].
    pub async fn cancel(&self) -> Result<()> {
        self.cancel_location().replace(&Bytes::new()).await
    }

    /// Lets drivers go on again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn allow(&self) -> Result<()> {
        self.cancel_location().remove().await
    }

    /// Whether drivers should stop.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn is_cancelled(&self) -> Result<bool> {
        Ok(self.cancel_location().size().await?.is_some())
    }

    /// How the job stood when a driver last said so, see [`Status::seen_at`]; but for a job that has published, which nobody takes back.
    ///
    /// # Errors
    /// [`Error::NoJob`]; [`Error::UnknownForm`]; [`Error::Store`], [`Error::Malformed`].
    pub async fn status(&self) -> Result<Status> {
        let said = self.said().await?;
        if said.state == State::Succeeded {
            return Ok(said);
        }
        Ok(match self.published().await? {
            Some(manifest) => said.published(&manifest),
            None => said,
        })
    }

    async fn said(&self) -> Result<Status> {
        let location = self.status_location();
        if let Some(content) = location.read().await? {
            return parsed(&location, &content);
        }
        let job = self.read().await?;
        Ok(Status::planned(&job.id, job.chunks.len()))
    }

    pub(crate) async fn write_status(&self, status: &Status) -> Result<()> {
        let location = self.status_location();
        location.replace(&json(&location, status)?).await
    }

    async fn job(&self) -> Result<Option<Job>> {
        let location = self.manifest_location();
        let Some(content) = location.read().await? else { return Ok(None) };
        let form =
            parsed::<serde_json::Value>(&location, &content)?.get("form").and_then(serde_json::Value::as_u64);
        let found = form.and_then(|form| u32::try_from(form).ok()).unwrap_or_default();
        if found != FORM {
            return Err(Error::UnknownForm { uri: location.uri().to_owned(), expected: FORM, found });
        }
        parsed(&location, &content).map(Some)
    }

    fn same(&self, job: &Job, there: &Job) -> Result<()> {
        if job.id == there.id {
            return Ok(());
        }
        Err(Error::OtherJob {
            uri: self.root.uri().to_owned(),
            expected: job.id.clone(),
            found: there.id.clone(),
        })
    }

    /// What lies where parts will be would be taken for parts.
    async fn check_empty(&self) -> Result<()> {
        for folder in [self.data_location(), self.errors_location(), self.root.below("_plinth/commits")] {
            if let Some(meta) = folder.list().await?.first() {
                let found = folder.below(&folder.name_of(&meta.location)).uri().to_owned();
                return Err(Error::OutputNotEmpty { uri: self.root.uri().to_owned(), found });
            }
        }
        Ok(())
    }

    /// Creates a file twice: a store that lets that pass would let two attempts be committed. The file stays, for another driver may be
    /// about to do the same.
    async fn probe(&self) -> Result<()> {
        let location = self.root.below("_plinth/probe");
        location.create(&Bytes::new()).await?;
        if location.create(&Bytes::new()).await? {
            let found = "one that replaces it".to_owned();
            return Err(Error::NoConditionalCreate { uri: self.root.uri().to_owned(), found });
        }
        Ok(())
    }

    pub(crate) fn commit_location(&self, chunk: usize) -> Location {
        self.root.below(&format!("_plinth/commits/{chunk:05}.json"))
    }

    pub(crate) fn attempts_location(&self) -> Location {
        self.root.below("_plinth/attempts")
    }

    pub(crate) fn part_of_attempt(&self, chunk: usize, attempt: &str, format: Format) -> Location {
        self.root.below(&format!("_plinth/attempts/{chunk:05}/{attempt}.{}", format.extension()))
    }

    pub(crate) fn errors_of_attempt(&self, chunk: usize, attempt: &str) -> Location {
        self.root.below(&format!("_plinth/attempts/{chunk:05}/{attempt}.errors.jsonl"))
    }

    pub(crate) fn data_location(&self) -> Location {
        self.root.below("data")
    }

    pub(crate) fn errors_location(&self) -> Location {
        self.root.below("errors")
    }

    fn manifest_location(&self) -> Location {
        self.root.below("_plinth/job.json")
    }

    /// By its digest: no two models ever have the same place.
    fn model_location(&self, job: &Job) -> Location {
        self.root.below(&format!("_plinth/models/{}.wasm", job.model.sha256))
    }

    fn cancel_location(&self) -> Location {
        self.root.below("_plinth/cancel")
    }

    fn status_location(&self) -> Location {
        self.root.below("_plinth/status.json")
    }
}

pub(crate) fn json(location: &Location, value: &impl Serialize) -> Result<Bytes> {
    let mut content = serde_json::to_vec_pretty(value).map_err(|source| malformed(location, source))?;
    content.push(b'\n');
    Ok(content.into())
}

pub(crate) fn parsed<T: DeserializeOwned>(location: &Location, content: &[u8]) -> Result<T> {
    serde_json::from_slice(content).map_err(|source| malformed(location, source))
}

pub(crate) fn malformed(location: &Location, source: serde_json::Error) -> Error {
    Error::Malformed { uri: location.uri().to_owned(), source }
}
