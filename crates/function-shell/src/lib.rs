//! The HTTP rim of a function: reads a `wasi:http` request, calls an endpoint's handler, writes the response.
//!
//! All that a function does besides is in `endpoints`. A response always leaves: a handler is total, and what goes wrong
//! while bytes move is written to standard error, never returned as an error, which the client would see as an empty 500.

#![expect(
    clippy::disallowed_methods,
    reason = "a function is configured by its environment, and `files` reads what it was given"
)]

mod bindings;
mod capture;
mod edge_check;
mod hedged;
mod keys;
mod model;
mod outgoing;
mod request;
mod response;
mod store;
mod streams;

pub use edge_check::edge_check;
use endpoints::batch_chunk::Watch;
use endpoints::grpc::Reply;
use evaluation_store::Store;
use http::{HeaderMap, Request, StatusCode};
pub use model::ImportedModel;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

/// Headers that `predict` reads.
const PREDICT_HEADERS: [&str; 3] = ["inference-header-content-length", "content-encoding", "accept-encoding"];

/// Headers that `batch-chunk` reads.
const BATCH_CHUNK_HEADERS: [&str; 4] =
    ["content-type", "content-encoding", "inference-header-content-length", "accept-encoding"];

/// Headers that `grpc` reads.
const GRPC_HEADERS: [&str; 2] = ["content-type", "grpc-encoding"];

/// Headers that `files` reads.
const FILES_HEADERS: [&str; 2] = ["accept-encoding", "if-none-match"];

/// The environment variable for the length of the longest request body, in bytes.
const MAX_BODY_BYTES: &str = "PLINTH_MAX_BODY_BYTES";

/// The environment variable for the names of all models of the application, separated by commas.
const MODELS: &str = "PLINTH_MODELS";

/// The environment variable for where `grpc` finds the HTTP form of the protocol.
const HTTP_URL: &str = "PLINTH_HTTP_URL";

/// Headers that `evaluate` reads.
const EVALUATE_HEADERS: [&str; 3] = ["content-type", "accept", "plinth-lost"];

/// Bodies of `evaluate` are at most so long if nothing else is said.
const MAX_EVALUATE_BYTES: usize = 64 << 20;

/// The variable, of the application or of the environment, with the address of a PostgreSQL database for `evaluate`.
const POSTGRES: &str = "PLINTH_EVALUATE_POSTGRES";

/// The variable with the label of the SQLite database, if there is no other; `default` if it is not there.
const LABEL: &str = "PLINTH_EVALUATE_SQLITE";

/// The variable with where alarms are sent.
const WEBHOOK_URL: &str = "PLINTH_WEBHOOK_URL";

/// The variable with what they are signed with.
const WEBHOOK_SECRET: &str = "PLINTH_WEBHOOK_SECRET";

/// The variable with who raises them.
const SOURCE: &str = "PLINTH_ALARM_SOURCE";

/// The application that the function is part of.
const ITSELF: &str = "http://self.alt";

/// Answers one request of `predict` with the imported model.
pub fn predict(request: IncomingRequest, response_out: ResponseOutparam) {
    let config = predict_config();
    let (sight, capture) = capture::start();
    let answer = |head: Request<()>| {
        let body = request::body(&request, config.max_body_bytes)?;
        let request = head.map(|()| body.as_slice());
        Ok(endpoints::predict::handle_seen(&ImportedModel, &config, &request, &sight))
    };
    let answered = request::head(&request, &PREDICT_HEADERS).and_then(answer);
    let response = answered.unwrap_or_else(response::empty);
    capture::respond(response, response_out, capture.as_ref(), &sight);
}

/// Answers one request of `evaluate`, and counts what came once the answer has left.
pub fn evaluate(request: IncomingRequest, response_out: ResponseOutparam) {
    let database = match store::Opened::new(variable(POSTGRES).as_deref(), &label()) {
        Ok(database) => database,
        Err(reason) => {
            response::log(&format!("the database cannot be opened: {reason}"));
            return response::write(
                response::empty(StatusCode::SERVICE_UNAVAILABLE),
                &HeaderMap::new(),
                response_out,
            );
        }
    };
    let (store, config, now) = (Store::new(&database), evaluate_config(), capture::now());
    let answer = |head: Request<()>| {
        let body = request::body(&request, max_body_bytes().unwrap_or(MAX_EVALUATE_BYTES))?;
        Ok(endpoints::evaluate::handle(&store, &config, now, &head.map(|()| body.as_slice())))
    };
    let answered = request::head(&request, &EVALUATE_HEADERS).and_then(answer);
    let (response, after) = answered.unwrap_or_else(|status| (response::empty(status), Default::default()));
    response::write(response, &HeaderMap::new(), response_out);
    let send = |request| outgoing::send(request).map_err(|unreachable| unreachable.0);
    if let Err(reason) = endpoints::evaluate::after(&store, &config, now, &after, send) {
        response::log(&reason);
    }
}

