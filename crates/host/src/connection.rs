//! One connection: HTTP/1.1 or HTTP/2, whichever the client speaks, kept alive until the client or a shutdown ends it.
//!
//! What goes wrong with a connection is the client's doing and is not reported.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};

use http::HeaderValue;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{net::TcpStream, runtime::Handle, sync::watch, task::JoinSet};

use crate::{headers, routes::WELL_KNOWN_PREFIX, service::Service};

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) service: Arc<Service>,
    /// Where guests compute, and so where their connections are served.
    pub(crate) workers: Handle,
    /// When it changes, the requests in flight are the last.
    pub(crate) closing: watch::Receiver<()>,
}

impl Connections {
    /// Serves all requests of one connection: here if it begins with a request for the host's own paths, which is then its only
    /// one, so that health is answered while every worker computes; on a worker if not.
    pub(crate) async fn serve(mut self, stream: TcpStream, client: SocketAddr) {
        // Without it a response in two pieces may wait for an acknowledgement. A failure costs latency, not correctness.
        drop(stream.set_nodelay(true));
        let is_for_host = tokio::select! {
            biased;
            is_for_host = begins_with_own_path(&stream) => is_for_host,
            _ = self.closing.changed() => return,
        };
        let client = headers::client_header(client);
        if is_for_host {
            return self.serve_requests(stream, client, false).await;
        }
        let Ok(stream) = stream.into_std() else { return };
        let workers = self.workers.clone();
        let requests = async move {
            if let Ok(stream) = TcpStream::from_std(stream) {
                self.serve_requests(stream, client, true).await;
            }
        };
        // A set, so that the connection ends if this future is dropped.
        let mut moved = JoinSet::new();
        moved.spawn_on(requests, &workers);
        moved.join_next().await;
    }

    async fn serve_requests(mut self, stream: TcpStream, client: HeaderValue, keep_alive: bool) {
        let respond = service_fn(move |request| {
            let response = Arc::clone(&self.service).respond(request, client.clone());
            async { Ok::<_, Infallible>(response.await) }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().keep_alive(keep_alive);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), respond));
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            _ = self.closing.changed() => connection.as_mut().graceful_shutdown(),
        }
        drop(connection.await);
    }
}

/// Whether the first bytes of a connection ask for a path that the host answers itself. Takes none of them.
async fn begins_with_own_path(stream: &TcpStream) -> bool {
    let own = format!("GET {WELL_KNOWN_PREFIX}");
    let mut first = vec![0; own.len()];
    stream.peek(&mut first).await.is_ok() && first == own.as_bytes()
}
