//! What `predict` and `batch-chunk` tell `evaluate` once their answer has left. Which rows, and in which form, `endpoints::capture` says.
//!
//! An application without `PLINTH_CAPTURE_RATE` captures nothing. The request asks for an answer before it is carried out (`Prefer:
//! respond-async`), which the Plinth host gives: it joins the rows of many answers into one request, and counts those that it cannot
//! deliver. Other hosts carry it out at once. A row that nobody takes is named in the log; it never changes an answer.

use endpoints::capture::{Capture, Sight};
use http::Request;
use tensor::Metadata;
use wasi::clocks::wall_clock;

use crate::{outgoing, response::log};

/// The environment variable for the share of rows that is captured, from 0 to 1.
const RATE: &str = "PLINTH_CAPTURE_RATE";

/// The environment variable for where captured rows are sent.
const URL: &str = "PLINTH_CAPTURE_URL";

/// The environment variable for the inputs and outputs that are told, separated by commas; all if it is not there.
const FIELDS: &str = "PLINTH_CAPTURE_FIELDS";

/// The environment variable for inputs and outputs that are not told.
const WITHHELD: &str = "PLINTH_CAPTURE_WITHHOLD";

/// `evaluate`, in the application that the function is part of.
const EVALUATE: &str = "http://self.alt/evaluate/predictions";

/// What the environment says; none if nothing is captured.
pub(crate) fn settings() -> Option<Capture> {
    let rate: f64 = std::env::var(RATE).ok()?.parse().ok()?;
    let names = |variable| {
        let names = std::env::var(variable).unwrap_or_default();
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    (rate > 0.0).then(|| Capture { rate, fields: names(FIELDS), withheld: names(WITHHELD) })
}

/// Sends the sampled rows of what was seen.
pub(crate) fn send(capture: &Capture, sight: &Sight, metadata: &Metadata) {
    let (lines, n_lines) = sight.lines(capture, metadata, now());
    if n_lines == 0 {
        return;
    }
    let url = std::env::var(URL).unwrap_or_else(|_| EVALUATE.to_owned());
    if let Err(reason) = post(&url, &metadata.name, lines) {
        log(&format!("capture: {n_lines} rows lost: {reason}"));
    }
}

fn post(url: &str, model: &str, lines: Vec<u8>) -> Result<(), String> {
    let request = Request::post("/")
        .header("content-type", "application/x-ndjson")
        .header("prefer", "respond-async")
        .body(lines)
        .map_err(|error| error.to_string())?;
    let response = outgoing::send_to(&format!("{url}?model={}", escaped(model)), request)
        .map_err(|unreachable| unreachable.0)?;
    if response.status().is_success() { Ok(()) } else { Err(format!("{url} answers {}", response.status())) }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    let now = wall_clock::now();
    now.seconds as f64 + f64::from(now.nanoseconds) / 1e9
}

/// A name as a value in a query.
fn escaped(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}
