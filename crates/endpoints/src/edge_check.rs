//! `edge-check`: Two-Phase Predictions. The edge model answers every row; by the policy its answer stands, or a larger model is asked, in
//! one request for all rows that need it. Answers of the larger model are found by key, never by order.
//!
//! `POST /edge-check/{name}` takes the rows of `predict`, each with a key; `GET /edge-check/{name}/policy` gives the policy. A row that the
//! larger model did not answer is `edge-provisional`: who asks again under the same key gets the final answer.
//!
//! Nothing here opens a connection, waits or knows the time: the caller brings what sends, and that keeps the deadline.

mod cloud;
mod decided;
#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;

use http::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderName, Method, Request, Response, StatusCode};
use protocol::{Answer, Error, Maps, ModelPath, RequestNames, Result, Rows};
use serde::Deserialize;
use tensor::{DuplicateKeys, Metadata, Tensor};
use two_phase::Policy;
use two_phase::outputs::ONNX_DIGEST;

use self::cloud::Cloud;
use self::decided::Decided;
use crate::capture::Sight;
use crate::grpc::Unreachable;
use crate::model::run;
use crate::predict::{find_model, read_body, row_names};
use crate::{Model, predict, reply};

/// Of a request: that the caller knows the larger model to be unreachable. Of an answer: that it was, and for how many seconds it is not
/// worth a try.
pub const CLOUD: HeaderName = HeaderName::from_static("plinth-cloud");

const UNREACHABLE: &str = "unreachable; retry-after=5";
const PREFIX: &str = "/edge-check/";
const POLICY: &str = "/policy";

/// What a deployment decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// How requests are read, and new keys made.
    pub predict: predict::Config,
    /// The policy file, or why there is none.
    pub policy: Result<Vec<u8>, String>,
    /// Which rung of the ladder is in use, unless `promise_url` says.
    pub rung: usize,
    /// Who knows the rung: asked with the edge model and the policy's id.
    pub promise_url: Option<String>,
    /// Where the larger model answers rows; that of the same application if there is none here.
    pub cloud_url: Option<String>,
    /// Whether rows are errors that the larger model did not answer.
    pub is_failure_an_error: bool,
    /// Whether the larger model is asked for its digest if its answer does not tell it.
    pub is_cloud_checked: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            predict: predict::Config::default(),
            policy: Err("set PLINTH_POLICY".to_owned()),
            rung: 0,
            promise_url: None,
            cloud_url: None,
            is_failure_an_error: false,
            is_cloud_checked: true,
        }
    }
}

/// Whom a request is for: that decides how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The larger model.
    Cloud,
    /// Who watches the promise.
    Promise,
}

