//! Two-Phase Predictions: whether the edge's answer stands or the cloud is asked, and how much of that can be promised.
//!
//! A [`Calibration`] makes a [`Policy`] of rows that the edge has answered, the policy decides about new rows, and a
//! [`monitor::PromiseMonitor`] watches what it promised. Nothing here runs a model, reads a file or a clock, or draws a random number:
//! which rows are audited and how data is split is told by digests of the keys.

pub mod batch;
pub mod calibrate;
pub mod calibrator;
pub mod decision;
mod error;
pub mod guard;
pub mod monitor;
pub mod outputs;
mod plot;
pub mod policy;
pub mod sample;
pub mod score;
pub mod threshold;

pub use batch::{Batch, Decided};
pub use calibrate::Calibration;
pub use calibrator::Calibrator;
pub use decision::{Action, Decision, Reason, Row};
pub use error::Error;
pub use policy::Policy;
pub use score::Score;
