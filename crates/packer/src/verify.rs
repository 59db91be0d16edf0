//! Whether a packed model answers as the runtime did before it was packed, and how fast.

use std::time::{Duration, Instant};

use engine::PackedModel;
use tensor::{Datatype, Tensor};

use crate::report::Timings;
use crate::runtime::Runtime;
use crate::samples::Kind;
use crate::{Error, Result};

/// Row counts of the generated inputs.
const ROWS: [u64; 3] = [1, 2, 7];

/// Row counts of the further inputs of a stripped model: none, and what fills kernels and leaves a rest.
const MORE_ROWS: [u64; 3] = [0, 33, 100];

/// Instances and calls of which the median is told.
const N_TIMED: usize = 15;

/// Compares answers bit for bit, each in a fresh instance of the packed model.
///
/// # Errors
/// [`Error::Unfaithful`] at the first difference.
pub(crate) fn compare(runtime: &mut Runtime<'_>, packed: &PackedModel, kind: Kind) -> Result<()> {
    ROWS.into_iter()
        .try_for_each(|n_rows| compare_call(runtime, packed, n_rows, &Call::all(packed, n_rows, kind)?))
}

/// Compares what a stripped model has the most of: batches of other sizes, outputs asked for by name, and refusals.
///
/// # Errors
/// [`Error::Unfaithful`] at the first difference, [`Error::Overstripped`] at the first trap.
pub(crate) fn compare_stripped(runtime: &mut Runtime<'_>, packed: &PackedModel, kind: Kind) -> Result<()> {
    for n_rows in MORE_ROWS {
        compare_call(runtime, packed, n_rows, &Call::all(packed, n_rows, kind)?)?;
    }
    for call in unusual(packed, kind)? {
        compare_call(runtime, packed, 1, &call)?;
    }
    Ok(())
}

/// The arguments of a call.
#[derive(Clone)]
struct Call {
    inputs: Vec<Tensor>,
    outputs: Vec<String>,
}

impl Call {
    /// Generated rows, all outputs.
    fn all(packed: &PackedModel, n_rows: u64, kind: Kind) -> Result<Self> {
        Ok(Self { inputs: generated(packed, n_rows, kind)?, outputs: Vec::new() })
    }
}

/// Calls of one row that name their outputs, and calls that are refused: by name, by number, by datatype, by shape.
fn unusual(packed: &PackedModel, kind: Kind) -> Result<Vec<Call>> {
    let Call { inputs, .. } = Call::all(packed, 1, kind)?;
    let outputs: Vec<String> = packed.metadata().outputs.iter().rev().map(|spec| spec.name.clone()).collect();
    let with = |inputs: &[Tensor]| Call { inputs: inputs.to_vec(), outputs: Vec::new() };
    let mut calls = vec![
        Call { inputs: inputs.clone(), outputs: outputs.clone() },
        Call { inputs: inputs.clone(), outputs: vec![format!("not {}", outputs.concat())] },
        with(&[]),
        with(&[inputs.clone(), inputs.clone()].concat()),
    ];
    if let Some((first, rest)) = inputs.split_first() {
        let replaced = |name: &str, datatype: Datatype, shape: &[u64]| {
            let n_elements = shape.iter().product::<u64>().try_into().unwrap_or(usize::MAX);
            let data =
                vec![0; datatype.element_size().unwrap_or(size_of::<u32>()).saturating_mul(n_elements)];
            let tensor = Tensor::new(name, datatype, shape.to_vec(), data);
            tensor.map(|tensor| with(&[&[tensor], rest].concat())).map_err(invalid)
        };
        let (name, datatype, shape) = (first.name(), first.datatype(), first.shape());
        calls.push(replaced(&format!("not {name}"), datatype, shape)?);
        calls.push(replaced(
            name,
            if datatype == Datatype::Int8 { Datatype::Bool } else { Datatype::Int8 },
            shape,
        )?);
        calls.push(replaced(name, datatype, &[&[1], shape].concat())?);
    }
    Ok(calls)
}

fn compare_call(runtime: &mut Runtime<'_>, packed: &PackedModel, n_rows: u64, call: &Call) -> Result<()> {
    let before = settled(runtime.infer(call.inputs.clone(), &call.outputs))?;
    let after = match packed.infer(call.inputs.clone(), &call.outputs) {
        Err(source @ engine::Error::Trap(_)) => return Err(Error::Overstripped { n_rows, source }),
        answer => settled(answer)?,
    };
    if before == after { Ok(()) } else { Err(Error::Unfaithful { n_rows }) }
}

/// An answer, or the text of a refusal: a model may refuse generated inputs, and then must in both places.
fn settled(answer: engine::Result<Vec<Tensor>>) -> Result<Result<Vec<Tensor>, String>> {
    match answer {
        Ok(outputs) => Ok(Ok(outputs)),
        Err(engine::Error::InvalidInput(message) | engine::Error::Model(message)) => Ok(Err(message)),
        Err(error) => Err(error.into()),
    }
}

/// Times fresh instances and calls, on one row.
pub fn time(packed: &PackedModel) -> Result<Timings> {
    time_calls(packed, answered_kind(packed)?)
}

/// Times as [`time`] does, with inputs that the model is known to answer.
pub(crate) fn time_calls(packed: &PackedModel, kind: Kind) -> Result<Timings> {
    let inputs = generated(packed, 1, kind)?;
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

fn generated(packed: &PackedModel, n_rows: u64, kind: Kind) -> Result<Vec<Tensor>> {
    kind.samples(packed.metadata(), n_rows).map_err(invalid)
}

/// Inputs that the model answers, or any if it answers none.
pub(crate) fn answered_kind(packed: &PackedModel) -> Result<Kind> {
    Ok(Kind::answered(packed.metadata(), |inputs| packed.infer(inputs, &[]))?.unwrap_or_default())
}

fn invalid(error: tensor::Error) -> Error {
    Error::Engine(error.into())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
