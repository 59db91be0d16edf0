//! `batch-chunk`: one chunk of rows, predicted and sent back in the format in which it came. Batch Serving sends its chunks here; a chunk
//! is a request of its own, and may be sent again at any time: the answer depends on nothing but the request and the model.
//!
//! `POST /batch/{name}`, the rows in one of four formats. In the query:
//!
//! - `key`: the field with the key; each row must have one. Without it, a field `key` is the key of the rows that have it.
//! - `keep`: fields that come back, separated by commas, or `*` for all that are neither key nor inputs.
//! - `chunk`: an id that comes back in the header `plinth-chunk`.
//! - `micro_batch`: how many rows the model gets at once, from 1 to 8192, but never more than fit [`Config::micro_batch_bytes`]. Without it,
//!   as many as fit.
//! - `on_row_error`: `report`, the only policy of a chunk: each bad row has its error in its place, and the others are answered.
//!
//! A key may stand twice; each row is answered. Rows are counted from 0 over the whole chunk. The header `plinth-model` tells which model
//! answers: whoever has a packed model can compare it with [`Metadata::identity`].
//!
//! # Memory
//! Rows go from the body to the model and to the answer, micro-batch by micro-batch. Beside the model, at most
//! [`Config::held_bytes`] + 2 × [`Config::row_bytes`] + 16 × [`Config::micro_batch_bytes`] are in use, whatever the chunk's length, if the
//! outputs of a row are no larger than its signature tells. Of an Arrow stream, one record batch and the dictionaries are there as well,
//! each of at most `max_body_bytes`. Tensors of the V2 protocol do not stream: they are one body of at most that length.
//!
//! # Answers that break off
//! Up to [`Config::held_bytes`] of an answer are held back. What goes wrong before that is answered by a status and an error in JSON, as
//! everywhere. Later, the answer is not ended ([`Outcome::is_whole`]), so that HTTP reports it as cut off; besides, lines end with
//! `{"error": "…", "code": "…"}`, a table of CSV with a record of one field, and an Arrow stream without its end-of-stream marker.
//!
//! # Faults of the model
//! A micro-batch that the model refuses, or on which it fails, is halved down to the rows at fault. A trap ends the whole function; who
//! sends the chunk then halves it.

mod answered;
mod arrow;
mod body;
mod chunk;
mod csv;
mod error;
mod ndjson;
mod parameters;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use protocol::{Maps, Route};
use tensor::Metadata;

use self::body::Body;
use self::chunk::Chunk;
use self::error::{Error, Result};
use self::parameters::Parameters;
use crate::capture::Sight;
use crate::encoding::Encoding;
use crate::{Failure, HEADER_LENGTH, Model, predict};

/// The header with the id of a chunk.
pub const CHUNK_ID: HeaderName = HeaderName::from_static("plinth-chunk");

/// The header with what tells the model from others, [`Metadata::identity`].
pub const MODEL: HeaderName = HeaderName::from_static("plinth-model");

/// The route, before a model's name.
const ROUTE: &str = "/batch/";

/// Where `predict` has its models.
const MODELS_ROUTE: &str = "/v2/models/";

/// The field with what is wrong with a row.
const ERROR: &str = "error";

/// How much of a body is read at once.
const READ_BYTES: usize = 64 << 10;

/// What a deployment decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// How tensors are answered; its `max_body_bytes` is also the length of the longest message of an Arrow stream.
    pub predict: predict::Config,
    /// The length of the longest row as a text.
    pub row_bytes: usize,
    /// How many bytes a micro-batch has: as texts, and as inputs and outputs together.
    pub micro_batch_bytes: usize,
    /// How much of an answer is held back.
    pub held_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            predict: predict::Config::default(),
            row_bytes: 8 << 20,
            micro_batch_bytes: 2 << 20,
            held_bytes: 1 << 20,
        }
    }
}

/// Who wants to see the rows that are answered.
#[derive(Clone, Copy)]
pub struct Watch<'w> {
    /// Where they are left.
    pub sight: &'w Sight,
    /// Called whenever some are there: they are to be taken away before the next come.
    pub tell: &'w dyn Fn(),
}

/// What has become of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the answer is all there. If not, its end must not be sent as if it were.
    pub is_whole: bool,
    /// What the log should say.
    pub failure: Option<Failure>,
}

