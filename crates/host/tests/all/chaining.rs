//! Requests that guests send: denied, over the network, to each other and to themselves.

use std::sync::Arc;

use http::StatusCode;

use crate::{
    guest::guest,
    support::{Outside, Reply, Running, application, component, component_allowed, serve},
};

/// The numbers that a guest adds to 460: positions in WASI's `error-code`.
const DESTINATION_NOT_FOUND: u16 = 460 + 2;
const DENIED: u16 = 460 + 15;
const LOOP_DETECTED: u16 = 460 + 36;

/// Calls the authority in the header `to` at the path in the header `at`; answers what that answers, or the error's number.
fn caller() -> Arc<[u8]> {
    guest(
        "toat",
        r#"
        (call $header (local.get $request) (i32.const 1024) (i32.const 2))
        (call $header (local.get $request) (i32.const 1026) (i32.const 2))
        (call $fetch)
        (local.set $a)
        (local.set $input)
        (if (local.get $input) (then (local.set $a (call $status (local.get $input)))))
        (local.set $response (call $answer (local.get $a)))
        (local.set $body (call $body_of (local.get $response)))
        (local.set $stream (call $stream_of (local.get $body)))
        (call $set (local.get $out) (local.get $response))
        (if (local.get $input)
          (then
            (call $response_consume (local.get $input) (i32.const 0))
            (call $body_stream (i32.load (i32.const 4)) (i32.const 0))
            (call $copy (i32.load (i32.const 4)) (local.get $stream))))
        (call $finish (local.get $stream) (local.get $body))"#,
    )
}

/// Answers the value of one of its request's headers.
fn teller(header: &str) -> Arc<[u8]> {
    let handle = format!(
        r#"
        (call $header (local.get $request) (i32.const 1024) (i32.const {}))
        (local.set $b)
        (local.set $a)
        (call $send (local.get $out) (i32.const 200) (local.get $a) (local.get $b))"#,
        header.len(),
    );
    guest(header, &handle)
}

/// A caller at `/call` that may call `allowed`, a teller of its `spin-full-url` at `/tell`, and a private one of its path.
async fn server(allowed: &[&str]) -> Running {
    let application = application(vec![
        ("/call/...", component_allowed("caller", caller(), allowed)),
        ("/tell/...", component("teller", teller("spin-full-url"))),
        ("", component("hidden", teller("spin-path-info"))),
        ("/trap", component("trap", guest("", "(unreachable)"))),
    ]);
    serve(application).await
}

async fn call(server: &Running, to: &str, at: &str) -> Reply {
    server.connect().await.get("/call", &[("to", to), ("at", at)]).await
}

#[tokio::test]
async fn nothing_is_allowed_that_is_not_listed() {
    let outside = Outside::new().await;
    let server = server(&["http://example.com"]).await;
    for to in [&outside.authority(), "teller.spin.internal", "self.alt", "example.com:81"] {
        assert_eq!(call(&server, to, "/").await.status.as_u16(), DENIED, "{to}");
    }
}

#[tokio::test]
async fn what_is_listed_is_called_over_the_network() {
    let outside = Outside::new().await;
    let server = server(&["http://127.0.0.1:*"]).await;
    let authority = outside.authority();
    let (reply, head) = tokio::join!(call(&server, &authority, "/a?b"), outside.called());
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "outside"));
    assert!(head.starts_with("GET /a?b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {authority}\r\n")), "{head}");
}

#[tokio::test]
async fn components_call_each_other_in_process() {
    let server = server(&["http://*.spin.internal"]).await;
    let public = call(&server, "teller.spin.internal", "/x?y").await;
    assert_eq!((public.status, public.body.as_str()), (StatusCode::OK, "http://teller.spin.internal/x?y"));
    let private = call(&server, "hidden.spin.internal", "/a/b").await;
    assert_eq!((private.status, private.body.as_str()), (StatusCode::OK, "/a/b"));
    assert_eq!(server.get("/hidden").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_callee_that_fails_is_a_500_for_its_caller() {
    let server = server(&["http://*.spin.internal"]).await;
    let reply = call(&server, "trap.spin.internal", "/").await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    let missing = call(&server, "nobody.spin.internal", "/").await;
    assert_eq!(missing.status.as_u16(), DESTINATION_NOT_FOUND);
}

#[tokio::test]
async fn an_application_calls_itself_by_its_routes() {
    let server = server(&["http://self"]).await;
    let reply = call(&server, "self.alt", "/tell/x").await;
    assert_eq!(reply.body, format!("http://{}/tell/x", server.address));
    assert_eq!(call(&server, "self.alt", "/.well-known/spin/health").await.body, "OK");
    assert_eq!(call(&server, "self.alt", "/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn components_that_call_each_other_for_ever_are_a_loop() {
    // Calls itself and answers the status that it gets.
    let wasm = guest(
        "it.spin.internal/",
        r#"
        (call $fetch (i32.const 1024) (i32.const 16) (i32.const 1040) (i32.const 1))
        (local.set $a)
        (local.set $input)
        (if (local.get $input) (then (local.set $a (call $status (local.get $input)))))
        (call $send (local.get $out) (local.get $a) (i32.const 1024) (i32.const 0))"#,
    );
    let component = component_allowed("it", wasm, &["http://it.spin.internal"]);
    let server = serve(application(vec![("/", component)])).await;
    assert_eq!(server.get("/").await.status.as_u16(), LOOP_DETECTED);
}
