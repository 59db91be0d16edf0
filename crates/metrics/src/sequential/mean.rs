//! A running mean and a running variance in the arithmetic of River, which the detectors' indices depend on. Not for counters that merge.

use serde::{Deserialize, Serialize};

/// The mean of the values so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    pub(super) n: u64,
    pub(super) value: f64,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.n += 1;
        self.value += (1.0 / self.n as f64) * (value - self.value);
    }
}

/// The mean and the sample variance (divisor n - 1) of the values so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Variance {
    pub(super) mean: Mean,
    squares: f64,
}

impl Variance {
    pub(super) fn add(&mut self, value: f64) {
        let before = self.mean.value;
        self.mean.add(value);
        self.squares += (value - before) * (value - self.mean.value);
    }

    pub(super) fn value(&self) -> f64 {
        if self.mean.n > 1 { self.squares / (self.mean.n - 1) as f64 } else { 0.0 }
    }
}
