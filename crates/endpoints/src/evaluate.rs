//! `evaluate`: Continued Model Evaluation over HTTP. Captured predictions and labels come in and are kept; reports, metrics and alarms go
//! out. What is counted and how it is judged is in `evaluation`, how it is kept in `evaluation-store`.
//!
//! | route | does |
//! |---|---|
//! | `POST /evaluate/predictions?model=M` | keeps captured rows: JSON lines, a list, or `{"rows": […]}` |
//! | `POST /evaluate/ground-truth?model=M` | keeps labels: the same forms, or `SageMaker`'s ground-truth records |
//! | `PUT /evaluate/baseline?model=M` | gives the model its baseline, and `window`, `segment`, `horizon`, `retention`, `cooldown` |
//! | `GET /evaluate/report?model=M` | the report, as JSON or as a page; `from`, `to`, `segment`, `confidence`, `tolerance` |
//! | `GET /evaluate/alarms?model=M` | what has been raised, and what became of it |
//! | `PUT /evaluate/policy?model=M` | begins to watch what a policy of two phases promises; `M` is the edge |
//! | `GET /evaluate/promise?model=M&policy=ID` | the rung to be used, and what its monitors have seen |
//! | `POST /evaluate/fold` | counts what waits and raises alarms now, of all models |
//! | `POST /evaluate/run` | rows and a baseline in, a report out; nothing is kept |
//! | `GET /evaluate/metrics` | the same numbers for Prometheus |
//! | `GET /evaluate/` | which models there are, as a page |
//!
//! Rows that came are acknowledged when they are kept; they are counted after the answer has left ([`after`]), or when a report is asked for.

mod error;
mod index;
mod parameters;
mod prometheus;
mod rows;
mod run;
mod webhook;

use evaluation::{Baseline, FORM};
use evaluation_store::{Added, Database, Store};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;
use two_phase::Policy;

use self::error::{Error, Result};
use self::parameters::Parameters;
pub use self::webhook::Webhook;

/// The header of captured rows with how many others never arrived.
pub const LOST: HeaderName = HeaderName::from_static("plinth-lost");

/// What a deployment decides.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Who raises alarms, as `CloudEvents` has it: a URI or a part of one.
    pub source: String,
    /// Where alarms are sent, if anywhere.
    pub webhook: Option<Webhook>,
}

/// What is to be done once the answer has left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After {
    model: Option<String>,
    /// Whether what came is to be counted at once.
    is_urgent: bool,
}

/// After so many rows have come, or once one has waited so many seconds, what came is counted.
const COUNT_FROM: u32 = 20_000;
const COUNT_AFTER_S: f64 = 5.0;

/// So many folds at most before a report: two hundred thousand rows, each sent alone.
const FOLDS: usize = 100;

/// Answers a request at `now`, in seconds since 1970.
pub fn handle<D: Database>(
    store: &Store<'_, D>,
    config: &Config,
    now: f64,
    request: &Request<&[u8]>,
) -> (Response<Vec<u8>>, After) {
    match answer(store, config, now, request) {
        Ok(answered) => answered,
        Err(error) => (error.response(), After::default()),
    }
}

fn answer<D: Database>(
    store: &Store<'_, D>,
    config: &Config,
    now: f64,
    request: &Request<&[u8]>,
) -> Result<(Response<Vec<u8>>, After)> {
    let path = request.uri().path().trim_end_matches('/');
    let action = path.strip_prefix("/evaluate").ok_or_else(|| Error::Route { path: path.to_owned() })?;
    let parameters = Parameters::read(request.uri().query().unwrap_or_default());
    check_method(request.method(), &method(action).ok_or_else(|| Error::Route { path: path.to_owned() })?)?;
    Ok(match action {
        "/predictions" => {
            let model = parameters.model()?;
            accepted(&predictions(store, now, model, request)?, model, false)
        }
        "/ground-truth" => {
            let model = parameters.model()?;
            accepted(&store.add_labels(model, now, &rows::truths(request)?)?, model, true)
        }
        "/baseline" => done(baseline(store, &parameters, request.body())?),
        "/report" => done(report(store, config, now, &parameters, request)?),
        "/alarms" => done(json(&store.alarms(parameters.model()?)?)),
        "/policy" => done(policy(store, parameters.model()?, request.body())?),
        "/promise" => done(json(&store.promise(parameters.model()?, parameters.policy()?)?)),
        "/fold" => done(fold_all(store, config, now)?),
        "/run" => done(run::run(request.body())?),
        "/metrics" => done(metrics(store, config, now)?),
        _ => done(page(index::page(&store.models()?))),
    })
}

/// How a route is asked; none if there is no such route.
fn method(action: &str) -> Option<Method> {
    match action {
        "/predictions" | "/ground-truth" | "/fold" | "/run" => Some(Method::POST),
        "/baseline" | "/policy" => Some(Method::PUT),
        "/report" | "/alarms" | "/promise" | "/metrics" | "" => Some(Method::GET),
        _ => None,
    }
}

/// Counts what came, raises alarms and sends them, once the answer has left. What fails here is for the log; nothing is lost by it.
///
/// # Errors
/// What the database says.
pub fn after<D: Database>(
    store: &Store<'_, D>,
    config: &Config,
    now: f64,
    after: &After,
    send: impl FnMut(Request<Vec<u8>>) -> std::result::Result<Response<Vec<u8>>, String>,
) -> std::result::Result<(), String> {
    let work = || -> Result<()> {
        if let Some(model) = &after.model
            && (after.is_urgent || is_worth_counting(store, model, now)?)
        {
            fold(store, config, model, now)?;
        }
        Ok(())
    };
    let counted = match work() {
        Err(error) if !error.is_missing_baseline() => Err(error.to_string()),
        _ => Ok(()),
    };
    let sent = config.webhook.as_ref().map_or(Ok(()), |webhook| webhook.deliver(store, now, send));
    counted.and(sent.map_err(|error| error.to_string()))
}

