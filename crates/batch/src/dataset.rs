//! The input of a planned job: its files as they were pinned, and each chunk as something to be read. What becomes of the rows is
//! somebody else's.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;

use crate::job::{Chunk, InputFile, Job};
use crate::plan::schema_of;
use crate::scan::{Source, UnreadableRows};
use crate::{Error, Found, Result, Stores};

/// The files of a job, with their columns.
pub(crate) struct Dataset {
    pub(crate) job: Arc<Job>,
    files: Vec<Found>,
    schema: SchemaRef,
}

impl Dataset {
    /// The input of `job`.
    ///
    /// # Errors
    /// [`Error::NoInput`]; what the stores say.
    pub(crate) async fn open(stores: &Stores, job: Arc<Job>) -> Result<Self> {
        let found = |file: &InputFile| {
            let location = stores.locate(&file.uri)?;
            Ok(Found {
                store: Arc::clone(location.store()),
                path: location.path().clone(),
                file: file.clone(),
            })
        };
        let files = job.files.iter().map(found).collect::<Result<Vec<_>>>()?;
        let first = files.first().ok_or(Error::NoInput)?;
        let schema = schema_of(first, job.input_format).await?;
        Ok(Self { job, files, schema })
    }

    /// The chunk of this number, and its file.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is none.
    pub(crate) fn chunk(&self, chunk: usize) -> Result<(Chunk, &Found)> {
        let chunk = self.job.chunks.get(chunk).ok_or(Error::Internal("no such chunk"))?;
        let found = self.files.get(chunk.file).ok_or(Error::Internal("no such file"))?;
        Ok((*chunk, found))
    }

    /// A chunk of this file, to be read in batches of so many rows.
    pub(crate) fn source(&self, found: &Found, chunk: Chunk, batch_rows: usize) -> Source {
        Source {
            store: Arc::clone(&found.store),
            path: found.path.clone(),
            file: found.file.clone(),
            format: self.job.input_format,
            chunk,
            schema: Arc::clone(&self.schema),
            batch_rows,
            unreadable: UnreadableRows::default(),
        }
    }
}
