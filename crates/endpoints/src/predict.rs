//! `predict`: the Open Inference Protocol V2 in JSON, and rows, over one model.
//!
//! Routes are those of [`protocol::Route`], statuses those of [`protocol::Error::status`]. Names, datatypes and shapes are
//! checked before the model runs, so what the model says afterwards is its own fault.

mod classification;
mod rows;
mod tensors;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use http::header::HeaderValue;
use http::{Request, Response};
use protocol::{Body, Error, ModelPath, RequestNames, Result, Route};
pub(crate) use rows::row_names;
use tensor::{Metadata, NewKeys};

use crate::capture::Sight;
use crate::{HEADER_LENGTH, Model, encoding, reply};

/// What a deployment decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The length of the longest body that is read, before and after a content encoding is undone.
    pub max_body_bytes: usize,
    /// Tells the names of all models of the application, for those who ask which there are; none: only this function's own.
    pub models: fn() -> Vec<String>,
    /// Makes keys for the rows of requests that ask for them: the one part of an answer that the request does not decide.
    pub new_keys: NewKeys,
}

impl Default for Config {
    /// 64 MiB, as Triton has it.
    fn default() -> Self {
        Self { max_body_bytes: 64 << 20, models: Vec::new, new_keys: numbered_keys }
    }
}

/// Keys that are different within a request and no further, for those without a clock and randomness.
fn numbered_keys(n_keys: usize) -> Vec<String> {
    (0..n_keys).map(|idx| format!("00000000-0000-7000-8000-{idx:012x}")).collect()
}

/// Answers a request. The model's metadata is asked for at most once.
///
/// A response of status 5xx has its [`Failure`](crate::Failure) among its extensions.
#[must_use]
pub fn handle(model: &impl Model, config: &Config, request: &Request<&[u8]>) -> Response<Vec<u8>> {
    handle_seen(model, config, request, &Sight::default())
}

/// Answers a request, and leaves what the model saw and said in `sight`.
#[must_use]
pub fn handle_seen(
    model: &impl Model,
    config: &Config,
    request: &Request<&[u8]>,
    sight: &Sight,
) -> Response<Vec<u8>> {
    match answer(model, config, request, sight) {
        Ok(response) => response,
        Err(error) => reply::failure(&error, &request_names(config, request, &error)),
    }
}

fn answer(
    model: &impl Model,
    config: &Config,
    request: &Request<&[u8]>,
    sight: &Sight,
) -> Result<Response<Vec<u8>>> {
    let json = match find_route(request)? {
        Route::Health => protocol::health(),
        Route::Server => protocol::server_metadata(env!("CARGO_PKG_VERSION")),
        Route::Models => protocol::models(&model_names(config, &model.metadata())),
        Route::RepositoryIndex => {
            let metadata = model.metadata();
            protocol::repository_index(&metadata, &model_names(config, &metadata))
        }
        Route::Model(path) => protocol::model_metadata(&find_model(model, &path)?),
        Route::ModelReady(path) => protocol::model_ready(&find_model(model, &path)?.name),
        Route::ModelConfig(path) => protocol::model_config(&find_model(model, &path)?),
        Route::OpenApi(path) => protocol::openapi(&find_model(model, &path)?, env!("CARGO_PKG_VERSION")),
        Route::RowsStatus(path) => protocol::rows_status(&find_model(model, &path)?),
        Route::RowsMetadata(path) => protocol::rows_metadata(&find_model(model, &path)?),
        Route::Infer(path) => {
            let body = read_body(config, request)?;
            let body = Body::split(&body, request.headers().get(HEADER_LENGTH).map(HeaderValue::as_bytes))?;
            let encoded = tensors::infer(model, &find_model(model, &path)?, body, config.new_keys, sight)?;
            return Ok(encoding::encoded(reply::tensors(encoded), request.headers()));
        }
        Route::Predict(path) => {
            let body = read_body(config, request)?;
            rows::predict(model, &find_model(model, &path)?, &body, config.new_keys, sight)?
        }
    };
    Ok(reply::success(json))
}

/// The models of the application, this one among them.
fn model_names(config: &Config, metadata: &Metadata) -> Vec<String> {
    let mut names = (config.models)();
    if !names.contains(&metadata.name) {
        names.push(metadata.name.clone());
    }
    names
}

fn find_route<'a>(request: &'a Request<&[u8]>) -> Result<Route<'a>> {
    let path = request.uri().path();
    let route = Route::parse(path).ok_or_else(|| Error::UnknownRoute { path: path.to_owned() })?;
    if *request.method() == route.method() {
        return Ok(route);
    }
    Err(Error::WrongMethod { expected: route.method(), found: request.method().clone() })
}

/// The signature of the model, if the path names it.
pub(crate) fn find_model(model: &impl Model, path: &ModelPath<'_>) -> Result<Metadata> {
    let metadata = model.metadata();
    if metadata.name != path.name {
        return Err(Error::UnknownModel { model: path.name.to_string() });
    }
    match &path.version {
        Some(version) if *version != metadata.version => {
            Err(Error::UnknownVersion { model: metadata.name, version: version.to_string() })
        }
        _ => Ok(metadata),
    }
}

pub(crate) fn read_body<'a>(config: &Config, request: &Request<&'a [u8]>) -> Result<Cow<'a, [u8]>> {
    encoding::decoded(request.headers(), request.body(), config.max_body_bytes)
}

/// What of the request comes back with an error.
fn request_names(config: &Config, request: &Request<&[u8]>, error: &Error) -> RequestNames {
    let read_names = match (Route::parse(request.uri().path()), error) {
        (_, Error::BodyTooLarge { .. }) => return RequestNames::default(),
        (Some(Route::Infer(_)), _) => RequestNames::of_tensors,
        (Some(Route::Predict(_)), _) => RequestNames::of_rows,
        _ => return RequestNames::default(),
    };
    read_body(config, request).map(|body| read_names(&body)).unwrap_or_default()
}
