//! Starting and stopping: what cannot be served, and how a server ends.

use std::sync::Arc;

use host::{Component, Error, Files, Limits, Mount};
use http::StatusCode;
use tokio::net::TcpStream;

use crate::{
    guest::{caller_then_hello, guest},
    support::{Outside, application, bind, component, component_allowed, engine, reply, serve, single},
};

fn wat(text: &str) -> Arc<[u8]> {
    Arc::from(wat::parse_str(text).unwrap())
}

/// The error and its causes, joined.
async fn refused(component: Component) -> String {
    let error = bind(application(vec![("/...", component)]), &Limits::default()).await.err().unwrap();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn an_import_that_the_host_lacks_is_named() {
    let imports = r#"(component (import "fermyon:spin/variables@2.0.0" (instance (export "get" (func)))))"#;
    let error = refused(component("it", wat(imports))).await;
    assert!(error.starts_with("component `it` cannot be linked: "), "{error}");
    assert!(error.contains("fermyon:spin/variables@2.0.0"), "{error}");
}

#[tokio::test]
async fn a_component_without_a_handler_is_refused() {
    let error = refused(component("it", wat("(component)"))).await;
    assert!(error.contains("wasi:http/incoming-handler"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_no_component_are_refused() {
    let error = refused(component("it", Arc::from(*b"no component"))).await;
    assert!(error.starts_with("component `it` cannot be loaded: "), "{error}");
}

#[tokio::test]
async fn a_component_that_no_trigger_names_is_not_loaded() {
    let mut application = single(guest("", ""));
    application.components.push(component("unused", Arc::from(*b"no component")));
    assert!(bind(application, &Limits::default()).await.is_ok());
}

#[tokio::test]
async fn a_port_in_use_is_told_before_anything_is_loaded() {
    let server = serve(single(guest("", ""))).await;
    let application = single(Arc::from(*b"no component"));
    let taken = host::Server::bind(application, &engine(), &Limits::default(), server.address).await;
    assert!(matches!(taken.err(), Some(Error::AddressInUse { address }) if address == server.address));
}

#[tokio::test]
async fn a_guest_sees_its_environment_and_its_files_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), "from a file").unwrap();
    let mount = Mount::Placement { source: "note.txt".to_owned(), destination: "/notes/a.txt".to_owned() };
    let files = Files { root: folder.path().to_owned(), mounts: vec![mount], exclude: Vec::new() };
    // The only variable's value; then the contents of `notes/a.txt` below the only folder.
    let wasm = guest(
        "notes/a.txt",
        r#"
        (call $get_environment (i32.const 0))
        (if (i32.ne (i32.load (i32.const 4)) (i32.const 1)) (then (unreachable)))
        (local.set $a (i32.load (i32.const 0)))
        (local.set $response (call $answer (i32.const 200)))
        (local.set $body (call $body_of (local.get $response)))
        (local.set $stream (call $stream_of (local.get $body)))
        (call $set (local.get $out) (local.get $response))
        (call $write (local.get $stream) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a)))
        (call $get_directories (i32.const 0))
        (if (i32.ne (i32.load (i32.const 4)) (i32.const 1)) (then (unreachable)))
        (call $open_at (i32.load (i32.load (i32.const 0))) (i32.const 0) (i32.const 1024) (i32.const 11)
          (i32.const 0) (i32.const 1) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then (unreachable)))
        (call $read_file (i32.load (i32.const 4)) (i64.const 100) (i64.const 0) (i32.const 0))
        (call $write (local.get $stream) (i32.load (i32.const 4)) (i32.load (i32.const 8)))
        (call $finish (local.get $stream) (local.get $body))"#,
    );
    let environment = vec![("GREETING".to_owned(), "from the environment, ".to_owned())];
    let component = Component { environment, files, ..component("it", wasm) };
    let server = serve(application(vec![("/...", component)])).await;
    assert_eq!(server.get("/").await.body, "from the environment, from a file");
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_in_flight() {
    let outside = Outside::new().await;
    let wasm = caller_then_hello(&outside.authority());
    let component = component_allowed("it", wasm, &["http://127.0.0.1:*"]);
    let server = serve(application(vec![("/...", component)])).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/.well-known/spin/health", &[]).await.status, StatusCode::OK);
    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    let response = tokio::spawn(response);
    outside.called().await;

    let address = server.address;
    let done = server.stop();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    pieces.send_data("x".into()).await.unwrap();
    drop(pieces);
    assert_eq!(reply(response.await.unwrap()).await.body, "hello");
    done.await.unwrap();
}
