//! How far confidences are from frequencies, in the definitions of several tools, and scalings that bring them nearer.
//!
//! Isotonic calibration is [`crate::isotonic`]; what calibrated probabilities estimate is [`crate::cbpe`].

mod equal_count;
mod newton;
mod platt;
mod reliability;
mod temperature;

pub use equal_count::{CalibrationNeed, EqualCountError, equal_count_ece, needs_calibration};
pub use platt::{PlattError, PlattScaling};
pub use reliability::{Binning, BinningMismatch, Reliability, ReliabilityBin, TopLabelReliability};
pub use temperature::{TemperatureError, TemperatureScaling, log_probability};
