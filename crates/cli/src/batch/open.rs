//! A planned job, opened by whoever runs chunks of it: the manifest, the model that is kept with it, and the work.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use batch::{Job, JobFolder, Work};
use engine::Ticker;

use super::arguments::LimitArgs;
use super::model::{self, Model};
use super::run;

/// A job, ready for attempts at its chunks.
pub struct OpenJob {
    /// Where it is.
    pub folder: JobFolder,
    /// Its manifest.
    pub job: Arc<Job>,
    /// What an attempt does.
    pub work: Work,
    /// The model's time passes while this lives.
    ticker: Ticker,
}

impl OpenJob {
    /// The job whose output is at `uri`, with its own model, or the one at `model` if that has the same digest. `concurrency` chunks will
    /// run at once.
    ///
    /// # Errors
    /// If there is no job, or its model or input is gone or another.
    pub async fn open(uri: &str, model: Option<&str>, limits: LimitArgs, concurrency: usize) -> Result<Self> {
        let stores = run::stores();
        let folder = JobFolder::new(stores.locate_output(uri)?);
        let job = Arc::new(folder.read().await?);
        let Model { reference, predictor, ticker, .. } =
            model::of_job(&folder, &job, model, limits, concurrency).await.context("the job's model")?;
        let work = Work::new(&stores, Arc::clone(&job), predictor, &reference.sha256).await?;
        Ok(Self { folder, job, work, ticker })
    }

    /// The same in parts.
    pub(crate) fn into_parts(self) -> (JobFolder, Arc<Job>, Work, Ticker) {
        (self.folder, self.job, self.work, self.ticker)
    }
}

impl std::fmt::Debug for OpenJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenJob").field("folder", &self.folder).finish_non_exhaustive()
    }
}
