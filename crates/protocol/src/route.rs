//! The paths of the protocol.

use std::borrow::Cow;

use http::Method;

/// What a path asks for.
///
/// Source: Open Inference Protocol V2, "HTTP/REST"; `:predict` from TensorFlow Serving's REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/v2`.
    Server,
    /// `/v2/health/live` and `/v2/health/ready`.
    Health,
    /// `/v2/models`, as KServe has it.
    Models,
    /// `/v2/repository/index`, of the protocol's model repository extension.
    RepositoryIndex,
    /// `/v2/models/{name}[/versions/{version}]/config`, of the protocol's model configuration extension.
    ModelConfig(ModelPath<'a>),
    /// `/v2/models/{name}[/versions/{version}]/openapi.json`.
    OpenApi(ModelPath<'a>),
    /// `/v1/models/{name}[/versions/{version}]`.
    RowsStatus(ModelPath<'a>),
    /// `/v1/models/{name}[/versions/{version}]/metadata`.
    RowsMetadata(ModelPath<'a>),
    /// `/v2/models/{name}[/versions/{version}]`.
    Model(ModelPath<'a>),
    /// `/v2/models/{name}[/versions/{version}]/ready`.
    ModelReady(ModelPath<'a>),
    /// `/v2/models/{name}[/versions/{version}]/infer`.
    Infer(ModelPath<'a>),
    /// `/v1/models/{name}[/versions/{version}]:predict`.
    Predict(ModelPath<'a>),
}

/// The model that a path names, without percent-encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPath<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its version; any if the path names none.
    pub version: Option<Cow<'a, str>>,
}

impl<'a> Route<'a> {
    /// The route of that path; `None` if there is none.
    #[must_use]
    pub fn parse(path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let version = segments.next()?;
        let segments: Vec<&str> = segments.take(MAX_SEGMENTS).collect();
        match (version, segments.as_slice()) {
            ("v2", []) => Some(Self::Server),
            ("v2", ["health", "live" | "ready"]) => Some(Self::Health),
            ("v2", ["models"]) => Some(Self::Models),
            ("v2", ["repository", "index"]) => Some(Self::RepositoryIndex),
            ("v2", ["models", model @ ..]) => Self::parse_model(model),
            ("v1", ["models", model @ ..]) => Self::parse_rows(model),
            _ => None,
        }
    }

    /// The one method of the route.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::Server
            | Self::Health
            | Self::Models
            | Self::Model(_)
            | Self::ModelReady(_)
            | Self::ModelConfig(_)
            | Self::OpenApi(_)
            | Self::RowsStatus(_)
            | Self::RowsMetadata(_) => Method::GET,
            Self::RepositoryIndex | Self::Infer(_) | Self::Predict(_) => Method::POST,
        }
    }

    fn parse_model(segments: &[&'a str]) -> Option<Self> {
        match segments {
            [model @ .., "ready"] if !model.is_empty() => ModelPath::parse(model).map(Self::ModelReady),
            [model @ .., "infer"] if !model.is_empty() => ModelPath::parse(model).map(Self::Infer),
            [model @ .., "openapi.json"] if !model.is_empty() => ModelPath::parse(model).map(Self::OpenApi),
            [model @ .., "config"] if !model.is_empty() => ModelPath::parse(model).map(Self::ModelConfig),
            model => ModelPath::parse(model).map(Self::Model),
        }
    }

    fn parse_rows(segments: &[&'a str]) -> Option<Self> {
        let (last, model) = segments.split_last()?;
        if let Some(name) = percent_decode(last).strip_suffix(":predict") {
            return ModelPath::parse_rows(model, name).map(Self::Predict);
        }
        match segments {
            [model @ .., "metadata"] if !model.is_empty() => ModelPath::parse(model).map(Self::RowsMetadata),
            model => ModelPath::parse(model).map(Self::RowsStatus),
        }
    }
}

/// One more than the longest route has after the protocol's version.
const MAX_SEGMENTS: usize = 6;

impl<'a> ModelPath<'a> {
    fn parse(segments: &[&'a str]) -> Option<Self> {
        match segments {
            [name] => Some(Self { name: percent_decode(name), version: None }),
            [name, "versions", version] => {
                Some(Self { name: percent_decode(name), version: Some(percent_decode(version)) })
            }
            _ => None,
        }
    }

    fn parse_rows(segments: &[&'a str], last: &str) -> Option<Self> {
        let last = Cow::Owned(last.to_owned());
        match segments {
            [] => Some(Self { name: last, version: None }),
            [name, "versions"] => Some(Self { name: percent_decode(name), version: Some(last) }),
            _ => None,
        }
    }
}

/// Undoes percent-encoding; a text whose decoded bytes are not UTF-8, or with a stray `%`, stays as it is.
fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    decode_bytes(text).and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn decode_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model<'a>(name: &'a str, version: Option<&'a str>) -> ModelPath<'a> {
        ModelPath { name: name.into(), version: version.map(Cow::from) }
    }

    #[track_caller]
    fn check(path: &str, expect: Option<Route<'_>>) {
        assert_eq!(Route::parse(path), expect);
    }

    #[test]
    fn server_routes() {
        check("/v2", Some(Route::Server));
        check("/v2/health/live", Some(Route::Health));
        check("/v2/health/ready", Some(Route::Health));
        check("/v2/models", Some(Route::Models));
        check("/v2/repository/index", Some(Route::RepositoryIndex));
    }

    #[test]
    fn model_routes() {
        check("/v2/models/m", Some(Route::Model(model("m", None))));
        check("/v2/models/m/versions/1", Some(Route::Model(model("m", Some("1")))));
        check("/v2/models/m/ready", Some(Route::ModelReady(model("m", None))));
        check("/v2/models/m/versions/1/ready", Some(Route::ModelReady(model("m", Some("1")))));
        check("/v2/models/m/infer", Some(Route::Infer(model("m", None))));
        check("/v2/models/m/versions/1/infer", Some(Route::Infer(model("m", Some("1")))));
        check("/v2/models/m/config", Some(Route::ModelConfig(model("m", None))));
        check("/v2/models/m/versions/1/openapi.json", Some(Route::OpenApi(model("m", Some("1")))));
    }

    #[test]
    fn row_routes() {
        check("/v1/models/m:predict", Some(Route::Predict(model("m", None))));
        check("/v1/models/m%3Apredict", Some(Route::Predict(model("m", None))));
        check("/v1/models/a:b:predict", Some(Route::Predict(model("a:b", None))));
        check("/v1/models/m/versions/1:predict", Some(Route::Predict(model("m", Some("1")))));
        check("/v1/models/m", Some(Route::RowsStatus(model("m", None))));
        check("/v1/models/m/versions/1", Some(Route::RowsStatus(model("m", Some("1")))));
        check("/v1/models/m/metadata", Some(Route::RowsMetadata(model("m", None))));
        check("/v1/models/metadata", Some(Route::RowsStatus(model("metadata", None))));
    }

    #[test]
    fn a_model_may_be_called_as_a_route_is() {
        check("/v2/models/ready", Some(Route::Model(model("ready", None))));
        check("/v2/models/infer/infer", Some(Route::Infer(model("infer", None))));
    }

    #[test]
    fn names_are_percent_decoded() {
        check("/v2/models/a%20%C3%A9", Some(Route::Model(model("a é", None))));
        check("/v2/models/a%2Fb/infer", Some(Route::Infer(model("a/b", None))));
        check("/v2/models/%zz%", Some(Route::Model(model("%zz%", None))));
        check("/v2/models/%ff", Some(Route::Model(model("%ff", None))));
    }

    #[test]
    fn other_paths_are_no_routes() {
        for path in [
            "",
            "/",
            "/v2/",
            "/v3",
            "v2",
            "*",
            "/v2/health",
            "/v2/health/live/",
            "/v2/models/m/stats",
            "/v2/models/m/versions/1/infer/x",
            "/v2/models/m/versions/1/x/infer",
            "/v1/models/m/x:predict",
            "/v1/models/m/x",
            "/v1/models",
            "/v2/repository",
        ] {
            check(path, None);
        }
    }

    proptest! {
        #[test]
        fn any_path_is_a_route_or_none(path in "/?(v[12]|models|versions|infer|%[0-9a-f]{0,2}|[:/é]){0,12}") {
            prop_assert!(Route::parse(&path).is_none() || path.starts_with("/v"));
        }
    }
}
