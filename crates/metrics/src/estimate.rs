//! A number and how sure of it one may be.

use serde::{Deserialize, Serialize};

/// A metric's value with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric itself.
    pub value: f64,
    /// Where it lies with the confidence that the caller asked for; absent if the data cannot say.
    pub interval: Option<Interval>,
}

/// A closed interval of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}
