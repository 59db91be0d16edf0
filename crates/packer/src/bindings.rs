//! Generated: host side of world `plinth:model/loading`. Not for hand-written code.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "loading",
});
