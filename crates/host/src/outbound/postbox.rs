//! What components tell their own application without waiting for it: requests that are answered before they are carried out (`Prefer:
//! respond-async` with JSON lines), and rows in the header `plinth-captured` of a response, which goes no further than here.
//!
//! Lines for one address that come within a moment become one request. What waits is bounded; what finds no room, or what nobody takes, is
//! lost: it is said on standard error, and the next request to that address tells how many lines were, in `plinth-lost`. What waits when the
//! process ends is lost too.
//!
//! Source: RFC 7240, section 4.1, for the preference.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header::CONTENT_TYPE,
};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

use crate::{
    body::{self, Written},
    function::Function,
    output,
    service::Service,
};

use super::hooks::ITSELF;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const LOST: HeaderName = HeaderName::from_static("plinth-lost");
const CAPTURED: HeaderName = HeaderName::from_static("plinth-captured");
const LINES: &str = "application/x-ndjson";

/// The environment variable that tells a component that the header is taken.
pub(crate) const TAKES: &str = "PLINTH_TAKES_CAPTURED";

/// Lines wait for others so long.
const MOMENT: Duration = Duration::from_millis(200);

/// A request to one address is not made longer than this by further lines.
const MOST_BYTES: usize = 1 << 20;

/// So much may wait for one address.
const MOST_WAITING: usize = 64 << 20;

/// What waits, by address.
#[derive(Default)]
pub(crate) struct Postbox(Mutex<BTreeMap<String, Pile>>);

/// What waits for one address.
#[derive(Default)]
struct Pile {
    /// The bodies of requests, of which the last still grows.
    bodies: VecDeque<BytesMut>,
    n_bytes: usize,
    /// Lines that were lost and that the address does not know of yet.
    n_lost: u64,
    /// Whether somebody is on the way to it.
    is_carried: bool,
}

/// Whether a request may be answered before it is carried out.
pub(super) fn takes(request: &Request<WasiBody>) -> bool {
    let has = |name: &HeaderName, value: &str| {
        request
            .headers()
            .get(name)
            .is_some_and(|found| found.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    *request.method() == Method::POST && has(&PREFER, "respond-async") && has(&CONTENT_TYPE, LINES)
}

/// Takes a request that [`takes`] allows, and answers it.
pub(super) async fn post(service: Arc<Service>, request: Request<WasiBody>) -> Response<WasiBody> {
    let (parts, body) = request.into_parts();
    let bytes = match body::written(body) {
        Written::Whole(bytes) => bytes,
        Written::Open(body) => match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(_) => return answer(StatusCode::BAD_REQUEST),
        },
    };
    answer(match put(&service, &parts.uri, Lines { bytes: &bytes, end: b'\n' }) {
        true => StatusCode::ACCEPTED,
        false => StatusCode::SERVICE_UNAVAILABLE,
    })
}

/// Takes the captured rows out of the headers of a response. They are lines that end with tabs, and an address of the application itself.
pub(crate) fn take_captured(service: &Arc<Service>, function: &Function, headers: &mut HeaderMap) {
    let Some(captured) = headers.remove(CAPTURED) else { return };
    if let Some((address, lines)) = read_captured(captured.as_bytes())
        && function.allowed_hosts.allows_itself()
    {
        put(service, &address, lines);
    }
}

fn read_captured(captured: &[u8]) -> Option<(Uri, Lines<'_>)> {
    let place = captured.iter().rposition(|&byte| byte == b'\t')?;
    let (bytes, address) = captured.split_at_checked(place + 1)?;
    let address = Uri::try_from(address).ok().filter(|address| address.host() == Some(ITSELF))?;
    Some((address, Lines { bytes, end: b'\t' }))
}

/// Whether there was room.
fn put(service: &Arc<Service>, address: &Uri, lines: Lines<'_>) -> bool {
    let taken = service.postbox.put(address, lines);
    if taken.starts_carrying {
        tokio::spawn(carry(Arc::clone(service), address.clone()));
    }
    taken.is_in
}

/// Lines of JSON.
#[derive(Clone, Copy)]
struct Lines<'b> {
    bytes: &'b [u8],
    /// What each of them ends with, and no line contains.
    end: u8,
}

impl Lines<'_> {
    fn count(self) -> u64 {
        self.bytes.iter().map(|&byte| u64::from(byte == self.end)).sum()
    }

    fn write(self, body: &mut BytesMut) {
        let start = body.len();
        body.extend_from_slice(self.bytes);
        if self.end != b'\n'
            && let Some(written) = body.get_mut(start..)
        {
            written.iter_mut().for_each(|byte| *byte = if *byte == self.end { b'\n' } else { *byte });
        }
    }
}

struct Taken {
    is_in: bool,
    starts_carrying: bool,
}

impl Postbox {
    fn with<T>(&self, address: &Uri, work: impl FnOnce(&mut Pile) -> T) -> T {
        let mut piles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = address.path_and_query().map_or("/", |it| it.as_str());
        match piles.get_mut(address) {
            Some(pile) => work(pile),
            None => work(piles.entry(address.to_owned()).or_default()),
        }
    }

    fn put(&self, address: &Uri, lines: Lines<'_>) -> Taken {
        let taken = self.with(address, |pile| {
            if pile.n_bytes + lines.bytes.len() > MOST_WAITING {
                pile.n_lost += lines.count();
                return Taken { is_in: false, starts_carrying: false };
            }
            pile.append(lines);
            Taken { is_in: true, starts_carrying: !mem::replace(&mut pile.is_carried, true) }
        });
        if !taken.is_in {
            say_lost(address, lines.count(), "too many are waiting");
        }
        taken
    }

