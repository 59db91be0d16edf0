//! Guests for the tests: a few lines of WebAssembly text after a common prelude, made into components here.

use std::sync::Arc;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// Says `hello`.
pub(crate) const HELLO: &str = "(call $send (local.get $out) (i32.const 200) (i32.const 1024) (i32.const 5))";

/// A guest that calls `authority`, so that a test knows that it runs; then waits for a piece of its request; then says hello.
pub(crate) fn caller_then_hello(authority: &str) -> Arc<[u8]> {
    let handle = format!(
        r#"
        (call $fetch (i32.const 1029) (i32.const {length}) (i32.const 1029) (i32.const 0))
        (drop) (drop)
        {READ} {HELLO}"#,
        length = authority.len(),
    );
    guest(&format!("hello{authority}"), &handle)
}

/// Waits for a piece of the request.
pub(crate) const READ: &str = r#"
    (local.set $input (call $input_of (local.get $request)))
    (call $read (local.get $input))
    (drop) (drop)"#;

/// A component whose handler runs `handle`, with `data` at address 1024.
///
/// In `handle` there are the parameters `$request` and `$out`, the locals `$response`, `$body`, `$stream`, `$input`, `$a` and
/// `$b`, and the functions of the prelude.
pub(crate) fn guest(data: &str, handle: &str) -> Arc<[u8]> {
    let text = format!(
        r#"{prelude}
        (data (i32.const 1024) "{data}")
        (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
            (local $response i32) (local $body i32) (local $stream i32) (local $input i32)
            (local $a i32) (local $b i32)
            {handle}))"#,
        prelude = include_str!("prelude.wat"),
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("guest.wit", include_str!("guest.wit")).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).unwrap();
    Arc::from(encoder.encode().unwrap())
}
