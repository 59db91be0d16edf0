//! Nothing but a list of features, in this crate's manifest: those that the cluster's dependencies turn on in dependencies which `plinth` has too.
//!
//! Cargo builds a dependency anew for every set of features. With this list, `plinth` and `plinth-cluster` have the same sets, so
//! DataFusion is built once for both. A tidy test asks cargo whether they are the same. No code belongs here.
