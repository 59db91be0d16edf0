//! What the system tests share: golden cases, the runtimes that answer them, and how answers are compared.
//!
//! They use what `cargo xtask build` leaves in `target/`.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests do I/O and fail by panicking"
)]

pub mod answer;
pub mod case;
pub mod chunk;
pub mod compare;
pub mod node_tests;
pub mod proxy;
pub mod runtimes;

use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package is in a folder of the root")
        .to_owned()
}

/// The bytes of a demo model as `cargo xtask build` packed it.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn packed_model(name: &str) -> Vec<u8> {
    let path = root().join(format!("target/models/{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask build`", path.display()))
}

/// The policy of the demo's `edge-check`, as JSON.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn demo_policy() -> String {
    let path = root().join("models/digits-edge/policy.json");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the demo models.
#[must_use]
pub fn model_names() -> [&'static str; 3] {
    ["digits", "digits-edge", "diabetes"]
}

/// An engine for tests, with the cache that the tests of this repository share.
///
/// # Panics
/// If wasmtime refuses the settings.
#[must_use]
pub fn engine(pool: engine::Pool) -> engine::Engine {
    let cache_dir = Some(root().join("target/compiled"));
    engine::Engine::new(&engine::Settings { cache_dir, pool, epoch_interruption: false })
        .expect("the settings are valid")
}
