//! Generated: the imports of world `plinth:model/function`. Not for hand-written code.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "function",
});
