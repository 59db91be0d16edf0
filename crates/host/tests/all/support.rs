//! Applications, servers and clients for the tests.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use engine::{Engine, Settings};
use host::{AllowedHosts, Application, Component, Files, Limits, Route, Server, Source, Target, Trigger};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Channel, Either, Full, channel::Sender};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::oneshot,
    task::JoinHandle,
};

/// A component that may do nothing but answer.
pub(crate) fn component(id: &str, wasm: Arc<[u8]>) -> Component {
    Component {
        id: id.to_owned(),
        description: None,
        source: Source::Bytes(wasm),
        dependencies: Vec::new(),
        dependencies_inherit_configuration: false,
        environment: Vec::new(),
        sqlite_databases: Vec::new(),
        key_value_stores: Vec::new(),
        variables: BTreeMap::new(),
        files: Files::default(),
        allowed_outbound_hosts: AllowedHosts::default(),
        build: None,
    }
}

/// The same with outbound hosts.
pub(crate) fn component_allowed(id: &str, wasm: Arc<[u8]>, hosts: &[&str]) -> Component {
    let allowed_outbound_hosts = AllowedHosts::parse(hosts.iter().copied()).unwrap();
    Component { allowed_outbound_hosts, ..component(id, wasm) }
}

/// An application whose components answer at their routes; those at an empty route are private.
pub(crate) fn application(components: Vec<(&str, Component)>) -> Application {
    let route = |route: &str| match route {
        "" => Route::Private,
        route => Route::Public(route.to_owned()),
    };
    let trigger = |(path, component): &(&str, Component)| Trigger {
        id: None,
        route: route(path),
        target: Target::Component(component.id.clone()),
    };
    let triggers = components.iter().map(trigger).collect();
    let components = components.into_iter().map(|(_, component)| component).collect();
    Application {
        name: "test".to_owned(),
        version: Some("1.0.0".to_owned()),
        components,
        state_folder: None,
        triggers,
    }
}

/// One component at every path.
pub(crate) fn single(wasm: Arc<[u8]>) -> Application {
    application(vec![("/...", component("it", wasm))])
}

/// An engine; guests can be interrupted.
pub(crate) fn engine() -> Engine {
    Engine::new(&Settings { epoch_interruption: true, ..Settings::default() }).unwrap()
}

/// A server at a port of its own.
pub(crate) async fn bind(application: Application, limits: &Limits) -> host::Result<Server> {
    Server::bind(application, &engine(), limits, "127.0.0.1:0".parse().unwrap()).await
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

/// Serves `application`.
pub(crate) async fn serve(application: Application) -> Running {
    serve_within(application, &Limits::default()).await
}

/// Serves `application` within `limits`.
pub(crate) async fn serve_within(application: Application, limits: &Limits) -> Running {
    serve_on(Handle::current(), application, limits).await
}

/// The same, with guests on `workers`.
pub(crate) async fn serve_on(workers: Handle, application: Application, limits: &Limits) -> Running {
    let server = bind(application, limits).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel();
    let done = tokio::spawn(server.run(workers, async { drop(stopped.await) }));
    Running { address, stop, done }
}

impl Running {
    /// Asks the server to stop and leaves the waiting to the caller.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.done
    }

    /// A connection of HTTP/1.1.
    pub(crate) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client { sender, host: self.address.to_string() }
    }

    /// A connection of HTTP/2.
    pub(crate) async fn connect_http2(&self) -> http2::SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// The answer to `GET path` on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.connect().await.get(path, &[]).await
    }
}

type Body = Either<Full<Bytes>, Channel<Bytes>>;

/// A kept-alive connection of HTTP/1.1.
pub(crate) struct Client {
    sender: http1::SendRequest<Body>,
    host: String,
}

/// A response, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    /// `GET path` with headers.
    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request, Either::Left(Full::default())).await
    }

    /// `POST /` with a body of known length.
    pub(crate) async fn post(&mut self, body: impl Into<Bytes>) -> Reply {
        self.send(Request::post("/"), Either::Left(Full::new(body.into()))).await
    }

    /// `POST /` with a body that the caller sends in pieces. The response can be had once its head is there.
    pub(crate) fn post_in_pieces(
        &mut self,
    ) -> (Sender<Bytes>, impl Future<Output = Response<Incoming>> + use<>) {
        let (pieces, body) = Channel::new(1);
        let request = Request::post("/").header("host", &self.host).body(Either::Right(body)).unwrap();
        let response = self.sender.send_request(request);
        (pieces, async { response.await.unwrap() })
    }

    async fn send(&mut self, request: http::request::Builder, body: Body) -> Reply {
        self.sender.ready().await.unwrap();
        let request = request.header("host", &self.host).body(body).unwrap();
        reply(self.sender.send_request(request).await.unwrap()).await
    }
}

/// All of `response`.
pub(crate) async fn reply(response: Response<Incoming>) -> Reply {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Reply { status: parts.status, headers: parts.headers, body }
}

/// The next piece of a body that arrives in pieces.
pub(crate) async fn piece(body: &mut Incoming) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

/// A server of the outside world that says when it is called, and answers 200.
pub(crate) struct Outside {
    listener: TcpListener,
}

impl Outside {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn authority(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Waits for a call and answers it. Returns the head of the request.
    pub(crate) async fn called(&self) -> String {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\noutside";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap()
    }
}
