//! Calls of gRPC over HTTP/2, message by message as another implementation writes them (tests/grpc/make.py).

use std::net::SocketAddr;

use h2::client::{self, SendRequest};
use http::{HeaderMap, Request};
use system_tests::root;
use system_tests::runtimes::Embedded;
use tokio::net::TcpStream;

/// What a call brought back.
struct Reply {
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

#[test]
fn calls_share_a_connection_and_carry_their_status_in_trailers() {
    let server = Embedded::demo();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = connect(server.address()).await;
        let answered = call(&mut connection, "ModelInfer", &message("infer.request.pb")).await;
        assert_eq!(answered.headers["content-type"], "application/grpc");
        assert_eq!(answered.trailers["grpc-status"], "0");
        assert_eq!(answered.body, framed(&message("infer.response.pb")));

        let refused = call(&mut connection, "ModelInfer", &message("unknown-model.request.pb")).await;
        assert_eq!(refused.trailers["grpc-status"], "5");
        assert_eq!(refused.trailers["grpc-message"], "unknown model `no-such-model`");
        assert!(refused.body.is_empty());

        let unknown = call(&mut connection, "ModelStreamInfer", &[]).await;
        assert_eq!(unknown.trailers["grpc-status"], "12");
        let live = call(&mut connection, "ServerLive", &[]).await;
        assert_eq!(live.body, framed(&[0x08, 1]));
    });
}

async fn connect(address: SocketAddr) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn call(connection: &mut SendRequest<bytes::Bytes>, method: &str, message: &[u8]) -> Reply {
    let request = Request::post(format!("http://plinth/inference.GRPCInferenceService/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (answer, mut body) = connection.send_request(request, false).unwrap();
    body.send_data(framed(message).into(), true).unwrap();
    let (head, mut body) = answer.await.unwrap().into_parts();
    let mut read = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        read.extend_from_slice(&piece);
    }
    let trailers = body.trailers().await.unwrap().expect("trailers end every call");
    Reply { headers: head.headers, body: read, trailers }
}

fn message(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/grpc").join(name)).unwrap()
}

/// The message after its prefix, uncompressed.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}
