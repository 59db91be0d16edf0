//! What is timed: a subject answers one question again and again.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tensor::Tensor;

use crate::answer;

/// Whose time it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) enum Subject {
    /// A packed model: fresh instance, call, and the instance's end, as a request costs.
    PlinthIsolated,
    /// A packed model: the first call in a fresh instance, without making it.
    PlinthFirst,
    /// A packed model: later calls in one instance.
    PlinthWarm,
    /// The same for a model packed with a fixed batch.
    PlinthFixed,
    /// tract as native code, planned for any batch.
    Tract,
    /// tract as native code, planned for this batch.
    TractFixed,
    /// ONNX Runtime on one thread.
    OnnxRuntime,
}

impl Subject {
    pub(crate) const ALL: [Self; 7] = [
        Self::PlinthIsolated,
        Self::PlinthFirst,
        Self::PlinthWarm,
        Self::PlinthFixed,
        Self::Tract,
        Self::TractFixed,
        Self::OnnxRuntime,
    ];

    /// Those that are measured where there is no time for all.
    pub(crate) const ESSENTIAL: [Self; 3] = [Self::PlinthWarm, Self::Tract, Self::OnnxRuntime];
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlinthIsolated => "Plinth, instance and call",
            Self::PlinthFirst => "Plinth, first call",
            Self::PlinthWarm => "Plinth, later calls",
            Self::PlinthFixed => "Plinth, batch fixed",
            Self::Tract => "tract",
            Self::TractFixed => "tract, batch fixed",
            Self::OnnxRuntime => "ONNX Runtime",
        })
    }
}

/// A subject that can be given slices of calls.
pub(crate) trait Runner {
    /// Answers `n_calls` times and tells the seconds of each.
    ///
    /// # Errors
    /// If there is no answer, or one that differs from the reference.
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>>;
}

/// Inputs, and what ONNX Runtime answers to them.
pub(crate) struct Question {
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) reference: Vec<Tensor>,
}

impl Question {
    /// Times `call` on the inputs and checks what it answers; neither copying nor checking counts.
    pub(crate) fn ask(&self, call: impl FnOnce(Vec<Tensor>) -> Result<Vec<Tensor>>) -> Result<f64> {
        let inputs = self.inputs.clone();
        let start = Instant::now();
        let answer = call(inputs);
        let seconds = start.elapsed().as_secs_f64();
        answer::check(&answer?, &self.reference)?;
        Ok(seconds)
    }
}
