//! The work of a job: what an attempt at a chunk does, and a look at its first rows. When chunks run, and what counts, is the driver's
//! business.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use serde_json::Value;

use crate::chunk::{part_schema, predictions, sort, unpredicted, unreadable_row};
use crate::commit::{Attempt, ChunkFailure, ChunkReport, Commit};
use crate::dataset::Dataset;
use crate::job::{Chunk, Job};
use crate::keys::Keys;
use crate::part::Encoder;
use crate::predict::Predictor;
use crate::scan::Source;
use crate::writer::Writer;
use crate::{Endpoint, Error, Found, JobFolder, Result, Stores};

/// All that attempts at a job's chunks need.
pub struct Work {
    data: Dataset,
    predictor: Arc<Predictor>,
    place: Place,
}

/// Where rows are predicted.
enum Place {
    /// In this process.
    Here,
    /// By a function that is deployed.
    At(Endpoint),
}

/// What the first rows of a job gave.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The predictions, with key and kept columns.
    pub rows: Vec<RecordBatch>,
    /// What is reported of bad rows, as JSON objects.
    pub errors: Vec<Value>,
    /// How long it took.
    pub duration: Duration,
}

impl Work {
    /// The work of `job`, by a model that must be its own.
    ///
    /// # Errors
    /// [`Error::OtherModel`]; [`Error::NoInput`]; what the stores say.
    pub async fn new(
        stores: &Stores,
        job: Arc<Job>,
        predictor: Predictor,
        model_sha256: &str,
    ) -> Result<Self> {
        if job.model.sha256 != model_sha256 {
            return Err(Error::OtherModel {
                expected: job.model.sha256.clone(),
                found: model_sha256.to_owned(),
            });
        }
        Ok(Self {
            data: Dataset::open(stores, job).await?,
            predictor: Arc::new(predictor),
            place: Place::Here,
        })
    }

    /// The same work, with rows predicted by an endpoint, which must serve the same model.
    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Self {
        Self { place: Place::At(endpoint), ..self }
    }

    /// Predicts a chunk into the files of an attempt.
    ///
    /// # Errors
    /// [`ChunkFailure`]: transient if a store or the network failed, permanent for anything else.
    pub async fn attempt(&self, attempt: Attempt) -> Result<ChunkReport, ChunkFailure> {
        let (chunk, found) = self.data.chunk(attempt.chunk)?;
        check_unchanged(found).await?;
        let job = &self.data.job;
        let source = self.data.source(found, chunk, job.rows.micro_batch as usize);
        let unreadable = source.unreadable.clone();
        let (stream, schema) = self.open(source).await?;
        let mut part = Part::new(job, &schema, &attempt)?;
        let mut stream = stream;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(Error::from)?;
            let sorted = sort(&batch, &schema, job, &found.file.uri)?;
            let lines = unreadable.take().into_iter().map(|row| unreadable_row(&row, &found.file.uri));
            part.add(&sorted.good, lines.chain(sorted.bad)).await?;
        }
        let lines = unreadable.take().into_iter().map(|row| unreadable_row(&row, &found.file.uri));
        part.add_errors(lines).await?;
        Ok(part.finish().await?)
    }

    /// Predicts a chunk and commits what it gave, unless it is committed already: all of what an engine does that hands out chunks.
    ///
    /// # Errors
    /// As [`Work::attempt`] and [`JobFolder::commit`].
    pub async fn commit(&self, folder: &JobFolder, chunk: usize) -> Result<Commit, ChunkFailure> {
        if let Some(commit) = folder.commit_of(chunk).await? {
            return Ok(commit);
        }
        let attempt = folder.attempt(chunk, self.data.job.output_format);
        match self.attempt(attempt.clone()).await {
            Ok(report) => Ok(folder.commit(&attempt, report).await?.commit().clone()),
            Err(failure) => {
                attempt.discard().await;
                Err(failure)
            }
        }
    }

    /// The predictions of the first `n_rows` rows, timed by `clock`.
    ///
    /// # Errors
    /// As an attempt.
    pub async fn sample(&self, n_rows: usize, clock: impl Fn() -> Duration) -> Result<Sample> {
        let (chunk, found) = self.data.chunk(0).map_err(|_| Error::NoInput)?;
        let job = &self.data.job;
        let source = self.data.source(found, chunk, job.rows.micro_batch as usize);
        let unreadable = source.unreadable.clone();
        let start = clock();
        let (mut stream, schema) = self.open(source).await?;
        let mut sample = Sample { rows: Vec::new(), errors: Vec::new(), duration: Duration::ZERO };
        let mut n_left = n_rows;
        while n_left > 0
            && let Some(batch) = stream.next().await
        {
            let batch = batch?;
            let batch = batch.slice(0, n_left.min(batch.num_rows()));
            n_left -= batch.num_rows();
            let sorted = sort(&batch, &schema, job, &found.file.uri)?;
            sample.rows.push(sorted.good);
            sample.errors.extend(sorted.bad);
        }
        sample.errors.extend(unreadable.take().iter().map(|row| unreadable_row(row, &found.file.uri)));
        sample.duration = clock().saturating_sub(start);
        Ok(sample)
    }

    /// What all keys of the job are like, read by so many threads.
    ///
    /// # Errors
    /// [`Error::Query`]; what the stores say.
    pub async fn keys(&self, n_threads: usize) -> Result<Keys> {
        self.data.keys(n_threads).await
    }

    async fn open(&self, source: Source) -> Result<(SendableRecordBatchStream, SchemaRef)> {
        let job = &self.data.job;
        match &self.place {
            Place::Here => {
                let frame = predictions(source, &job.rows, &job.model.name, &self.predictor).await?;
                let schema = part_schema(frame.schema().as_arrow(), &self.predictor);
                Ok((frame.execute_stream().await?, schema))
            }
            Place::At(endpoint) => {
                let id = id(job, &source.chunk);
                let frame = unpredicted(source, &job.rows).await?;
                let schema = part_schema(frame.schema().as_arrow(), &self.predictor);
                let rows = frame.execute_stream().await?;
                Ok((endpoint.predictions(rows, job, id, &self.predictor)?, schema))
            }
        }
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("job", &self.data.job.id).finish_non_exhaustive()
    }
}

