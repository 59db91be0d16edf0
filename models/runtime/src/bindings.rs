//! Generated: the exports of world `plinth:model/model-runtime`. Not for hand-written code.

wit_bindgen::generate!({
    path: "../../wit",
    world: "model-runtime",
    pub_export_macro: true,
});
