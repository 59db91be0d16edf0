//! From a request to its response: the host's own paths, routes, and the calls of components.
//!
//! Invariant: every request gets a response. What a client sees of a failure is a status without a body.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use engine::Ticker;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST, RETRY_AFTER},
    request::Parts,
    uri::{Authority, Scheme},
};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use wasmtime_wasi_http::WasiBody;

use crate::{
    admission::Admission,
    application::{StaticResponse, Target},
    body::{self, RequestBody, ResponseBody},
    function::Function,
    headers::{self, Matched},
    interfaces::Stores,
    invoke::{self, Call},
    limits::Limits,
    outbound::{Postbox, take_captured},
    routes::{RouteHeaders, Routes, WELL_KNOWN_PREFIX},
};

/// The client address of a request that comes from a component.
const INSIDE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// An application, ready to answer.
pub(crate) struct Service {
    /// The body of `/.well-known/spin/info`.
    pub(crate) info: Bytes,
    pub(crate) routes: Routes,
    pub(crate) functions: BTreeMap<String, Arc<Function>>,
    pub(crate) chained_route: RouteHeaders,
    pub(crate) authority: Authority,
    pub(crate) stores: Stores,
    pub(crate) limits: Limits,
    pub(crate) admission: Admission,
    pub(crate) postbox: Postbox,
    /// Here, because every instance keeps the service: the last of them can still be stopped.
    pub(crate) _ticker: Option<Ticker>,
}

/// What answers a request.
enum Routed {
    Answer(Response<ResponseBody>),
    Function(Arc<Function>),
}

impl Service {
    /// Answers a request from outside.
    pub(crate) async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: HeaderValue,
    ) -> Response<ResponseBody> {
        let (mut parts, body) = request.into_parts();
        let function = match self.route(&mut parts, &client) {
            Routed::Answer(response) => return response,
            Routed::Function(function) => function,
        };
        let Ok(request) = body::buffer(Request::from_parts(parts, body)).await else {
            return status(StatusCode::BAD_REQUEST);
        };
        let Ok(place) = self.admission.admit().await else { return overloaded() };
        self.answer(function, request, Call { place: Some(place), depth: 0 }).await
    }

    /// Answers a request from one component to another. It needs no place: its caller holds one.
    pub(crate) async fn call_component(
        self: Arc<Self>,
        function: Arc<Function>,
        request: Request<WasiBody>,
        depth: u8,
    ) -> Response<WasiBody> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let client = headers::client_header(INSIDE);
        if headers::shape(&mut parts, &Matched::chained(&self.chained_route, &path, &client)).is_err() {
            return boxed(status(StatusCode::BAD_REQUEST));
        }
        let request = Request::from_parts(parts, RequestBody::Chained(body));
        boxed(self.answer(function, request, Call { place: None, depth }).await)
    }

    /// Answers a request from a component to its own application, as if it came from outside.
    pub(crate) async fn call_itself(
        self: Arc<Self>,
        request: Request<WasiBody>,
        depth: u8,
    ) -> Response<WasiBody> {
        let (mut parts, body) = request.into_parts();
        let mut uri = parts.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.authority.clone());
        let Ok(uri) = Uri::from_parts(uri) else { return boxed(status(StatusCode::BAD_REQUEST)) };
        parts.uri = uri;
        parts.headers.remove(HOST);
        match self.route(&mut parts, &headers::client_header(INSIDE)) {
            Routed::Answer(response) => boxed(response),
            Routed::Function(function) => {
                let request = Request::from_parts(parts, RequestBody::Chained(body));
                boxed(self.answer(function, request, Call { place: None, depth }).await)
            }
        }
    }

    /// The component with that id, if a trigger names it.
    pub(crate) fn function(&self, id: &str) -> Option<Arc<Function>> {
        self.functions.get(id).cloned()
    }

    /// Finds what answers, and shapes the request for it. Never waits: the host's own paths answer while guests compute.
    fn route(&self, parts: &mut Parts, client: &HeaderValue) -> Routed {
        // Cheap: a URI shares its bytes.
        let uri = parts.uri.clone();
        if let Some(name) = uri.path().strip_prefix(WELL_KNOWN_PREFIX) {
            return Routed::Answer(self.well_known(name));
        }
        let Some(found) = self.routes.find(uri.path()) else {
            return Routed::Answer(status(StatusCode::NOT_FOUND));
        };
        let function = match &found.route().target {
            Target::Static(response) => return Routed::Answer(fixed(response)),
            Target::Component(id) => self.function(id),
        };
        match (function, headers::shape(parts, &Matched::found(&found, client))) {
            (Some(function), Ok(())) => Routed::Function(function),
            (Some(_), Err(_)) => Routed::Answer(status(StatusCode::BAD_REQUEST)),
            (None, _) => Routed::Answer(status(StatusCode::NOT_FOUND)),
        }
    }

    async fn answer(
        self: &Arc<Self>,
        function: Arc<Function>,
        request: Request<RequestBody>,
        call: Call,
    ) -> Response<ResponseBody> {
        match invoke::invoke(self, &function, request, call).await {
            Ok(mut response) => {
                take_captured(self, &function, response.headers_mut());
                response
            }
            Err(failure) => {
                failure.say(&function.id);
                if failure.is_overload() { overloaded() } else { status(failure.status()) }
            }
        }
    }

    fn well_known(&self, name: &str) -> Response<ResponseBody> {
        match name {
            "health" => whole(StatusCode::OK, Bytes::from_static(b"OK")),
            "info" => {
                let mut response = whole(StatusCode::OK, self.info.clone());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }
}

fn fixed(response: &StaticResponse) -> Response<ResponseBody> {
    let mut answer = whole(response.status, Bytes::from(response.body.clone()));
    *answer.headers_mut() = response.headers.clone();
    answer
}

fn overloaded() -> Response<ResponseBody> {
    let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn status(status: StatusCode) -> Response<ResponseBody> {
    whole(status, Bytes::new())
}

fn whole(status: StatusCode, body: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response
}

fn boxed(response: Response<ResponseBody>) -> Response<WasiBody> {
    response.map(|body| match body {
        Either::Left(whole) => whole.map_err(|never| match never {}).boxed_unsync(),
        Either::Right(body) => body,
    })
}
