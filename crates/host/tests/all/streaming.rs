//! Bodies in pieces, and guests that go on after their response.

use http::StatusCode;
use http_body_util::BodyExt as _;

use crate::{
    guest::guest,
    support::{Outside, application, component_allowed, piece, reply, serve, single},
};

/// Copies the request's body into the response.
const ECHO: &str = r#"
    (local.set $response (call $answer (i32.const 200)))
    (local.set $body (call $body_of (local.get $response)))
    (local.set $stream (call $stream_of (local.get $body)))
    (call $set (local.get $out) (local.get $response))
    (local.set $input (call $input_of (local.get $request)))
    (call $copy (local.get $input) (local.get $stream))
    (call $finish (local.get $stream) (local.get $body))"#;

#[tokio::test]
async fn bodies_of_any_size_pass_through() {
    let server = serve(single(guest("", ECHO))).await;
    let mut client = server.connect().await;
    for size in [0, 1, 64 * 1024, 64 * 1024 + 1, 5_000_000] {
        let body: String = "0123456789".chars().cycle().take(size).collect();
        let reply = client.post(body.clone()).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.body == body, "{size} bytes came back as {}", reply.body.len());
    }
}

#[tokio::test]
async fn both_bodies_stream_at_the_same_time() {
    let server = serve(single(guest("", ECHO))).await;
    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    pieces.send_data("one".into()).await.unwrap();
    let mut body = response.await.into_body();
    assert_eq!(piece(&mut body).await, "one");
    pieces.send_data("two".into()).await.unwrap();
    assert_eq!(piece(&mut body).await, "two");
    drop(pieces);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_guest_goes_on_after_its_response() {
    let outside = Outside::new().await;
    let authority = outside.authority();
    // A whole response; then waits for the rest of the request, and then calls outside.
    let go_on = format!(
        r#"
        (call $send (local.get $out) (i32.const 200) (i32.const 1024) (i32.const 4))
        (local.set $input (call $input_of (local.get $request)))
        (call $read (local.get $input))
        (drop) (drop)
        (call $fetch (i32.const 1024) (i32.const {length}) (i32.const 1100) (i32.const 6))
        (drop) (drop)"#,
        length = authority.len(),
    );
    let padding = " ".repeat(76 - authority.len());
    let wasm = guest(&format!("{authority}{padding}/after"), &go_on);
    let allowed = format!("http://{authority}");
    let server = serve(application(vec![("/...", component_allowed("it", wasm, &[&allowed]))])).await;

    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    let reply = reply(response.await).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, authority.get(..4).unwrap()));
    assert_eq!(reply.headers["content-length"], "4", "it was whole although the guest goes on");
    pieces.send_data("go on".into()).await.unwrap();
    assert!(outside.called().await.starts_with("GET /after HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_guest_that_fails_in_the_middle_of_its_response_breaks_the_connection() {
    // A piece of a response; then waits for the request and traps.
    let break_off = r#"
        (local.set $response (call $answer (i32.const 200)))
        (local.set $body (call $body_of (local.get $response)))
        (local.set $stream (call $stream_of (local.get $body)))
        (call $set (local.get $out) (local.get $response))
        (call $write (local.get $stream) (i32.const 1024) (i32.const 4))
        (local.set $input (call $input_of (local.get $request)))
        (call $read (local.get $input))
        (unreachable)"#;
    let server = serve(single(guest("half", break_off))).await;
    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    let response = response.await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    assert_eq!(piece(&mut body).await, "half");
    pieces.send_data("x".into()).await.unwrap();
    assert!(body.frame().await.unwrap().is_err(), "the end must not look like one");
}

#[tokio::test]
async fn a_guest_that_fails_after_its_response_does_not_break_it() {
    // Waits for the request with a response set; then finishes the response and traps.
    let fail_late = r#"
        (local.set $response (call $answer (i32.const 200)))
        (local.set $body (call $body_of (local.get $response)))
        (local.set $stream (call $stream_of (local.get $body)))
        (call $set (local.get $out) (local.get $response))
        (local.set $input (call $input_of (local.get $request)))
        (call $read (local.get $input))
        (drop) (drop)
        (call $write (local.get $stream) (i32.const 1024) (i32.const 5))
        (call $finish (local.get $stream) (local.get $body))
        (unreachable)"#;
    let server = serve(single(guest("whole", fail_late))).await;
    let mut client = server.connect().await;
    let (mut pieces, response) = client.post_in_pieces();
    let response = response.await;
    pieces.send_data("x".into()).await.unwrap();
    assert_eq!(reply(response).await.body, "whole");
}
