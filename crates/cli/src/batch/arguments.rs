//! The arguments that several subcommands share.

use std::time::Duration;

use anyhow::Result;
use batch::{CHUNK_ROWS, Endpoint, Format, Keys, Options, Request, Work};

use crate::cluster::SchedulerAddress;
use crate::failure::Misuse;
use crate::settings;

/// How many chunks are in the hands of a cluster at once, if nothing else is asked for. Its scheduler keeps those that wait.
const ON_CLUSTER: usize = 64;

/// How often a chunk is tried, if nothing else is asked for.
const ATTEMPTS: u32 = 4;

/// The same on a cluster, whose scheduler may need to be started anew.
const ATTEMPTS_ON_CLUSTER: u32 = 10;

/// What a job is.
#[derive(clap::Args)]
pub(crate) struct JobArgs {
    /// The packed model, or an ONNX file
    #[arg(long)]
    pub(crate) model: String,
    /// Files, folders or patterns: paths, s3://, gs://, az://, https://
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) input: Vec<String>,
    /// The column with the key of each row
    #[arg(long)]
    key: String,
    /// What becomes of keys that stand in several rows: allow, each row is answered under its key; error, all keys are read first, and
    /// if one repeats nothing is predicted
    #[arg(long, value_enum, default_value_t, overrides_with = "on_duplicate_key")]
    on_duplicate_key: OnDuplicateKey,
    /// The columns that are the model's inputs, in order; all others but key, kept and excluded ones if not given
    #[arg(long, visible_alias = "features", value_delimiter = ',')]
    select: Vec<String>,
    /// Columns that are no inputs
    #[arg(long, value_delimiter = ',')]
    exclude: Vec<String>,
    /// Columns that are written beside key and outputs
    #[arg(long, value_delimiter = ',')]
    keep: Vec<String>,
    /// A query over the table `input` that comes before the model, such as "SELECT id, a / b AS x FROM input WHERE b > 0"
    #[arg(long)]
    sql: Option<String>,
    /// The most rows that the model gets at once
    #[arg(long)]
    micro_batch: Option<u32>,
    /// How many rows a chunk has, about
    #[arg(long, default_value_t = CHUNK_ROWS)]
    chunk_rows: u64,
    /// parquet, csv, jsonl or arrow, if the files' names do not tell
    #[arg(long, value_parser = format)]
    input_format: Option<Format>,
    /// parquet, csv, jsonl or arrow; as the input if not given
    #[arg(long, value_parser = format)]
    output_format: Option<Format>,
}

/// What becomes of keys that stand in several rows. No part of the job: it never changes what comes out, only whether anything does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum OnDuplicateKey {
    #[default]
    Allow,
    Error,
}

impl JobArgs {
    /// What the keys are like, if that was asked for: then none may repeat.
    pub(crate) async fn check_keys(&self, work: &Work, n_threads: usize) -> Result<Option<Keys>> {
        if self.on_duplicate_key == OnDuplicateKey::Allow {
            return Ok(None);
        }
        let keys = work.keys(n_threads).await?;
        keys.check_each_once()?;
        Ok(Some(keys))
    }

    pub(crate) fn request(&self) -> Request {
        Request {
            key: self.key.clone(),
            features: self.select.clone(),
            keep: self.keep.clone(),
            exclude: self.exclude.clone(),
            sql: self.sql.clone(),
            micro_batch: self.micro_batch,
            input_format: self.input_format,
            output_format: self.output_format,
            chunk_rows: self.chunk_rows,
        }
    }
}

fn format(name: &str) -> Result<Format, String> {
    match name {
        "parquet" => Ok(Format::Parquet),
        "csv" => Ok(Format::Csv),
        "jsonl" => Ok(Format::Jsonl),
        "arrow" => Ok(Format::Arrow),
        _ => Err("expected parquet, csv, jsonl or arrow".to_owned()),
    }
}

/// How a job is driven.
#[derive(clap::Args)]
pub(crate) struct DriveArgs {
    /// How many chunks run at once; as many as there are processors if not given
    #[arg(long)]
    concurrency: Option<usize>,
    /// How often a chunk is tried if a store or the network fails; 4 times if not given, 10 times on a cluster
    #[arg(long)]
    max_attempts: Option<u32>,
    /// The most rows that may be bad
    #[arg(long)]
    max_errors: Option<u64>,
    /// The largest share of the rows that may be bad, from 0 to 1
    #[arg(long)]
    max_error_rate: Option<f64>,
    /// After how many seconds nothing more is started
    #[arg(long)]
    max_duration: Option<u64>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Let a cluster run the chunks: its scheduler, as df://host:50050. The output, and the input, must be where its executors find them
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    pub(crate) cluster: Option<SchedulerAddress>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
}

/// Where rows are predicted.
#[derive(clap::Args)]
pub(crate) struct EndpointArgs {
    /// Let a deployed `batch-chunk` function predict, which must serve the job's model: http(s)://host[:port]/batch/{model}
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

impl EndpointArgs {
    /// The function, if there is to be one, within the limits of time.
    pub(crate) fn endpoint(&self, limits: LimitArgs) -> Result<Option<Endpoint>> {
        let timeout = Duration::from_secs(limits.timeout);
        Ok(self.endpoint.as_deref().map(|url| Endpoint::new(url, timeout)).transpose()?)
    }
}

/// What the model may take.
#[derive(clap::Args, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitArgs {
    /// How many seconds the model may compute a micro-batch; a row that takes longer alone is bad
    #[arg(long, default_value_t = 60)]
    pub timeout: u64,
    /// How many MiB of memory the model may have
    #[arg(long, default_value_t = 2048)]
    pub memory: usize,
}

impl DriveArgs {
    pub(crate) fn concurrency(&self) -> usize {
        let default = if self.cluster.is_some() { ON_CLUSTER } else { settings::processors() };
        self.concurrency.unwrap_or(default).max(1)
    }

    pub(crate) fn endpoint(&self) -> Result<Option<Endpoint>> {
        self.endpoint.endpoint(self.limits)
    }

    pub(crate) fn options(&self) -> Result<Options> {
        if self.max_error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(Misuse("--max-error-rate: expected a share from 0 to 1".to_owned()).into());
        }
        let attempts = if self.cluster.is_some() { ATTEMPTS_ON_CLUSTER } else { ATTEMPTS };
        Ok(Options {
            concurrency: self.concurrency(),
            max_attempts: self.max_attempts.unwrap_or(attempts).max(1),
            max_errors: self.max_errors,
            max_error_rate: self.max_error_rate,
            max_duration: self.max_duration.map(Duration::from_secs),
            ..Options::default()
        })
    }
}