fn is_worth_counting<D: Database>(store: &Store<'_, D>, model: &str, now: f64) -> Result<bool> {
    let waiting = store.waiting(model)?;
    Ok(waiting.n >= COUNT_FROM || waiting.since.is_some_and(|since| since <= now - COUNT_AFTER_S))
}

/// Counts all that waits, and judges it.
fn fold<D: Database>(store: &Store<'_, D>, config: &Config, model: &str, now: f64) -> Result<usize> {
    let mut counted = 0;
    for _ in 0..FOLDS {
        let progress = store.fold(model, now)?;
        counted += progress.counted;
        if !progress.is_more {
            break;
        }
    }
    if counted > 0 {
        store.raise(model, now, &config.source)?;
    }
    Ok(counted)
}

/// Keeps captured rows.
fn predictions<D: Database>(
    store: &Store<'_, D>,
    now: f64,
    model: &str,
    request: &Request<&[u8]>,
) -> Result<Added> {
    if let Some(lost) = lost(request) {
        store.add_lost(model, lost)?;
    }
    Ok(store.add_predictions(model, now, &rows::split(request)?)?)
}

fn lost(request: &Request<&[u8]>) -> Option<u64> {
    request.headers().get(LOST)?.to_str().ok()?.parse().ok().filter(|&lost| lost > 0)
}

fn baseline<D: Database>(
    store: &Store<'_, D>,
    parameters: &Parameters<'_>,
    body: &[u8],
) -> Result<Response<Vec<u8>>> {
    let (model, settings) = (parameters.model()?, parameters.settings()?);
    let baseline: Baseline =
        serde_json::from_slice(body).map_err(|error| Error::body("a baseline", &error))?;
    if baseline.form != FORM {
        let found = baseline.form.to_string();
        return Err(Error::Parameter { name: "form", expected: format!("a baseline of form {FORM}"), found });
    }
    store.put_baseline(model, &baseline, &settings)?;
    Ok(json(&settings))
}

fn policy<D: Database>(store: &Store<'_, D>, model: &str, body: &[u8]) -> Result<Response<Vec<u8>>> {
    let policy = Policy::from_json(body).map_err(|error| Error::body("a policy", &error))?;
    Ok(json(&store.put_policy(model, &policy)?))
}

fn report<D: Database>(
    store: &Store<'_, D>,
    config: &Config,
    now: f64,
    parameters: &Parameters<'_>,
    request: &Request<&[u8]>,
) -> Result<Response<Vec<u8>>> {
    let model = parameters.model()?;
    fold(store, config, model, now)?;
    let report = store.report(model, &parameters.selection()?, parameters.rules()?)?;
    Ok(if wants_page(parameters, request) { page(report.page()) } else { json(&report) })
}

fn wants_page(parameters: &Parameters<'_>, request: &Request<&[u8]>) -> bool {
    match parameters.get("format") {
        Some(format) => format == "html",
        None => {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
            accept.is_some_and(|accept| accept.contains("text/html"))
        }
    }
}

#[derive(Serialize)]
struct Counted {
    counted: usize,
}

fn fold_all<D: Database>(store: &Store<'_, D>, config: &Config, now: f64) -> Result<Response<Vec<u8>>> {
    let mut counted = 0;
    for status in store.models()?.iter().filter(|status| status.has_baseline) {
        counted += fold(store, config, &status.model, now)?;
        // A window may have ended without a new row.
        store.raise(&status.model, now, &config.source)?;
    }
    Ok(json(&Counted { counted }))
}

fn metrics<D: Database>(store: &Store<'_, D>, config: &Config, now: f64) -> Result<Response<Vec<u8>>> {
    let models = store.models()?;
    let mut reports = Vec::new();
    for status in models.iter().filter(|status| status.has_baseline) {
        fold(store, config, &status.model, now)?;
        let report = store.report(&status.model, &Default::default(), Default::default())?;
        reports.push((status.model.clone(), report, store.alarms(&status.model)?.len()));
    }
    let mut response = Response::new(prometheus::text(&store.models()?, &reports).into_bytes());
    let form = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, form);
    Ok(response)
}

fn check_method(found: &Method, expected: &Method) -> Result<()> {
    if found == expected || (found == Method::HEAD && *expected == Method::GET) {
        return Ok(());
    }
    Err(Error::Method { expected: expected.clone(), found: found.clone() })
}

fn done(response: Response<Vec<u8>>) -> (Response<Vec<u8>>, After) {
    (response, After::default())
}

/// What came is kept, and is to be counted.
fn accepted(added: &Added, model: &str, is_urgent: bool) -> (Response<Vec<u8>>, After) {
    let mut response = json(added);
    *response.status_mut() = StatusCode::ACCEPTED;
    (response, After { model: Some(model.to_owned()), is_urgent })
}

fn json(body: &impl Serialize) -> Response<Vec<u8>> {
    crate::reply::success(serde_json::to_vec(body).unwrap_or_default())
}

fn page(html: String) -> Response<Vec<u8>> {
    let mut response = Response::new(html.into_bytes());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
