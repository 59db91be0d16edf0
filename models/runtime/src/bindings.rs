//! Generated: the exports of world `plinth:model/model-runtime`. Not for hand-written code.

#![expect(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::str_to_string,
    clippy::too_many_lines,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "model-runtime",
    pub_export_macro: true,
});
