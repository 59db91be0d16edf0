//! Requests that are answered: routing, shaping, both versions of HTTP, and a fresh instance each time.

use bytes::Bytes;
use host::{Limits, Route, StaticResponse, Target, Trigger};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;

use crate::{
    guest::{HELLO, guest},
    support::{application, bind, component, reply, serve, single},
};

#[tokio::test]
async fn a_whole_response_leaves_in_one_piece() {
    let server = serve(single(guest("hello", HELLO))).await;
    let reply = server.get("/").await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "hello"));
    assert_eq!(reply.headers["content-length"], "5");
    assert!(!reply.headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn every_request_of_a_connection_gets_a_fresh_instance() {
    let count = r#"
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 1024) (i32.add (global.get $calls) (i32.const 48)))
        (call $send (local.get $out) (i32.const 200) (i32.const 1024) (i32.const 1))"#;
    let server = serve(single(guest("", count))).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("/", &[]).await.body, "1");
    }
}

#[tokio::test]
async fn http2_is_spoken_on_the_same_port() {
    let server = serve(single(guest("hello", HELLO))).await;
    let mut client = server.connect_http2().await;
    let uri = format!("http://{}/", server.address);
    let request = || Request::get(uri.as_str()).body(Full::<Bytes>::default()).unwrap();
    let (first, second) = (client.send_request(request()), client.send_request(request()));
    for response in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(reply(response).await.body, "hello");
    }
}

/// Writes every request header as a line `name=value`.
const HEADERS: &str = r#"
    (local.set $response (call $answer (i32.const 200)))
    (local.set $body (call $body_of (local.get $response)))
    (local.set $stream (call $stream_of (local.get $body)))
    (call $set (local.get $out) (local.get $response))
    (call $fields_entries (call $request_headers (local.get $request)) (i32.const 0))
    (local.set $a (i32.load (i32.const 0)))
    (local.set $b (i32.add (local.get $a) (i32.mul (i32.load (i32.const 4)) (i32.const 16))))
    (loop $next
      (if (i32.lt_u (local.get $a) (local.get $b))
        (then
          (call $write (local.get $stream) (i32.load (local.get $a)) (i32.load offset=4 (local.get $a)))
          (call $write (local.get $stream) (i32.const 1024) (i32.const 1))
          (call $write (local.get $stream) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a)))
          (call $write (local.get $stream) (i32.const 1025) (i32.const 1))
          (local.set $a (i32.add (local.get $a) (i32.const 16)))
          (br $next))))
    (call $finish (local.get $stream) (local.get $body))"#;

#[tokio::test]
async fn a_guest_sees_spins_headers_and_neither_host_nor_connection() {
    let server = serve(application(vec![("/users/:id/...", component("it", guest("=\\n", HEADERS)))])).await;
    let mut client = server.connect().await;
    let sent = [("connection", "keep-alive"), ("x-own", "1"), ("spin-path-info", "/forged")];
    let reply = client.get("/users/42/a/?b=c", &sent).await;
    let mut lines: Vec<&str> =
        reply.body.lines().filter(|line| !line.starts_with("spin-client-addr=")).collect();
    lines.sort_unstable();
    let url = format!("spin-full-url=http://{}/users/42/a/?b=c", server.address);
    let expected = [
        "spin-base-path=/",
        "spin-component-route=/users/:id",
        url.as_str(),
        "spin-matched-route=/users/:id/...",
        "spin-path-info=/a/",
        "spin-path-match-id=42",
        "spin-raw-component-route=/users/:id/...",
        "x-own=1",
    ];
    assert_eq!(lines, expected);
    assert!(reply.body.contains("spin-client-addr=127.0.0.1:"));
}

#[tokio::test]
async fn routes_lead_to_components_and_static_responses() {
    let mut application = application(vec![
        ("/v1/models/digits:predict", component("predict", guest("predict", &send(7)))),
        ("/v1/...", component("others", guest("others", &send(6)))),
    ]);
    let mut headers = HeaderMap::new();
    headers.insert("location", "/v1".parse().unwrap());
    let moved = StaticResponse { status: StatusCode::FOUND, headers, body: "moved".to_owned() };
    let route = Route::Public("/".to_owned());
    application.triggers.push(Trigger { id: None, route, target: Target::Static(moved) });
    let server = serve(application).await;

    assert_eq!(server.get("/v1/models/digits:predict").await.body, "predict");
    assert_eq!(server.get("/v1/models/digits").await.body, "others");
    let moved = server.get("/").await;
    assert_eq!((moved.status, moved.body.as_str()), (StatusCode::FOUND, "moved"));
    assert_eq!(moved.headers["location"], "/v1");
    let missing = server.get("/v2").await;
    assert_eq!((missing.status, missing.body.as_str()), (StatusCode::NOT_FOUND, ""));
}

fn send(length: usize) -> String {
    format!("(call $send (local.get $out) (i32.const 200) (i32.const 1024) (i32.const {length}))")
}

#[tokio::test]
async fn the_hosts_own_paths_come_before_routes() {
    let server = serve(single(guest("hello", HELLO))).await;
    let health = server.get("/.well-known/spin/health").await;
    assert_eq!((health.status, health.body.as_str()), (StatusCode::OK, "OK"));
    let info = server.get("/.well-known/spin/info").await;
    assert_eq!(info.body, r#"{"name":"test","version":"1.0.0"}"#);
    assert_eq!(info.headers["content-type"], "application/json");
    assert_eq!(server.get("/.well-known/spin/other").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_banner_is_spins() {
    let mut described = component("b", guest("hello", HELLO));
    described.description = Some("says hello".to_owned());
    let application = application(vec![
        ("/...", component("a", guest("hello", HELLO))),
        ("/b", described),
        ("", component("hidden", guest("hello", HELLO))),
    ]);
    let server = bind(application, &Limits::default()).await.unwrap();
    let base = format!("http://{}", server.local_addr());
    let expected = format!(
        "\nServing {base}\nAvailable Routes:\n  b: {base}/b\n    says hello\n  a: {base} (wildcard)\n"
    );
    assert_eq!(server.banner(), expected);
}
