//! Drift against other implementations, whose numbers are in `golden/drift_*.json`. What merging does is tested beside the counters.

mod golden;
mod numpy_scipy;
