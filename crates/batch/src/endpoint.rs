//! Rows predicted by a deployed `batch-chunk` function instead of in process: micro-batches go out as Arrow streams, several to a request,
//! and what comes back has the form that [`Predictor`](crate::Predictor) gives. Columns that are kept stay here.
//!
//! A request that fails is tried again. One on which the function ends again and again is halved, down to the rows at fault; but no row
//! is blamed unless the endpoint answers a chunk without rows right after: a server that is down has no bad rows.

mod answer;
mod client;
mod request;
mod tries;

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{RecordBatch, StructArray};
use datafusion::arrow::datatypes::{Fields, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::StreamExt as _;
use tokio::sync::mpsc::Sender;
use url::Url;

use self::answer::{failed_row, joined};
use self::client::{Client, Failed};
use self::request::{Columns, Request};
use self::tries::{Kind, Next, Tries, Trouble};
use crate::chunk::{predicted_schema, with_predictions};
use crate::{Error, Job, Predictor, Result};

/// The most micro-batches of a request.
const MICRO_BATCHES: usize = 32;

/// How many bytes of rows make a request, unless a micro-batch has more.
const REQUEST_BYTES: usize = 8 << 20;

/// The most rows that an endpoint gives the model at once.
const MAX_MICRO_BATCH: u32 = 8192;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a `batch-chunk` function is deployed.
#[derive(Clone, Debug)]
pub struct Endpoint {
    http: reqwest::Client,
    url: Url,
    timeout: Duration,
}

impl Endpoint {
    /// The function at `http(s)://host[:port]/batch/{model}`, which may take `timeout` for each micro-batch.
    ///
    /// # Errors
    /// [`Error::InvalidLocation`] for another URL; [`Error::NoClient`].
    pub fn new(url: &str, timeout: Duration) -> Result<Self> {
        let invalid = |found: String| Error::InvalidLocation {
            uri: url.to_owned(),
            expected: "http(s)://host[:port]/batch/{model}",
            found,
        };
        let parsed = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(invalid(format!("the scheme `{}`", parsed.scheme())));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(invalid("more than that".to_owned()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("plinth/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { http: http.map_err(Error::NoClient)?, url: parsed, timeout })
    }

    /// The rows that a chunk's plan has read, with their predictions. `chunk` is the beginning of the ids of its requests.
    pub(crate) fn predictions(
        &self,
        rows: SendableRecordBatchStream,
        job: &Job,
        chunk: String,
        predictor: &Predictor,
    ) -> Result<SendableRecordBatchStream> {
        let micro_batch = job.rows.micro_batch.clamp(1, MAX_MICRO_BATCH);
        let calling = Calling {
            client: Client::new(self, micro_batch, predictor.metadata().identity()),
            columns: Columns::new(&rows.schema(), &job.rows, predictor, chunk)?,
            fields: predictor.fields().clone(),
            schema: predicted_schema(&rows.schema(), predictor),
        };
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&calling.schema), 2);
        let sender = stream.tx();
        stream.spawn(async move {
            let called = calling.run(rows, &sender).await;
            called.map_err(|error| DataFusionError::External(Box::new(error)))
        });
        Ok(stream.build())
    }
}

/// A chunk on its way through an endpoint.
struct Calling {
    client: Client,
    columns: Columns,
    fields: Fields,
    schema: SchemaRef,
}

/// Rows as they were read, and as they are sent.
struct Group {
    read: Vec<RecordBatch>,
    request: Request,
}

/// What came of a request.
enum Settled {
    Answered(Vec<StructArray>),
    /// It is to be sent in halves.
    TooMuch,
    /// The model ends on its one row.
    Poison(String),
}

impl Calling {
    /// Sends all rows. While a request is on its way, the next one is made.
    async fn run(
        self,
        mut rows: SendableRecordBatchStream,
        sender: &Sender<Result<RecordBatch, DataFusionError>>,
    ) -> Result<()> {
        let mut next = self.group(&mut rows).await?;
        while let Some(Group { read, request }) = next {
            let (predictions, following) = tokio::join!(self.predict(request), self.group(&mut rows));
            for (read, predictions) in read.iter().zip(predictions?) {
                let batch = with_predictions(read, predictions, &self.schema)?;
                if sender.send(Ok(batch)).await.is_err() {
                    return Ok(());
                }
            }
            next = following?;
        }
        Ok(())
    }

    /// As many micro-batches as make a request.
    async fn group(&self, rows: &mut SendableRecordBatchStream) -> Result<Option<Group>> {
        let (mut read, mut batches, mut n_bytes) = (Vec::new(), Vec::new(), 0);
        while read.len() < MICRO_BATCHES && n_bytes < REQUEST_BYTES {
            let Some(batch) = rows.next().await else { break };
            let batch = batch?;
            if batch.num_rows() > 0 {
                let sent = self.columns.of(&batch)?;
                n_bytes += request::size(&sent);
                read.push(batch);
                batches.push(sent);
            }
        }
        if read.is_empty() {
            return Ok(None);
        }
        Ok(Some(Group { read, request: self.columns.request(batches)? }))
    }

    /// The predictions of each micro-batch of a request.
    async fn predict(&self, request: Request) -> Result<Vec<StructArray>> {
        let lengths = request.lengths();
        let mut todo = vec![request];
        let mut pieces = Vec::new();
        while let Some(request) = todo.pop() {
            match self.settle(&request).await? {
                Settled::Answered(answers) => pieces.extend(answers),
                Settled::Poison(reason) => pieces.push(failed_row(&self.fields, &reason)?),
                Settled::TooMuch => {
                    let (first, second) = request.halves();
                    todo.push(self.columns.request(second)?);
                    todo.push(self.columns.request(first)?);
                }
            }
        }
        joined(&pieces, &lengths, &self.fields)
    }

    /// Sends a request until it is answered, or has failed often enough.
    async fn settle(&self, request: &Request) -> Result<Settled> {
        let mut tries = Tries::new(request.n_rows());
        loop {
            let trouble = match self.client.ask(request, &self.fields).await {
                Ok(answers) => return Ok(Settled::Answered(answers)),
                Err(Failed::ForGood(error)) => return Err(*error),
                Err(Failed::Perhaps(trouble)) => self.examined(trouble).await?,
            };
            match tries.next(&trouble, rand::random()) {
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::Enough => return self.conclude(trouble, request.n_rows()),
                Next::GiveUp => return Err(self.client.down(&trouble)),
            }
        }
    }

    /// The same trouble; but if a function seems to have ended on its rows, and does not answer without any either, that is what counts.
    async fn examined(&self, trouble: Trouble) -> Result<Trouble> {
        if trouble.kind != Kind::Broken {
            return Ok(trouble);
        }
        match self.client.ask(&self.columns.request(Vec::new())?, &self.fields).await {
            Ok(_) => Ok(trouble),
            Err(Failed::ForGood(error)) => Err(*error),
            Err(Failed::Perhaps(Trouble { kind: Kind::Broken, found, wait })) => {
                Ok(Trouble { kind: Kind::Down, found, wait })
            }
            Err(Failed::Perhaps(other)) => Ok(other),
        }
    }

    /// What a failure means that has come often enough.
    fn conclude(&self, trouble: Trouble, n_rows: usize) -> Result<Settled> {
        match trouble.kind {
            Kind::Broken | Kind::Late | Kind::TooLarge if n_rows > 1 => Ok(Settled::TooMuch),
            Kind::Broken => Ok(Settled::Poison(format!("the model stopped: {}", trouble.found))),
            Kind::TooLarge => Err(self.client.refused(trouble.found)),
            Kind::Busy | Kind::Down | Kind::Late => Err(self.client.down(&trouble)),
        }
    }
}
