//! One exchange with an endpoint: a request goes out, and what comes back is an answer of the job's own model, a failure that may not come
//! again, or one for good. What follows a failure is in `tries`.

use std::time::Duration;

use datafusion::arrow::array::StructArray;
use datafusion::arrow::datatypes::Fields;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::Endpoint;
use super::answer::{Answer, Wrong};
use super::request::{KEY, Request};
use super::tries::{Kind, Trouble, retry_after};
use crate::{Error, chain};

/// Rows as record batches.
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// The header that tells which model answers.
const MODEL: &str = "plinth-model";

/// The header with the id of a request.
const CHUNK: &str = "plinth-chunk";

/// How long a request may take beside the model's time.
const MARGIN: Duration = Duration::from_secs(30);

/// How much is read of an answer that says why there is none.
const REASON_BYTES: usize = 16 << 10;

/// How much of it is told, if it is no error in JSON.
const REASON_CHARS: usize = 200;

/// An endpoint, and what is asked of it.
pub(super) struct Client {
    endpoint: Endpoint,
    micro_batch: u32,
    /// What tells the job's model from others.
    model: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// Another try may succeed.
    Perhaps(Trouble),
    /// It may not.
    ForGood(Box<Error>),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::ForGood(Box::new(error))
    }
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Perhaps(trouble)
    }
}

/// An error as functions say it.
#[derive(Deserialize)]
struct Said {
    error: String,
    code: String,
}

impl Client {
    /// A client of this endpoint, whose model is to get so many rows at once and to be this one.
    pub(super) fn new(endpoint: &Endpoint, micro_batch: u32, model: String) -> Self {
        Self { endpoint: endpoint.clone(), micro_batch, model }
    }

    /// The predictions of a request's rows.
    ///
    /// # Errors
    /// [`Failed`].
    pub(super) async fn ask(&self, request: &Request, fields: &Fields) -> Result<Vec<StructArray>, Failed> {
        let mut response = self.send(request).await?;
        let mut answer = Answer::new(&request.keys, fields);
        while let Some(bytes) = response.chunk().await.map_err(|error| unsent(error, Kind::Broken))? {
            answer.take(bytes).map_err(|wrong| self.wrong(wrong))?;
        }
        answer.finish().map_err(|wrong| self.wrong(wrong))
    }

    /// The head of an answer that is one.
    async fn send(&self, request: &Request) -> Result<Response, Failed> {
        let sent = self.endpoint.http.post(self.url(&request.id)).header(CONTENT_TYPE, ARROW);
        let sent = sent.timeout(self.time(request)).body(request.body.clone()).send().await;
        let response = sent.map_err(|error| unsent(error, Kind::Down))?;
        let is_answer = response.status() == StatusCode::OK;
        self.check_model(response.headers(), is_answer)?;
        if !is_answer {
            return Err(self.refusal(response).await);
        }
        self.check(response.headers(), CONTENT_TYPE.as_str(), ARROW)?;
        self.check(response.headers(), CHUNK, &request.id)?;
        Ok(response)
    }

    fn url(&self, id: &str) -> Url {
        let mut url = self.endpoint.url.clone();
        url.query_pairs_mut()
            .append_pair("key", KEY)
            .append_pair("chunk", id)
            .append_pair("micro_batch", &self.micro_batch.to_string());
        url
    }

    /// How long the model may compute all micro-batches, and some more.
    fn time(&self, request: &Request) -> Duration {
        let micro_batch = self.micro_batch as usize;
        let n_micro_batches: usize =
            request.lengths().iter().map(|n_rows| n_rows.div_ceil(micro_batch)).sum();
        let n_micro_batches = u32::try_from(n_micro_batches).unwrap_or(u32::MAX);
        self.endpoint.timeout.saturating_mul(n_micro_batches).saturating_add(MARGIN)
    }

    /// Checks which model answers. Who refuses a request before there is a model does not say.
    fn check_model(&self, headers: &HeaderMap, is_answer: bool) -> Result<(), Error> {
        match headers.get(MODEL).map(HeaderValue::as_bytes) {
            Some(found) if found == self.model.as_bytes() => Ok(()),
            None if !is_answer => Ok(()),
            found => Err(Error::OtherModelAt {
                url: self.shown(),
                expected: self.model.clone(),
                found: found.map_or("none".to_owned(), |found| String::from_utf8_lossy(found).into_owned()),
            }),
        }
    }

