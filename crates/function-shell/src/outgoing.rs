//! Requests that a function sends.

use endpoints::grpc::Unreachable;
use http::{HeaderMap, Method, Request, Response, Uri};
use spin_sdk::http::{IncomingResponse, OutgoingBody, OutgoingRequest, Scheme};
use spin_sdk::wit::wasi::http0_2_0::outgoing_handler;

use crate::request::read_to_end;
use crate::response::{fields, write_all};

/// An answer may be as long as memory lets it.
const MAX_ANSWER_BYTES: usize = usize::MAX;

/// Sends `request` to its path below `url`, and waits for the whole answer.
///
/// # Errors
/// [`Unreachable`] if there is none, which says why.
pub(crate) fn send_below(url: &str, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
    let (mut parts, body) = request.into_parts();
    let target = format!("{}{}", url.trim_end_matches('/'), parts.uri);
    parts.uri = target.parse().map_err(|_| unreachable(&format!("`{target}` is no URL")))?;
    send(Request::from_parts(parts, body))
}

/// Sends `request` to its URL, and waits for the whole answer.
///
/// # Errors
/// [`Unreachable`] if there is none, which says why.
pub(crate) fn send(request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
    let (parts, body) = request.into_parts();
    let outgoing = outgoing_request(&parts.method, &parts.uri, &parts.headers)?;
    let outgoing_body = outgoing.body().map_err(|()| unreachable("the request has no body"))?;
    let answer = outgoing_handler::handle(outgoing, None).map_err(|code| unreachable(&code.to_string()))?;
    write(outgoing_body, &body);
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(answer))) => read(&answer),
        Some(Ok(Err(code))) => Err(unreachable(&code.to_string())),
        Some(Err(())) | None => Err(unreachable("there is no answer")),
    }
}

/// The head of a request as the host takes it.
///
/// # Errors
/// [`Unreachable`] if it refuses it.
pub(crate) fn outgoing_request(
    method: &Method,
    url: &Uri,
    headers: &HeaderMap,
) -> Result<OutgoingRequest, Unreachable> {
    let request = OutgoingRequest::new(fields(headers));
    let scheme = if url.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http };
    let authority = url.authority().map(|authority| authority.as_str());
    let path = url.path_and_query().map_or("/", |target| target.as_str());
    let method =
        if *method == Method::GET { spin_sdk::http::Method::Get } else { spin_sdk::http::Method::Post };
    let is_set = request.set_method(&method).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(authority).is_ok()
        && request.set_path_with_query(Some(path)).is_ok();
    if is_set { Ok(request) } else { Err(unreachable(&format!("the host refuses `{url}`"))) }
}

/// Writes the whole body. Whoever answers before it is read closes it; the answer says why.
fn write(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        drop(write_all(&stream, bytes));
    }
    drop(OutgoingBody::finish(body, None));
}

fn read(answer: &IncomingResponse) -> Result<Response<Vec<u8>>, Unreachable> {
    let broken = || unreachable("the answer breaks off");
    let body = answer.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let bytes = read_to_end(&stream, MAX_ANSWER_BYTES).map_err(|_| broken())?;
    with_body(answer, bytes)
}

/// Status and headers of an answer, with its body.
pub(crate) fn with_body(answer: &IncomingResponse, body: Vec<u8>) -> Result<Response<Vec<u8>>, Unreachable> {
    let mut read = Response::builder().status(answer.status());
    let headers = answer.headers();
    for (name, value) in headers.entries() {
        read = read.header(name, value);
    }
    drop(headers);
    read.body(body).map_err(|error| unreachable(&error.to_string()))
}

pub(crate) fn unreachable(reason: &str) -> Unreachable {
    Unreachable(reason.to_owned())
}
