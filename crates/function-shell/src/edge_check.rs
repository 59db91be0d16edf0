//! The environment of `edge-check`: its policy, where the larger model is, and how long that may take. What becomes of rows,
//! `endpoints::edge_check` says.

use std::cell::OnceCell;

use endpoints::edge_check::{Config, To};
use endpoints::grpc::Unreachable;
use http::{Request, Response};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

use crate::hedged::{self, Deadline};
use crate::{ImportedModel, capture, predict_config, request, response};

/// Headers that `edge-check` reads.
const HEADERS: [&str; 4] = ["content-encoding", "accept-encoding", "plinth-cloud", "if-none-match"];

/// The environment variable with the policy: JSON, or the path of a file.
const POLICY: &str = "PLINTH_POLICY";

/// The environment variable for the rung of the ladder in use.
const RUNG: &str = "PLINTH_RUNG";

/// The environment variable for who knows the rung.
const PROMISE_URL: &str = "PLINTH_PROMISE_URL";

/// The environment variable for where the larger model answers rows.
const CLOUD_URL: &str = "PLINTH_CLOUD_URL";

/// The environment variable for how long the larger model may take, in milliseconds, second try included.
const CLOUD_TIMEOUT: &str = "PLINTH_CLOUD_TIMEOUT_MS";

/// The environment variable for after how many milliseconds it is asked a second time.
const CLOUD_HEDGE: &str = "PLINTH_CLOUD_HEDGE_MS";

/// The environment variable for what a row is that it did not answer: `provisional` or `error`.
const CLOUD_FAILURE: &str = "PLINTH_CLOUD_FAILURE";

/// The environment variable for whether its digest is asked for: `1` or `0`; asked for of the same application.
const CHECK_CLOUD: &str = "PLINTH_CHECK_CLOUD";

const TIMEOUT_MS: u64 = 2000;
const HEDGE_MS: u64 = 500;

/// The watcher of the promise may take so long: without it, the deployment's rung is used.
const PROMISE_MS: u64 = 250;

/// Answers one request of `edge-check` with the imported model as the edge.
pub fn edge_check(request: IncomingRequest, response_out: ResponseOutparam) {
    let config = config();
    let (sight, capture) = capture::start();
    let deadline = OnceCell::new();
    let send = |to: To, request: Request<Vec<u8>>| send(to, &request, &deadline);
    let answer = |head: Request<()>| {
        let body = request::body(&request, config.predict.max_body_bytes)?;
        let request = head.map(|()| body.as_slice());
        Ok(endpoints::edge_check::handle(&ImportedModel, &config, &request, &sight, send))
    };
    let response = request::head(&request, &HEADERS).and_then(answer).unwrap_or_else(response::empty);
    capture::respond(response, response_out, capture.as_ref(), &sight);
}

/// The larger model has one deadline for all that it is asked.
fn send(
    to: To,
    request: &Request<Vec<u8>>,
    deadline: &OnceCell<Deadline>,
) -> Result<Response<Vec<u8>>, Unreachable> {
    match to {
        To::Promise => hedged::send(request, &Deadline::of(PROMISE_MS), PROMISE_MS),
        To::Cloud => {
            let deadline = deadline.get_or_init(|| Deadline::of(number(CLOUD_TIMEOUT).unwrap_or(TIMEOUT_MS)));
            hedged::send(request, deadline, number(CLOUD_HEDGE).unwrap_or(HEDGE_MS))
        }
    }
}

fn config() -> Config {
    let cloud_url = text(CLOUD_URL);
    let is_other = cloud_url.as_ref().is_some_and(|url| !url.starts_with("http://self.alt/"));
    let is_cloud_checked = text(CHECK_CLOUD).map_or(!is_other, |check| check == "1");
    Config {
        predict: predict_config(),
        policy: policy(),
        rung: number(RUNG).and_then(|rung| usize::try_from(rung).ok()).unwrap_or_default(),
        promise_url: text(PROMISE_URL),
        is_failure_an_error: text(CLOUD_FAILURE).is_some_and(|policy| policy == "error"),
        is_cloud_checked,
        cloud_url,
    }
}

fn policy() -> Result<Vec<u8>, String> {
    let found = text(POLICY).ok_or_else(|| format!("{POLICY} is not set"))?;
    if found.starts_with('{') {
        return Ok(found.into_bytes());
    }
    std::fs::read(&found).map_err(|error| format!("{POLICY} names `{found}`, which cannot be read: {error}"))
}

/// A variable that is there and not empty.
fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    text(name)?.parse().ok()
}