    fn check(&self, headers: &HeaderMap, name: &'static str, expected: &str) -> Result<(), Error> {
        let found = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        if found == expected.as_bytes() {
            return Ok(());
        }
        let found = String::from_utf8_lossy(found);
        let wrong = |expected, found| Error::WrongAnswer { url: self.shown(), expected, found };
        Err(wrong(format!("the header `{name}: {expected}`"), format!("`{found}`")))
    }

    /// What a status that is not 200 means.
    async fn refusal(&self, mut response: Response) -> Failed {
        let (status, wait) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        while body.len() < REASON_BYTES
            && let Ok(Some(bytes)) = response.chunk().await
        {
            body.extend_from_slice(&bytes);
        }
        let said = serde_json::from_slice::<Said>(&body).ok();
        let found = match &said {
            Some(Said { error, code }) => format!("{status}: {code}: {error}"),
            None if body.is_empty() => format!("{status} without a body"),
            None => format!("{status}: {}", shortened(&String::from_utf8_lossy(&body))),
        };
        match kind(status, said.is_some()) {
            Some(kind) => Trouble { kind, found, wait }.into(),
            None => self.refused(found).into(),
        }
    }

    fn wrong(&self, wrong: Wrong) -> Failed {
        match wrong {
            Wrong::Cut(found) => Trouble { kind: Kind::Broken, found, wait: None }.into(),
            Wrong::Other { expected, found } => {
                Error::WrongAnswer { url: self.shown(), expected, found }.into()
            }
        }
    }

    /// The failure of an endpoint that may be there later.
    pub(super) fn down(&self, trouble: &Trouble) -> Error {
        Error::EndpointDown { url: self.shown(), found: trouble.found.clone() }
    }

    /// The failure of a request that the endpoint does not take.
    pub(super) fn refused(&self, found: String) -> Error {
        Error::EndpointRefused { url: self.shown(), found }
    }

    /// The URL without a password.
    fn shown(&self) -> String {
        let mut url = self.endpoint.url.clone();
        if url.password().is_some() && url.set_password(Some("…")).is_err() {
            return String::new();
        }
        url.to_string()
    }
}

/// What kind of failure a status is; none: it is for good. A function says what is wrong in JSON; its host, and those on the way, do not.
fn kind(status: StatusCode, is_said: bool) -> Option<Kind> {
    match status.as_u16() {
        429 | 503 => Some(Kind::Busy),
        504 => Some(Kind::Late),
        413 => Some(Kind::TooLarge),
        500 if !is_said => Some(Kind::Broken),
        500 | 501 | 505 => None,
        408 | 502.. => Some(Kind::Down),
        _ => None,
    }
}

/// What it means that a request got no answer, or not all of it.
fn unsent(error: reqwest::Error, kind: Kind) -> Trouble {
    let error = error.without_url();
    let kind = match kind {
        _ if error.is_connect() => Kind::Down,
        _ if error.is_timeout() => Kind::Late,
        kind => kind,
    };
    Trouble { kind, found: chain(&error), wait: None }
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_failures_of_some_kind_or_for_good() {
        for (status, is_said, expect) in [
            (429, true, Some(Kind::Busy)),
            (503, false, Some(Kind::Busy)),
            (408, false, Some(Kind::Down)),
            (502, false, Some(Kind::Down)),
            (520, false, Some(Kind::Down)),
            (504, false, Some(Kind::Late)),
            (413, true, Some(Kind::TooLarge)),
            (500, false, Some(Kind::Broken)),
            (500, true, None),
            (501, false, None),
            (307, false, None),
            (401, false, None),
            (404, true, None),
            (422, true, None),
        ] {
            assert_eq!(kind(StatusCode::from_u16(status).unwrap(), is_said), expect, "{status} {is_said}");
        }
    }

    #[test]
    fn a_password_is_not_told() {
        let endpoint = Endpoint::new("http://me:secret@localhost:1/batch/m", Duration::ZERO).unwrap();
        let refused = Client::new(&endpoint, 1, String::new()).refused("401".to_owned()).to_string();
        assert!(refused.contains("localhost:1/batch/m") && !refused.contains("secret"), "{refused}");
    }

    #[test]
    fn other_urls_are_no_endpoints() {
        for url in
            ["localhost:3000/batch/m", "ftp://h/batch/m", "http://", "http://h/batch/m?key=id", "batch/m"]
        {
            assert!(
                matches!(Endpoint::new(url, Duration::ZERO), Err(Error::InvalidLocation { .. })),
                "{url}"
            );
        }
    }
}
