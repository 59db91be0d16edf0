//! What is asked of `evaluate`, over HTTP.

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, Url, header::CONTENT_TYPE};
use serde::Deserialize;

use crate::failure::Misuse;

/// The form of rows and labels. Where one body is all there is, nobody looks at it.
const LINES: &str = "application/x-ndjson";

/// One model at one server.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    model: String,
}

/// An alarm, as far as a terminal shows it.
#[derive(Deserialize)]
pub(super) struct Alarm {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) data: Said,
}

/// What an alarm says.
#[derive(Deserialize)]
pub(super) struct Said {
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Raised {
    event: Alarm,
}

impl Client {
    pub(super) fn new(url: &str, model: &str) -> Result<Self> {
        let base = Url::parse(&format!("{}/evaluate/", url.trim_end_matches('/')));
        let base = base.map_err(|error| Misuse(format!("--url: expected a URL, found `{url}`: {error}")))?;
        let http = reqwest::Client::builder().no_proxy().build().context("no HTTP client")?;
        Ok(Self { http, base, model: model.to_owned() })
    }

    pub(super) async fn put_baseline(
        &self,
        settings: &[(&'static str, String)],
        baseline: Vec<u8>,
    ) -> Result<()> {
        self.ask(Method::PUT, "baseline", settings, baseline).await.map(drop)
    }

    /// Tells captured rows, a line of JSON each; they are kept when this returns.
    pub(super) async fn tell(&self, lines: Vec<u8>) -> Result<()> {
        self.ask(Method::POST, "predictions", &[], lines).await.map(drop)
    }

    /// Tells labels, a line of JSON each; they are kept when this returns.
    pub(super) async fn tell_labels(&self, lines: Vec<u8>) -> Result<()> {
        self.ask(Method::POST, "ground-truth", &[], lines).await.map(drop)
    }

    /// Has all that came counted and judged, and alarms sent.
    pub(super) async fn fold(&self) -> Result<()> {
        self.ask(Method::POST, "fold", &[], Vec::new()).await.map(drop)
    }

    pub(super) async fn alarms(&self) -> Result<Vec<Alarm>> {
        let body = self.ask(Method::GET, "alarms", &[], Vec::new()).await?;
        let raised: Vec<Raised> =
            serde_json::from_slice(&body).context("the alarms are no JSON that we know")?;
        Ok(raised.into_iter().map(|raised| raised.event).collect())
    }

    async fn ask(
        &self,
        method: Method,
        action: &str,
        query: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Vec<u8>> {
        let mut url = self.base.join(action)?;
        url.query_pairs_mut().append_pair("model", &self.model).extend_pairs(query);
        let request = self.http.request(method, url.clone()).header(CONTENT_TYPE, LINES).body(body);
        let response = request.send().await.with_context(|| format!("`{url}` cannot be reached"))?;
        let status = response.status();
        let body = response.bytes().await.with_context(|| format!("`{url}` breaks off"))?;
        if !status.is_success() {
            bail!("`{url}` answers {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body.to_vec())
    }
}