    /// Whether more waits for the address than one request takes.
    fn is_crowded(&self, address: &Uri) -> bool {
        self.with(address, |pile| pile.bodies.len() > 1)
    }

    /// The lines of the next request, and how many were lost before; none if nothing waits, and then nobody carries any more.
    fn take(&self, address: &Uri) -> Option<(Bytes, u64)> {
        self.with(address, |pile| {
            let Some(body) = pile.bodies.pop_front() else {
                pile.is_carried = false;
                return None;
            };
            pile.n_bytes -= body.len();
            Some((body.freeze(), mem::take(&mut pile.n_lost)))
        })
    }

    fn lose(&self, address: &Uri, n_lines: u64) {
        self.with(address, |pile| pile.n_lost += n_lines);
    }
}

impl Pile {
    /// To the last body, or to a new one if it would become too long.
    fn append(&mut self, lines: Lines<'_>) {
        self.n_bytes += lines.bytes.len();
        let fits = |body: &&mut BytesMut| body.len() + lines.bytes.len() <= MOST_BYTES;
        if let Some(last) = self.bodies.back_mut().filter(fits) {
            return lines.write(last);
        }
        let mut body = BytesMut::new();
        lines.write(&mut body);
        self.bodies.push_back(body);
    }
}

/// Carries what waits for an address, until nothing does.
async fn carry(service: Arc<Service>, address: Uri) {
    loop {
        if !service.postbox.is_crowded(&address) {
            tokio::time::sleep(MOMENT).await;
        }
        let Some((lines, n_lost)) = service.postbox.take(&address) else { return };
        let Some(request) = request(&address, lines.clone(), n_lost) else { return };
        let status = match service.admission.admit().await {
            Ok(_place) => Arc::clone(&service).call_itself(request, 1).await.status(),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if !status.is_success() {
            let n_lines = Lines { bytes: &lines, end: b'\n' }.count();
            service.postbox.lose(&address, n_lines + n_lost);
            say_lost(&address, n_lines, status.as_str());
        }
    }
}

fn request(address: &Uri, lines: Bytes, n_lost: u64) -> Option<Request<WasiBody>> {
    let mut request = Request::post(address.clone()).header(CONTENT_TYPE, LINES);
    if n_lost > 0 {
        request = request.header(LOST, HeaderValue::from(n_lost));
    }
    let body = Full::new(lines).map_err(|never| match never {}).boxed_unsync();
    request.body(body).ok()
}

fn say_lost(address: &Uri, n_lines: u64, reason: &str) {
    output::say(format_args!("{n_lines} rows for `{}` lost: {reason}", address.path()));
}

fn answer(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Uri {
        Uri::from_static("http://self.alt/evaluate/predictions?model=m")
    }

    fn lines(bytes: &[u8]) -> Lines<'_> {
        Lines { bytes, end: b'\n' }
    }

    #[test]
    fn lines_of_one_address_go_together_and_in_order() {
        let postbox = Postbox::default();
        let first = postbox.put(&address(), lines(b"1\n"));
        let second = postbox.put(&address(), lines(b"2\n3\n"));
        assert!(first.starts_carrying && !second.starts_carrying && second.is_in);
        assert_eq!(postbox.take(&address()), Some((Bytes::from_static(b"1\n2\n3\n"), 0)));
        assert_eq!(postbox.take(&address()), None);
        assert!(postbox.put(&address(), lines(b"4\n")).starts_carrying);
    }

    #[test]
    fn rows_in_a_header_are_lines_for_the_application_itself() {
        let header = "{\"x\": 1}\t{\"x\":2}\thttp://self.alt/evaluate/predictions?model=m";
        let (to, rows) = read_captured(header.as_bytes()).unwrap();
        assert_eq!(to, address());
        let postbox = Postbox::default();
        postbox.put(&to, rows);
        let expected = Bytes::from_static(b"{\"x\": 1}\n{\"x\":2}\n");
        assert_eq!(postbox.take(&to), Some((expected, 0)));
        for wrong in ["", "http://self.alt/", "{}\thttp://elsewhere/evaluate", "{}\tno url"] {
            assert!(read_captured(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_lost_is_told_once() {
        let postbox = Postbox::default();
        postbox.lose(&address(), 7);
        postbox.put(&address(), lines(b"1\n"));
        postbox.put(&address(), lines(&vec![b'\n'; MOST_WAITING]));
        assert_eq!(postbox.take(&address()), Some((Bytes::from_static(b"1\n"), 7 + MOST_WAITING as u64)));
        postbox.put(&address(), lines(b"2\n"));
        assert_eq!(postbox.take(&address()), Some((Bytes::from_static(b"2\n"), 0)));
    }

    #[test]
    fn a_request_is_of_bounded_length() {
        let postbox = Postbox::default();
        for _ in 0..3 {
            postbox.put(&address(), lines(&vec![b'x'; MOST_BYTES / 2]));
        }
        assert!(postbox.is_crowded(&address()));
        let lengths =
            [postbox.take(&address()), postbox.take(&address())].map(|taken| taken.unwrap().0.len());
        assert_eq!(lengths, [MOST_BYTES, MOST_BYTES / 2]);
        assert!(!postbox.is_crowded(&address()));
    }
}
