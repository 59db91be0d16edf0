//! Whether a packed model answers as the runtime did before it was packed, and how fast.

use std::time::{Duration, Instant};

use engine::PackedModel;
use tensor::Tensor;

use crate::report::Timings;
use crate::runtime::Runtime;
use crate::samples::samples;
use crate::{Error, Result};

/// Row counts of the generated inputs.
const ROWS: [u64; 3] = [1, 2, 7];

/// Instances and calls of which the median is told.
const N_TIMED: usize = 15;

/// Compares answers bit for bit, each in a fresh instance of the packed model.
///
/// # Errors
/// [`Error::Unfaithful`] at the first difference.
pub(crate) fn compare(runtime: &mut Runtime<'_>, packed: &PackedModel) -> Result<()> {
    for n_rows in ROWS {
        let inputs = generated(packed, n_rows)?;
        let before = settled(runtime.infer(inputs.clone()))?;
        let after = settled(packed.infer(inputs, &[]))?;
        if before != after {
            return Err(Error::Unfaithful { n_rows });
        }
    }
    Ok(())
}

/// An answer, or the text of a refusal: a model may refuse generated inputs, and then must in both places.
fn settled(answer: engine::Result<Vec<Tensor>>) -> Result<Result<Vec<Tensor>, String>> {
    match answer {
        Ok(outputs) => Ok(Ok(outputs)),
        Err(engine::Error::InvalidInput(message) | engine::Error::Model(message)) => Ok(Err(message)),
        Err(error) => Err(error.into()),
    }
}

/// Times fresh instances and calls, on one row. What the model answers does not matter here.
pub fn time(packed: &PackedModel) -> Result<Timings> {
    let inputs = generated(packed, 1)?;
    let (mut instantiate, mut first, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..N_TIMED {
        let start = Instant::now();
        let mut session = packed.instantiate()?;
        instantiate.push(start.elapsed());
        for times in [&mut first, &mut warm] {
            let inputs = inputs.clone();
            let start = Instant::now();
            let _answer = session.infer(inputs, &[]);
            times.push(start.elapsed());
        }
    }
    Ok(Timings { instantiate: median(instantiate), first: median(first), warm: median(warm) })
}

fn generated(packed: &PackedModel, n_rows: u64) -> Result<Vec<Tensor>> {
    samples(&packed.metadata().inputs, n_rows).map_err(|error| Error::Engine(error.into()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
