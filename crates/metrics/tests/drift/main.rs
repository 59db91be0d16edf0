//! Drift against other implementations, whose numbers are in `golden/drift_*.json`. What merging does is tested beside the counters.

#![cfg(test)]

mod any_samples;
mod definitions;
mod evidently;
mod golden;
mod nannyml;
mod numpy_scipy;
mod samples;
