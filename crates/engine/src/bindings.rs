//! Generated: host side of world `plinth:model/model`. Not for hand-written code.

#![expect(missing_docs, unreachable_pub, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "model",
});