/// Answers a request. `send` sends one, and gives up in time.
#[must_use]
pub fn handle(
    model: &impl Model,
    config: &Config,
    request: &Request<&[u8]>,
    sight: &Sight,
    send: impl Fn(To, Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable>,
) -> Response<Vec<u8>> {
    answer(model, config, request, sight, &send).unwrap_or_else(|error| {
        let names = read_body(&config.predict, request).map(|body| RequestNames::of_rows(&body));
        reply::failure(&error, &names.unwrap_or_default())
    })
}

type Send<'a> = &'a dyn Fn(To, Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable>;

fn answer(
    model: &impl Model,
    config: &Config,
    request: &Request<&[u8]>,
    sight: &Sight,
    send: Send<'_>,
) -> Result<Response<Vec<u8>>> {
    let (name, is_policy) = find_route(request)?;
    let metadata = find_model(model, &ModelPath { name: Cow::Borrowed(name), version: None })?;
    let policy = read_policy(config, &metadata)?;
    if is_policy {
        return policy_file(&policy, request);
    }
    let body = read_body(&config.predict, request)?;
    let Rows { inputs, answer } =
        Rows::read(&body, &metadata.inputs, &Maps::of(&metadata), config.predict.new_keys)
            .map_err(needs_key)?;
    check_keys(&answer)?;
    let rung = rung(config, &policy, send);
    let rows = match inputs {
        Some(inputs) => {
            let outputs = infer(model, &metadata, &answer, &inputs, sight)?;
            Decided::of(&policy, &answer, inputs, outputs, rung).map_err(|error| mismatch(&error))?
        }
        None => Decided::default(),
    };
    let cloud = match request.headers().get(CLOUD) {
        _ if rows.n_escalated() == 0 => Cloud::NotAsked,
        Some(found) if found.as_bytes().starts_with(b"unreachable") => Cloud::Suspended,
        _ => cloud::ask(config, &policy, &answer, &rows, send)?,
    };
    let finished =
        write::Finished { policy: &policy, rung, is_error: config.is_failure_an_error, cloud: &cloud };
    sight.note(|| finished.notes(&rows));
    let mut response = reply::success(finished.body(&answer, &rows)?);
    if let Cloud::Unreachable(_) = cloud {
        response.headers_mut().insert(CLOUD, HeaderValue::from_static(UNREACHABLE));
    }
    Ok(response)
}

/// The model that the path names, and whether it asks for the policy.
fn find_route<'a>(request: &'a Request<&[u8]>) -> Result<(&'a str, bool)> {
    let path = request.uri().path();
    let unknown = || Error::UnknownRoute { path: path.to_owned() };
    let rest = path.strip_prefix(PREFIX).ok_or_else(unknown)?;
    let (name, is_policy) = rest.strip_suffix(POLICY).map_or((rest, false), |name| (name, true));
    if name.is_empty() || name.contains('/') {
        return Err(unknown());
    }
    let expected = if is_policy { Method::GET } else { Method::POST };
    let found = request.method().clone();
    if found == expected { Ok((name, is_policy)) } else { Err(Error::WrongMethod { expected, found }) }
}

fn read_policy(config: &Config, metadata: &Metadata) -> Result<Policy> {
    let bytes = config.policy.as_ref().map_err(|reason| Error::NoPolicy { reason: reason.clone() })?;
    let policy = Policy::from_json(bytes).map_err(|error| Error::NoPolicy { reason: error.to_string() })?;
    policy
        .check_edge(metadata.property(ONNX_DIGEST).unwrap_or_default())
        .map_err(|error| mismatch(&error))?;
    Ok(policy)
}

/// The policy as its file, unless the caller has it.
fn policy_file(policy: &Policy, request: &Request<&[u8]>) -> Result<Response<Vec<u8>>> {
    let tag = format!("\"{}\"", policy.id());
    let is_known =
        request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let json = policy.to_json().map_err(|error| Error::ModelFailed { reason: error.to_string() })?;
    let mut response = reply::success(if is_known { Vec::new() } else { json });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// A row that lacks the key that others have lacks what every row must have here.
fn needs_key(error: Error) -> Error {
    match error {
        Error::Tensor(tensor::Error::MissingKey { row } | tensor::Error::ClientWithoutKey { row }) => {
            Error::KeyNeeded { row }
        }
        error => error,
    }
}

/// Every row needs a key, and each a different one, whatever the request says: answers are found by them.
fn check_keys(answer: &Answer<'_>) -> Result<()> {
    let Some(partition) = answer.partition() else {
        return Err(Error::MissingField { path: "instances".to_owned() });
    };
    let keys = partition.keys();
    let unanswered = partition.unanswered();
    let is_answered = |row: usize| unanswered.binary_search(&row).is_err();
    if let Some(row) = partition.answered().find(|row| keys.key(*row).is_none()) {
        return Err(Error::KeyNeeded { row });
    }
    let repeated = keys.errors(DuplicateKeys::Error).find(|(row, _)| is_answered(*row));
    repeated.map_or(Ok(()), |(_, error)| Err(error.into()))
}

#[derive(Deserialize)]
struct Promise {
    rung: usize,
}

/// The rung in use: as the promise's watcher says, or else as the deployment does.
fn rung(config: &Config, policy: &Policy, send: Send<'_>) -> usize {
    let asked = config.promise_url.as_ref().and_then(|url| {
        let edge: String = form_urlencoded::byte_serialize(policy.edge.name.as_bytes()).collect();
        let request =
            Request::get(format!("{url}?model={edge}&policy={}", policy.id())).body(Vec::new()).ok()?;
        let response = send(To::Promise, request).ok().filter(|response| response.status().is_success())?;
        serde_json::from_slice::<Promise>(response.body()).ok()
    });
    asked.map_or(config.rung, |promise| promise.rung)
}

/// Runs the edge on all rows.
fn infer(
    model: &impl Model,
    metadata: &Metadata,
    answer: &Answer<'_>,
    inputs: &[Tensor],
    sight: &Sight,
) -> Result<Vec<Tensor>> {
    let names: Vec<String> = metadata.outputs.iter().map(|spec| spec.name.clone()).collect();
    let asked = sight.keep(metadata, inputs);
    let outputs = run(model, inputs.to_vec(), &names)?;
    sight.see(answer.client(), || row_names(answer), asked, &outputs);
    Ok(outputs)
}

fn mismatch(error: &two_phase::Error) -> Error {
    Error::PolicyMismatch { reason: error.to_string() }
}
