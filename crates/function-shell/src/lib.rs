//! The HTTP rim of a function: reads a `wasi:http` request, calls an endpoint's handler, writes the response.
//!
//! All that a function does besides is in `endpoints`. A response always leaves: a handler is total, and what goes wrong
//! while bytes move is written to standard error, never returned as an error, which the client would see as an empty 500.

#![expect(clippy::disallowed_methods, reason = "a function is configured by its environment")]

mod bindings;
mod keys;
mod model;
mod request;
mod response;

use http::Request;
pub use model::ImportedModel;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

/// The environment variable for the length of the longest request body, in bytes.
const MAX_BODY_BYTES: &str = "PLINTH_MAX_BODY_BYTES";

/// The environment variable for the names of all models of the application, separated by commas.
const MODELS: &str = "PLINTH_MODELS";

/// Answers one request of `predict` with the imported model.
pub fn predict(request: IncomingRequest, response_out: ResponseOutparam) {
    let config = predict_config();
    let response = match request::read(request, config.max_body_bytes) {
        Ok(request) => {
            let (parts, body) = request.into_parts();
            let request = Request::from_parts(parts, body.as_slice());
            endpoints::predict::handle(&ImportedModel, &config, &request)
        }
        Err(status) => response::empty(status),
    };
    response::write(response, response_out);
}

/// The defaults, or what the environment says.
fn predict_config() -> endpoints::predict::Config {
    let default = endpoints::predict::Config::default();
    let max_body_bytes = std::env::var(MAX_BODY_BYTES).ok().and_then(|value| value.parse().ok());
    let models = std::env::var(MODELS).unwrap_or_default();
    let models = models.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    endpoints::predict::Config {
        max_body_bytes: max_body_bytes.unwrap_or(default.max_body_bytes),
        models: models.collect(),
        new_keys: keys::new_keys,
    }
}