/// The form of a chunk's rows, told by the content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `application/x-ndjson`.
    Lines,
    /// `text/csv`.
    Csv,
    /// `application/vnd.apache.arrow.stream`.
    Arrow,
    /// `application/json` and `application/octet-stream`: tensors, as `predict` takes them.
    Tensors,
}

impl Format {
    const NAMES: &str = "`application/x-ndjson`, `text/csv`, `application/vnd.apache.arrow.stream`, `application/json` or `application/octet-stream`";

    fn of(headers: &HeaderMap) -> Result<Self> {
        let name = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let name = String::from_utf8_lossy(name);
        let essence = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-ndjson" => Ok(Self::Lines),
            "text/csv" => Ok(Self::Csv),
            "application/vnd.apache.arrow.stream" => Ok(Self::Arrow),
            "application/json" | "application/octet-stream" => Ok(Self::Tensors),
            _ => Err(Error::MediaType { found: name.chars().take(80).collect() }),
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Tensors => "application/json",
        }
    }
}

/// Answers a chunk. `respond` is called once, with the head of the answer, and gives the place for its body.
pub fn handle<R: Read, W: Write>(
    model: &impl Model,
    config: &Config,
    request: Request<R>,
    respond: impl FnOnce(Response<()>) -> io::Result<W>,
) -> Outcome {
    handle_seen(model, config, request, respond, Watch { sight: &Sight::default(), tell: &|| {} })
}

/// Answers a chunk, and shows what the model saw and said.
pub fn handle_seen<R: Read, W: Write>(
    model: &impl Model,
    config: &Config,
    request: Request<R>,
    respond: impl FnOnce(Response<()>) -> io::Result<W>,
    watch: Watch<'_>,
) -> Outcome {
    let mut body = Body::new(respond, config.held_bytes);
    let format = Format::of(request.headers());
    match answer(model, config, request, &mut body, watch) {
        Ok(failure) => outcome(body.finish(), failure),
        Err(error) => fail(&error, format.ok(), body),
    }
}

/// Ends an answer that an error has come into.
fn fail<W: Write, F: FnOnce(Response<()>) -> io::Result<W>>(
    error: &Error,
    format: Option<Format>,
    mut body: Body<W, F>,
) -> Outcome {
    let failure = error.internal_reason().map(Failure);
    if let Some(head) = body.head() {
        write_head(head, error);
        body.clear();
        return outcome(body.write_all(&error.body()).and_then(|()| body.finish()), failure);
    }
    let written = match format {
        Some(Format::Lines) => ndjson::write_failure(error, &mut body),
        Some(Format::Csv) => csv::write_failure(error, &mut body),
        _ => Ok(()),
    };
    // Whoever reads it may see the last line; the end is missing in any case.
    drop(written.and_then(|()| body.flush()));
    Outcome { is_whole: false, failure: failure.or_else(|| Some(Failure(error.to_string()))) }
}

fn outcome(written: io::Result<()>, failure: Option<Failure>) -> Outcome {
    match written {
        Ok(()) => Outcome { is_whole: true, failure },
        Err(error) => Outcome { is_whole: false, failure: Some(Failure(Error::Write(error).to_string())) },
    }
}

