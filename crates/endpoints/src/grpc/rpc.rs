//! The methods of the service: the HTTP request that each means, and its message from what that answers.

use http::{Method, Request, Response, StatusCode};
use prost::Message;
use serde::de::DeserializeOwned;

use super::error::{Error, Result};
use super::infer;
use super::messages::{
    Condition, ModelConfig, ModelConfigAnswer, ModelIndex, ModelMetadata, ModelRequest, RepositoryIndex,
    RepositoryIndexRequest, ServerMetadata,
};

/// What the path of every method begins with.
const SERVICE: &str = "/inference.GRPCInferenceService/";

/// A method of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rpc {
    ServerLive,
    ServerReady,
    ModelReady,
    ServerMetadata,
    ModelMetadata,
    ModelConfig,
    RepositoryIndex,
    ModelInfer,
}

impl Rpc {
    const ALL: [(&'static str, Self); 8] = [
        ("ServerLive", Self::ServerLive),
        ("ServerReady", Self::ServerReady),
        ("ModelReady", Self::ModelReady),
        ("ServerMetadata", Self::ServerMetadata),
        ("ModelMetadata", Self::ModelMetadata),
        ("ModelConfig", Self::ModelConfig),
        ("RepositoryIndex", Self::RepositoryIndex),
        ("ModelInfer", Self::ModelInfer),
    ];

    /// The method at `path`.
    ///
    /// # Errors
    /// [`Error::UnknownMethod`], also for methods that only other servers have.
    pub(crate) fn of_path(path: &str) -> Result<Self> {
        let name = path.strip_prefix(SERVICE);
        let found = Self::ALL.into_iter().find(|(served, _)| Some(*served) == name);
        found.map(|(_, rpc)| rpc).ok_or_else(|| Error::UnknownMethod {
            path: path.to_owned(),
            served: Self::ALL.map(|(served, _)| served).join(", "),
        })
    }

    /// The request that a message means.
    ///
    /// # Errors
    /// [`Error::Message`], [`Error::NoModel`]; those of [`infer::to_http`].
    pub(crate) fn to_http(self, message: &[u8]) -> Result<Request<Vec<u8>>> {
        match self {
            Self::ServerLive => get("/v2/health/live".to_owned()),
            Self::ServerReady => get("/v2/health/ready".to_owned()),
            Self::ServerMetadata => get("/v2".to_owned()),
            Self::ModelReady => get(of_model(message, "ModelReadyRequest", "/ready")?),
            Self::ModelMetadata => get(of_model(message, "ModelMetadataRequest", "")?),
            Self::ModelConfig => get(of_model(message, "ModelConfigRequest", "/config")?),
            Self::RepositoryIndex => {
                decode::<RepositoryIndexRequest>(message, "RepositoryIndexRequest")?;
                send(Request::post("/v2/repository/index"), Vec::new())
            }
            Self::ModelInfer => infer::to_http(decode(message, "ModelInferRequest")?),
        }
    }

    /// The message of an answer.
    ///
    /// # Errors
    /// [`Error::Refused`] if the answer is an error, [`Error::Answer`] if it is none of this protocol.
    pub(crate) fn message(self, answer: Response<Vec<u8>>) -> Result<Vec<u8>> {
        let is_ready = answer.status() == StatusCode::OK;
        match self {
            Self::ServerLive | Self::ServerReady => Ok(Condition { is_so: is_ready }.encode_to_vec()),
            // A model that is not there is not ready: clients ask this to wait for one.
            Self::ModelReady if is_ready || answer.status() == StatusCode::NOT_FOUND => {
                Ok(Condition { is_so: is_ready }.encode_to_vec())
            }
            _ if !is_ready => Err(refused(answer)),
            Self::ModelReady | Self::ServerMetadata => Ok(json::<ServerMetadata>(&answer)?.encode_to_vec()),
            Self::ModelMetadata => Ok(json::<ModelMetadata>(&answer)?.encode_to_vec()),
            Self::ModelConfig => {
                let config = Some(json::<ModelConfig>(&answer)?);
                Ok(ModelConfigAnswer { config }.encode_to_vec())
            }
            Self::RepositoryIndex => {
                let models = json::<Vec<ModelIndex>>(&answer)?;
                Ok(RepositoryIndex { models }.encode_to_vec())
            }
            Self::ModelInfer => infer::from_http(answer).map(|message| message.encode_to_vec()),
        }
    }
}

/// The path of a model, or of a version of it, with what follows.
///
/// # Errors
/// [`Error::NoModel`].
pub(crate) fn model_path(name: &str, version: &str, rest: &str) -> Result<String> {
    if name.is_empty() {
        return Err(Error::NoModel);
    }
    let mut path = format!("/v2/models/{}", segment(name));
    if !version.is_empty() {
        path.push_str("/versions/");
        path.push_str(&segment(version));
    }
    path.push_str(rest);
    Ok(path)
}

/// The request with this body.
///
/// # Errors
/// [`Error::Target`], which no path of ours meets.
pub(crate) fn send(request: http::request::Builder, body: Vec<u8>) -> Result<Request<Vec<u8>>> {
    request.body(body).map_err(|error| Error::Target(error.to_string()))
}

fn get(path: String) -> Result<Request<Vec<u8>>> {
    send(Request::builder().method(Method::GET).uri(path), Vec::new())
}

fn of_model(message: &[u8], name: &'static str, rest: &str) -> Result<String> {
    let request: ModelRequest = decode(message, name)?;
    model_path(&request.name, &request.version, rest)
}

fn decode<T: Message + Default>(message: &[u8], name: &'static str) -> Result<T> {
    T::decode(message).map_err(|source| Error::Message { message: name, source })
}

fn json<T: DeserializeOwned>(answer: &Response<Vec<u8>>) -> Result<T> {
    serde_json::from_slice(answer.body()).map_err(|error| Error::Answer(error.to_string()))
}

/// The error of an answer, in the words of its body if it has any.
fn refused(answer: Response<Vec<u8>>) -> Error {
    let (parts, body) = answer.into_parts();
    let text = serde_json::from_slice(&body).ok().and_then(|body: serde_json::Value| {
        body.get("error").and_then(|error| error.as_str()).map(str::to_owned)
    });
    let text = text.unwrap_or_else(|| format!("the models answered with status {}", parts.status));
    Error::Refused { status: parts.status, text, body }
}

/// A segment of a path. What is not plain is percent-encoded.
fn segment(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    let mut encoded = String::new();
    for byte in text.bytes() {
        if is_plain(byte) { encoded.push(byte.into()) } else { encoded.push_str(&format!("%{byte:02X}")) }
    }
    encoded
}
