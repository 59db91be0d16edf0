//! Generated: the exports of world `plinth:model/model`. Not for hand-written code.

wit_bindgen::generate!({
    path: "../../wit",
    world: "model",
    pub_export_macro: true,
});
