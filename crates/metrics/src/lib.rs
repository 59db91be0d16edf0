//! How good a model is and how far its data has moved: metrics with intervals, drift, estimation without labels, sequential tests.
//!
//! Formulas only. What is counted merges by addition, in any order and any grouping, to the same bits. Nothing here knows keys, time,
//! requests or files, and nothing reads a clock or draws a random number.

mod bins;
mod estimate;
mod sum;

pub use estimate::{Estimate, Interval};
pub use sum::ExactSum;

// What all of it shares.
pub mod interval;

// Performance against labels.
pub mod classification;
pub mod probability;
pub mod ranking;
pub mod regression;
pub mod selective;

// Drift between two samples or two sets of counts.
pub mod dialect;
pub mod distance;
pub mod histogram;
pub mod hypothesis;

// Performance without labels.
pub mod calibration;
pub mod cbpe;
pub mod isotonic;

// Streams.
pub mod risk_monitor;
pub mod sequential;
