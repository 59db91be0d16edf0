//! What `predict` tells `evaluate` once its answer has left, and `batch-chunk` after each micro-batch. Which rows, and in which form, `endpoints::capture` says.
//!
//! An application without `PLINTH_CAPTURE_RATE` captures nothing. The Plinth host takes a few rows from a header of the response, which
//! costs next to nothing; that it does, it says in the environment. Many rows, or any on other hosts, become a request. It asks for an
//! answer before it is carried out (`Prefer: respond-async`). The Plinth host joins the rows of many answers into one request, and counts
//! those that it cannot deliver. A row that nobody takes is named in the log; it never changes an answer.

use endpoints::capture::{CAPTURED, Capture, Sight, Told};
use http::{HeaderMap, Request, Response};
use spin_sdk::http::ResponseOutparam;
use wasi::clocks::wall_clock;

use crate::{
    names, outgoing,
    response::{self, log},
};

/// The environment variable for the share of rows that is captured, from 0 to 1.
const RATE: &str = "PLINTH_CAPTURE_RATE";

/// The environment variable for where captured rows are sent.
const URL: &str = "PLINTH_CAPTURE_URL";

/// The environment variable for the inputs and outputs that are told, separated by commas; all if it is not there.
const FIELDS: &str = "PLINTH_CAPTURE_FIELDS";

/// The environment variable for inputs and outputs that are not told.
const WITHHELD: &str = "PLINTH_CAPTURE_WITHHOLD";

/// Set by a host that takes captured rows from the header [`CAPTURED`].
const TAKES: &str = "PLINTH_TAKES_CAPTURED";

/// The application that the function is part of, and `evaluate` in it.
const ITSELF: &str = "http://self.alt/";
const EVALUATE: &str = "http://self.alt/evaluate/predictions";

/// More rows than this are told once the response has left.
const FEW_ROWS: usize = 16;

/// What the environment says, and the place for what is seen; nothing is seen if nothing is captured.
pub(crate) fn start() -> (Sight, Option<Capture>) {
    let capture = settings();
    (capture.as_ref().map_or_else(Sight::default, |_| Sight::open()), capture)
}

fn settings() -> Option<Capture> {
    let rate: f64 = std::env::var(RATE).ok()?.parse().ok()?;
    (rate > 0.0).then(|| Capture { rate, fields: names(FIELDS), withheld: names(WITHHELD) })
}

/// Sends the response and the sampled rows of what was seen: with it if they are few and the host takes them, else once it has left.
pub(crate) fn respond(
    mut response: Response<Vec<u8>>,
    response_out: ResponseOutparam,
    capture: Option<&Capture>,
    sight: &Sight,
) {
    if let Some(capture) = capture {
        enclose(capture, sight, &mut response);
    }
    response::write(response, &HeaderMap::new(), response_out);
    send(capture, sight);
}

fn enclose(capture: &Capture, sight: &Sight, response: &mut Response<Vec<u8>>) {
    let url = url();
    let is_taken = url.starts_with(ITSELF) && std::env::var_os(TAKES).is_some();
    if !is_taken || !(1..=FEW_ROWS).contains(&sight.n_rows()) {
        return;
    }
    let Some(told) = sight.told(capture, now()) else { return };
    match told.header(&url) {
        Some(header) => drop(response.headers_mut().insert(CAPTURED, header)),
        None => post_or_say(told),
    }
}

/// Sends the sampled rows of what was seen.
pub(crate) fn send(capture: Option<&Capture>, sight: &Sight) {
    if let Some(told) = capture.and_then(|capture| sight.told(capture, now())) {
        post_or_say(told);
    }
}

fn post_or_say(told: Told) {
    let n_lines = told.n_lines;
    if let Err(reason) = post(told) {
        log(&format!("capture: {n_lines} rows lost: {reason}"));
    }
}

fn url() -> String {
    std::env::var(URL).unwrap_or_else(|_| EVALUATE.to_owned())
}

fn post(told: Told) -> Result<(), String> {
    let url = url();
    let request = Request::post(format!("{url}?{}", told.query()))
        .header("content-type", "application/x-ndjson")
        .header("prefer", "respond-async")
        .body(told.lines)
        .map_err(|error| error.to_string())?;
    let response = outgoing::send(request).map_err(|unreachable| unreachable.0)?;
    if response.status().is_success() { Ok(()) } else { Err(format!("{url} answers {}", response.status())) }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    let now = wall_clock::now();
    now.seconds as f64 + f64::from(now.nanoseconds) / 1e9
}
