//! Generated: host side of world `plinth:model/model`. Not for hand-written code.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "model",
});
