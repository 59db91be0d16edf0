//! Rows run through a model; if it refuses them or fails, their halves are run, down to the rows at fault.
//!
//! A model that traps takes the whole function with it. Who sends chunks has to halve them then.

use protocol::{Error, Result};
use tensor::Tensor;

use crate::Model;
use crate::model::run;

/// The answers to rows.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// The outputs of the rows that were answered, in the model's order; none if no row was.
    pub(super) outputs: Vec<Tensor>,
    /// The other rows, ascending.
    pub(super) failed: Vec<(usize, Error)>,
}

/// Runs `n_rows` rows.
///
/// # Errors
/// [`Error::RowsChanged`] if the model does not answer row by row; [`Error::ModelFailed`] if its outputs are not those of its signature.
pub(super) fn answer(
    model: &impl Model,
    names: &[String],
    inputs: Vec<Tensor>,
    n_rows: usize,
) -> Result<Answered> {
    let mut answered = Answered::default();
    if n_rows > 0 {
        answer_from(model, names, inputs, 0..n_rows, &mut answered)?;
    }
    Ok(answered)
}

fn answer_from(
    model: &impl Model,
    names: &[String],
    inputs: Vec<Tensor>,
    rows: std::ops::Range<usize>,
    answered: &mut Answered,
) -> Result<()> {
    // A lone row cannot be halved, and then its inputs need not be kept.
    let halves = if rows.len() > 1 { Some(inputs.clone()) } else { None };
    let error = match run(model, inputs, names) {
        Ok(outputs) => return push(answered, outputs, rows.len()),
        Err(error) => error,
    };
    let Some(inputs) = halves else {
        answered.failed.push((rows.start, error));
        return Ok(());
    };
    let n_first = rows.len() / 2;
    for part in [0..n_first, n_first..rows.len()] {
        let some = |input: &Tensor| input.row_range(part.start as u64..part.end as u64);
        let inputs = inputs.iter().map(some).collect::<Option<Vec<_>>>();
        let inputs = inputs.ok_or_else(|| Error::ModelFailed { reason: "inputs without rows".to_owned() })?;
        answer_from(model, names, inputs, rows.start + part.start..rows.start + part.end, answered)?;
    }
    Ok(())
}

/// Appends the outputs of more rows.
fn push(answered: &mut Answered, outputs: Vec<Tensor>, n_rows: usize) -> Result<()> {
    let changed = |output: &Tensor| Error::RowsChanged {
        output: output.name().to_owned(),
        expected: n_rows as u64,
        found: output.shape().to_vec(),
    };
    if let Some(output) = outputs.iter().find(|output| output.rows() != Some(n_rows as u64)) {
        return Err(changed(output));
    }
    answered.outputs = if answered.outputs.is_empty() {
        outputs
    } else {
        let pairs = std::mem::take(&mut answered.outputs).into_iter().zip(outputs);
        pairs.map(|(first, second)| joined(first, &second)).collect::<Result<_>>()?
    };
    Ok(())
}

/// The rows of both.
fn joined(first: Tensor, second: &Tensor) -> Result<Tensor> {
    let row_shape = second.shape().get(1..).unwrap_or_default();
    if first.shape().get(1..) != Some(row_shape) {
        let reason = format!("output `{}`: rows of different shapes", second.name());
        return Err(Error::ModelFailed { reason });
    }
    let (name, datatype, mut shape, mut data) = first.into_parts();
    shape.iter_mut().take(1).for_each(|n_rows| *n_rows += second.rows().unwrap_or_default());
    data.extend_from_slice(second.data());
    Ok(Tensor::new(name, datatype, shape, data)?)
}

#[cfg(test)]
mod tests {
    use tensor::{Datatype, encode_bytes_element};

    use super::*;
    use crate::fake::{failing, greeter, shrinking};

    fn greeted(names: &[&[u8]]) -> Answered {
        let mut data = Vec::new();
        names.iter().for_each(|name| encode_bytes_element(&mut data, name));
        let n_rows = names.len();
        let inputs = vec![
            Tensor::new("name", Datatype::Bytes, vec![n_rows as u64], data).unwrap(),
            Tensor::new("times", Datatype::Uint8, vec![n_rows as u64], vec![1; n_rows]).unwrap(),
        ];
        answer(&greeter(), &["greeting".to_owned(), "length".to_owned()], inputs, n_rows).unwrap()
    }

    #[test]
    fn rows_at_fault_are_found_and_the_others_answered() {
        let found = greeted(&[b"a", b"", b"b", b"c", b"", b"", b"d"]);
        assert!(found.outputs[0].bytes_elements().eq([b"a", b"b", b"c", b"d"]));
        assert_eq!(found.outputs[1].shape(), [4, 1]);
        let failed: Vec<usize> = found.failed.iter().map(|(row, _)| *row).collect();
        assert_eq!(failed, [1, 4, 5]);
        assert!(found.failed.iter().all(|(_, error)| error.code() == "invalid_input"));
    }

    #[test]
    fn there_may_be_no_answer_at_all() {
        assert!(greeted(&[]).failed.is_empty());
        assert!(greeted(&[b"", b""]).outputs.is_empty());
    }

    #[test]
    fn a_model_that_changes_the_rows_has_no_answer() {
        let input = || vec![Tensor::new("x", Datatype::Fp32, vec![2, 2], vec![0; 16]).unwrap()];
        let names = ["y".to_owned()];
        assert!(matches!(answer(&shrinking(), &names, input(), 2), Err(Error::RowsChanged { .. })));
        assert_eq!(answer(&failing(), &names, input(), 2).unwrap().failed.len(), 2);
    }
}