fn write_head(head: &mut Response<()>, error: &Error) {
    *head.status_mut() = error.status();
    head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Error::Protocol(protocol::Error::WrongMethod { .. }) = error {
        head.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
}

/// Answers a chunk; tells what the log should say of an answer that is an error of `predict`.
fn answer<R: Read, W: Write, F: FnOnce(Response<()>) -> io::Result<W>>(
    model: &impl Model,
    config: &Config,
    request: Request<R>,
    body: &mut Body<W, F>,
    watch: Watch<'_>,
) -> Result<Option<Failure>> {
    let (parts, input) = request.into_parts();
    let metadata = find_model(model, &parts)?;
    if let (Ok(identity), Some(head)) = (HeaderValue::from_str(&metadata.identity()), body.head()) {
        head.headers_mut().insert(MODEL, identity);
    }
    let parameters = Parameters::read(&parts.uri)?;
    if let (Some(id), Some(head)) = (&parameters.chunk, body.head()) {
        head.headers_mut().insert(CHUNK_ID, id.clone());
    }
    let format = Format::of(&parts.headers)?;
    if format == Format::Tensors {
        parameters.check_tensors()?;
        return answer_tensors(model, config, Request::from_parts(parts, input), body, watch);
    }
    parameters.check_names(&metadata)?;
    if let Some(head) = body.head() {
        head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    }
    let micro_batch = parameters.micro_batch(&metadata, config);
    let maps = Maps::of(&metadata);
    let chunk = Chunk {
        model,
        metadata: &metadata,
        maps: &maps,
        config,
        parameters: &parameters,
        micro_batch,
        watch,
    };
    let input = decoded(&parts.headers, input)?;
    match format {
        Format::Lines => ndjson::answer_rows(&chunk, input, body),
        Format::Csv => csv::answer_rows(&chunk, input, body),
        Format::Arrow | Format::Tensors => arrow::answer_rows(&chunk, input, body),
    }
    .map(|()| None)
}

/// The model that the path names.
fn find_model(model: &impl Model, parts: &http::request::Parts) -> Result<Metadata> {
    let path = parts.uri.path();
    let as_model = path.strip_prefix(ROUTE).map(|rest| format!("{MODELS_ROUTE}{rest}")).unwrap_or_default();
    let Some(Route::Model(model_path)) = Route::parse(&as_model) else {
        return Err(protocol::Error::UnknownRoute { path: path.to_owned() }.into());
    };
    if parts.method != Method::POST {
        return Err(
            protocol::Error::WrongMethod { expected: Method::POST, found: parts.method.clone() }.into()
        );
    }
    Ok(predict::find_model(model, &model_path)?)
}

/// The body without its content encoding.
fn decoded<'r, R: Read + 'r>(headers: &HeaderMap, input: R) -> Result<Box<dyn BufRead + 'r>> {
    let input = BufReader::with_capacity(READ_BYTES, input);
    let name = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let unknown = || protocol::Error::ContentEncoding { found: name.chars().take(40).collect() };
    if name.trim().is_empty() || name.trim().eq_ignore_ascii_case("identity") {
        return Ok(Box::new(input));
    }
    Ok(match Encoding::from_name(&name).ok_or_else(unknown)? {
        Encoding::Gzip => Box::new(BufReader::with_capacity(READ_BYTES, MultiGzDecoder::new(input))),
        Encoding::Deflate => Box::new(BufReader::with_capacity(READ_BYTES, ZlibDecoder::new(input))),
    })
}

fn read_error(error: io::Error) -> Error {
    Error::BrokenOff { reason: error.to_string() }
}

/// Answers tensors as `predict` does. They say themselves what their keys are and what comes back.
fn answer_tensors<R: Read, W: Write, F: FnOnce(Response<()>) -> io::Result<W>>(
    model: &impl Model,
    config: &Config,
    request: Request<R>,
    body: &mut Body<W, F>,
    watch: Watch<'_>,
) -> Result<Option<Failure>> {
    let (mut parts, input) = request.into_parts();
    let name = parts.uri.path().strip_prefix(ROUTE).unwrap_or_default();
    parts.uri = format!("{MODELS_ROUTE}{name}/infer")
        .parse()
        .map_err(|_| protocol::Error::UnknownRoute { path: parts.uri.path().to_owned() })?;
    let mut bytes = Vec::new();
    // One more byte than is allowed tells that there are more.
    input.take(config.predict.max_body_bytes as u64 + 1).read_to_end(&mut bytes).map_err(read_error)?;
    let request = Request::from_parts(parts, bytes.as_slice());
    let response = predict::handle_seen(model, &config.predict, &request, watch.sight);
    (watch.tell)();
    let failure = response.extensions().get::<Failure>().cloned();
    let (parts, bytes) = response.into_parts();
    if let Some(head) = body.head() {
        *head.status_mut() = parts.status;
        let names = [CONTENT_TYPE, CONTENT_ENCODING, HEADER_LENGTH];
        let headers =
            names.into_iter().filter_map(|name| Some((name.clone(), parts.headers.get(&name)?.clone())));
        head.headers_mut().extend(headers);
    }
    body.write_all(&bytes).map_err(Error::Write)?;
    Ok(failure)
}
