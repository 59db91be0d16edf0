//! One connection: HTTP/1.1 or HTTP/2, whichever the client speaks, kept alive until the client or a shutdown ends it.
//!
//! What goes wrong with a connection is the client's doing and is not reported.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{net::TcpStream, sync::watch};

use crate::{headers, service::Service};

/// Serves all requests of one connection. When `closing` changes, the ones in flight are the last.
pub(crate) async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    service: Arc<Service>,
    mut closing: watch::Receiver<()>,
) {
    // Without it a response in two pieces may wait for an acknowledgement. A failure costs latency, not correctness.
    drop(stream.set_nodelay(true));
    let client = headers::client_header(client);
    let respond = service_fn(move |request| {
        let response = Arc::clone(&service).respond(request, client.clone());
        async { Ok::<_, Infallible>(response.await) }
    });
    let builder = Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), respond));
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = closing.changed() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
