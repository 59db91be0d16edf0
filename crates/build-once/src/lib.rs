//! Nothing but a list of features, in this crate's manifest: those that one program's dependencies turn on in dependencies which
//! another has too.
//!
//! Cargo builds a dependency anew for every set of features. With this list `plinth`, `plinth-cluster`, the peer `wasmtime-serve` and
//! the tests of the pure crates have the same sets, so DataFusion and wasmtime are built once for all of them. A tidy test asks cargo
//! whether they are the same. No code belongs here.