fn evaluate_config() -> endpoints::evaluate::Config {
    let secrets = variable(WEBHOOK_SECRET).and_then(|text| match text.parse() {
        Ok(secrets) => Some(secrets),
        Err(error) => {
            response::log(&format!("{WEBHOOK_SECRET}: {error}"));
            None
        }
    });
    let webhook = variable(WEBHOOK_URL).map(|url| endpoints::evaluate::Webhook { url, secrets });
    endpoints::evaluate::Config {
        source: variable(SOURCE).unwrap_or_else(|| "/evaluate".to_owned()),
        webhook,
    }
}

fn label() -> String {
    variable(LABEL).unwrap_or_else(|| "default".to_owned())
}

/// A setting that may be a secret: a variable of the application, or of the environment. None if it is empty or not there.
fn variable(name: &str) -> Option<String> {
    let of_application = spin_sdk::variables::get(&name.to_ascii_lowercase()).ok();
    of_application.or_else(|| std::env::var(name).ok()).filter(|value| !value.is_empty())
}

/// Answers one chunk of rows with the imported model.
pub fn batch_chunk(request: IncomingRequest, response_out: ResponseOutparam) {
    let config = endpoints::batch_chunk::Config { predict: predict_config(), ..Default::default() };
    let (sight, capture) = capture::start();
    let tell = || capture::send(capture.as_ref(), &sight);
    let watch = Watch { sight: &sight, tell: &tell };
    streams::answer(request, &BATCH_CHUNK_HEADERS, response_out, |request, begin| {
        endpoints::batch_chunk::handle_seen(&ImportedModel, &config, request, |head| begin.begin(head), watch)
    });
}

/// Answers one call of gRPC with what the protocol's HTTP form answers.
pub fn grpc(request: IncomingRequest, response_out: ResponseOutparam) {
    let reply = request::head(&request, &GRPC_HEADERS).and_then(|head| call(&request, head));
    let Reply { response, trailers } = reply
        .unwrap_or_else(|status| Reply { response: response::empty(status), trailers: HeaderMap::new() });
    response::write(response, &trailers, response_out);
}

/// Answers one request for a file of those that the component may read.
pub fn files(request: IncomingRequest, response_out: ResponseOutparam) {
    let read = |path: &str| std::fs::read(std::path::Path::new("/").join(path)).ok();
    let answer = |head: Request<()>| endpoints::files::handle(&head, read);
    let response = request::head(&request, &FILES_HEADERS).map(answer).unwrap_or_else(response::empty);
    response::write(response, &HeaderMap::new(), response_out);
}

fn call(request: &IncomingRequest, head: Request<()>) -> Result<Reply, StatusCode> {
    if let Some(reply) = endpoints::grpc::refusal(&head) {
        return Ok(reply);
    }
    let max_bytes = max_body_bytes().unwrap_or(endpoints::grpc::MAX_MESSAGE_BYTES);
    // What stands before a message does not count as a part of it.
    let body = request::body(request, max_bytes.saturating_add(5))?;
    let url = std::env::var(HTTP_URL).unwrap_or_else(|_| ITSELF.to_owned());
    let send = |request| outgoing::send_below(&url, request);
    Ok(endpoints::grpc::answer(&head.map(|()| body.as_slice()), max_bytes, send))
}

fn max_body_bytes() -> Option<usize> {
    std::env::var(MAX_BODY_BYTES).ok()?.parse().ok()
}

/// The defaults, or what the environment says.
fn predict_config() -> endpoints::predict::Config {
    let default = endpoints::predict::Config::default();
    endpoints::predict::Config {
        max_body_bytes: max_body_bytes().unwrap_or(default.max_body_bytes),
        models: model_names,
        new_keys: keys::new_keys,
    }
}

/// The names that the environment has.
fn model_names() -> Vec<String> {
    names(MODELS)
}

/// The names in a variable of the environment, separated by commas.
fn names(variable: &str) -> Vec<String> {
    let names = std::env::var(variable).unwrap_or_default();
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