/// What tells a chunk from those of all jobs.
fn id(job: &Job, chunk: &Chunk) -> String {
    let of_job = job.id.get(..16).unwrap_or(&job.id);
    format!("{of_job}-{}-{}", chunk.file, chunk.start)
}

/// Checks that the file is the one that was planned.
async fn check_unchanged(found: &Found) -> Result<()> {
    let location = crate::Location::new(Arc::clone(&found.store), found.path.clone(), &found.file.uri);
    let changed = |now: String| Error::Changed { uri: found.file.uri.clone(), found: now };
    let meta = location.meta().await?.ok_or_else(|| changed("no file".to_owned()))?;
    if meta.size != found.file.size {
        return Err(changed(format!("{} bytes instead of {}", meta.size, found.file.size)));
    }
    if found.file.etag.is_some() && meta.e_tag != found.file.etag {
        return Err(changed("other content".to_owned()));
    }
    Ok(())
}

/// The files of an attempt while they are written.
struct Part {
    encoder: Encoder,
    rows: Writer,
    errors: Option<Writer>,
    attempt: Attempt,
    report: ChunkReport,
}

impl Part {
    fn new(job: &Job, schema: &SchemaRef, attempt: &Attempt) -> Result<Self> {
        Ok(Self {
            encoder: Encoder::new(job.output_format, schema)?,
            rows: attempt.part.writer(),
            errors: None,
            attempt: attempt.clone(),
            report: ChunkReport::default(),
        })
    }

    async fn add(&mut self, good: &RecordBatch, bad: impl Iterator<Item = Value>) -> Result<()> {
        if good.num_rows() > 0 {
            let bytes = self.encoder.write(good)?;
            self.rows.write(&bytes).await?;
            self.report.rows += good.num_rows() as u64;
        }
        self.add_errors(bad).await
    }

    async fn add_errors(&mut self, bad: impl Iterator<Item = Value>) -> Result<()> {
        for line in bad {
            let errors = self.errors.get_or_insert_with(|| self.attempt.errors.writer());
            errors.write(format!("{line}\n").as_bytes()).await?;
            self.report.errors += 1;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<ChunkReport> {
        let rest = self.encoder.finish()?;
        self.rows.write(&rest).await?;
        self.report.bytes = self.rows.finish().await?;
        if let Some(errors) = self.errors {
            errors.finish().await?;
        }
        Ok(self.report)
    }
}
