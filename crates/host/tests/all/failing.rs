//! Guests that fail, and requests that are too many or too long.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use host::Limits;
use http::StatusCode;
use tokio::runtime::Handle;

use crate::{
    guest::{HELLO, READ, caller_then_hello, guest},
    support::{Outside, application, bind, component_allowed, reply, serve, serve_on, serve_within, single},
};

#[track_caller]
fn check(handle: &str, status: StatusCode, body: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reply = runtime.block_on(async {
        let server = serve(single(guest("hello", handle))).await;
        let mut client = server.connect().await;
        let first = client.get("/", &[]).await;
        let second = client.get("/", &[]).await;
        assert_eq!((first.status, &first.body), (second.status, &second.body), "the server goes on");
        first
    });
    assert_eq!((reply.status, reply.body.as_str()), (status, body));
}

#[test]
fn a_trap_is_an_empty_500() {
    check("(unreachable)", StatusCode::INTERNAL_SERVER_ERROR, "");
}

#[test]
fn no_response_is_an_empty_500() {
    check("", StatusCode::INTERNAL_SERVER_ERROR, "");
}

#[test]
fn an_error_code_for_a_response_is_an_empty_500() {
    let internal_error = r#"
        (call $outparam_set (local.get $out) (i32.const 1) (i32.const 38) (i32.const 0) (i64.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"#;
    check(internal_error, StatusCode::INTERNAL_SERVER_ERROR, "");
}

#[test]
fn a_whole_response_outlives_a_trap() {
    check(&format!("{HELLO} (unreachable)"), StatusCode::OK, "hello");
}

#[test]
fn half_a_response_does_not_outlive_a_trap() {
    let half = r#"
        (local.set $response (call $answer (i32.const 200)))
        (local.set $stream (call $stream_of (call $body_of (local.get $response))))
        (call $set (local.get $out) (local.get $response))
        (call $write (local.get $stream) (i32.const 1024) (i32.const 4))
        (unreachable)"#;
    check(half, StatusCode::INTERNAL_SERVER_ERROR, "");
}

#[tokio::test]
async fn a_request_without_an_authority_is_an_empty_400() {
    let server = serve(single(guest("hello", HELLO))).await;
    let reply = server.connect().await.get("/", &[("host", "a b")]).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::BAD_REQUEST, ""));
}

#[tokio::test]
async fn memory_above_the_limit_is_refused_to_the_guest() {
    // 200 if 16 MiB can be had, 507 if not.
    let grow = r#"
        (call $send (local.get $out)
          (select (i32.const 507) (i32.const 200) (i32.eq (memory.grow (i32.const 256)) (i32.const -1)))
          (i32.const 1024) (i32.const 0))"#;
    for (mebibytes, expected) in [(64, 200), (8, 507)] {
        let limits = Limits { instance_memory_bytes: mebibytes << 20, ..Limits::default() };
        let server = serve_within(single(guest("", grow)), &limits).await;
        assert_eq!(server.get("/").await.status.as_u16(), expected, "with {mebibytes} MiB");
    }
}

#[tokio::test]
async fn an_endless_guest_is_stopped_at_the_deadline() {
    let limits = Limits { deadline: Some(Duration::from_millis(50)), ..Limits::default() };
    for endless in ["(loop $for_ever (br $for_ever))", READ] {
        let server = serve_within(single(guest("", endless)), &limits).await;
        let mut client = server.connect().await;
        let (_pieces, response) = client.post_in_pieces();
        let reply = reply(response.await).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::GATEWAY_TIMEOUT, ""));
    }
}

#[tokio::test]
async fn a_deadline_needs_an_engine_that_can_interrupt() {
    let limits = Limits { deadline: Some(Duration::from_secs(1)), ..Limits::default() };
    let engine = engine::Engine::new(&engine::Settings::default()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let refused = host::Server::bind(single(guest("", "")), &engine, &limits, listen).await;
    assert!(matches!(refused.err(), Some(host::Error::DeadlineWithoutEpochs)));
    assert!(bind(single(guest("", "")), &limits).await.is_ok());
}

#[tokio::test]
async fn requests_above_the_bound_are_told_to_come_back() {
    let limits = Limits { concurrent_requests: 1, waiting_requests: 0, ..Limits::default() };
    let outside = Outside::new().await;
    let wasm = caller_then_hello(&outside.authority());
    let component = component_allowed("it", wasm, &["http://127.0.0.1:*"]);
    let server = serve_within(application(vec![("/...", component)]), &limits).await;

    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    let response = tokio::spawn(response);
    outside.called().await;
    let refused = server.get("/").await;
    assert_eq!((refused.status, refused.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(refused.headers["retry-after"], "1");
    pieces.send_data("x".into()).await.unwrap();
    assert_eq!(reply(response.await.unwrap()).await.body, "hello");
}

#[test]
fn health_is_answered_while_every_worker_computes() {
    let runtime = host::runtime().unwrap();
    let workers = runtime.workers();
    runtime.block_on(health_while_workers_compute(workers));
}

async fn health_while_workers_compute(workers: Handle) {
    let n_workers = workers.metrics().num_workers();
    let limits =
        Limits { deadline: Some(Duration::from_secs(2)), drain: Duration::ZERO, ..Limits::default() };
    let outside = Outside::new().await;
    let authority = outside.authority();
    let handle = format!(
        r#"(call $fetch (i32.const 1024) (i32.const {}) (i32.const 1024) (i32.const 0)) (drop) (drop)
        (loop $for_ever (br $for_ever))"#,
        authority.len(),
    );
    let component = component_allowed("it", guest(&authority, &handle), &["http://127.0.0.1:*"]);
    let server = serve_on(workers, application(vec![("/...", component)]), &limits).await;

    let mut clients = Vec::new();
    for _ in 0..n_workers {
        clients.push(server.connect().await);
    }
    let mut requests: Vec<_> = clients.iter_mut().map(|client| Box::pin(client.get("/", &[]))).collect();
    for request in &mut requests {
        tokio::select! {
            _ = request.as_mut() => panic!("the guest never ends"),
            _ = outside.called() => {}
        }
    }
    assert_eq!(server.get("/.well-known/spin/health").await.body, "OK");
    for request in &mut requests {
        assert!(is_waiting(request).await, "health was answered only after a guest was stopped");
    }
}

async fn is_waiting<F: Future>(request: &mut Pin<Box<F>>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending())).await
}
