//! Generated: the exports of world `plinth:two-phase/decision`. Not for hand-written code.

wit_bindgen::generate!({
    path: "../../wit/two-phase",
    world: "decision",
    pub_export_macro: true,
});
