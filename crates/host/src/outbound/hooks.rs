//! What a guest's outgoing request becomes: a denial, a call of another component, or a request over the network.

use std::{
    future::{self, Future},
    sync::Arc,
};

use http::{HeaderName, Request, Response, Uri};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request,
};

use super::postbox;
use crate::{function::Function, headers, output, service::Service};

/// Below this host a component reaches its own application. It never leaves the process.
pub(super) const ITSELF: &str = "self.alt";

/// How deep components may call each other. Deeper calls fail as a loop does.
const MAX_DEPTH: u8 = 8;

/// A guest may write this many pieces of a body before it has to wait for them to be sent…
const BODY_PIECES: usize = 15;

/// …of at most this size each: 4 MiB in all, which is also what an answer of a whole batch may take.
const BODY_PIECE_BYTES: usize = 256 * 1024;

static FORBIDDEN_HEADERS: [HeaderName; 9] = DEFAULT_FORBIDDEN_HEADERS;

/// The way out of one instance.
pub(crate) struct Outbound {
    pub(crate) service: Arc<Service>,
    pub(crate) function: Arc<Function>,
    /// How many components called each other to come here: 0 for a request from outside.
    pub(crate) depth: u8,
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

enum Destination {
    Component(Arc<Function>),
    Itself,
    Network,
}

impl WasiHttpHooks for Outbound {
    // The provided method allocates for every header.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        FORBIDDEN_HEADERS.contains(name)
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        BODY_PIECES
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_PIECE_BYTES
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (service, depth) = (Arc::clone(&self.service), self.depth + 1);
        match self.destination(request.uri()) {
            Ok(Destination::Component(callee)) => {
                Box::new(async move { Ok(inside(service.call_component(callee, request, depth).await)) })
            }
            Ok(Destination::Itself) if postbox::takes(&request) => {
                Box::new(async move { Ok(inside(postbox::post(service, request).await)) })
            }
            Ok(Destination::Itself) => {
                Box::new(async move { Ok(inside(service.call_itself(request, depth).await)) })
            }
            Ok(Destination::Network) => Box::new(over_network(request, options)),
            Err(error) => Box::new(future::ready(Err(error))),
        }
    }
}

impl Outbound {
    fn destination(&self, uri: &Uri) -> Result<Destination, Error> {
        let host = uri.host().unwrap_or_default();
        let is_itself = host == ITSELF;
        let allowed = &self.function.allowed_hosts;
        if !(if is_itself { allowed.allows_itself() } else { allowed.allows(uri) }) {
            self.say_denied(uri);
            return Err(Error::HttpRequestDenied);
        }
        let callee = headers::chaining_target(host);
        if (is_itself || callee.is_some()) && self.depth >= MAX_DEPTH {
            return Err(Error::LoopDetected);
        }
        match callee {
            _ if is_itself => Ok(Destination::Itself),
            Some(id) => {
                self.service.function(id).map(Destination::Component).ok_or(Error::DestinationNotFound)
            }
            None => Ok(Destination::Network),
        }
    }

    fn say_denied(&self, uri: &Uri) {
        let id = &self.function.id;
        let scheme = uri.scheme_str().unwrap_or("http");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        output::say(format_args!(
            "{id}: denied a request to `{scheme}://{authority}`: not in `component.{id}.allowed_outbound_hosts`"
        ));
    }
}

fn inside(
    response: Response<WasiBody>,
) -> (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>) {
    (response, Box::new(future::ready(Ok(()))))
}

async fn over_network(request: Request<WasiBody>, options: Option<RequestOptions>) -> Sent {
    let (response, connection) = default_send_request(request, options).await?;
    Ok((response.map(|body| body.boxed_unsync()), Box::new(connection)))
}
