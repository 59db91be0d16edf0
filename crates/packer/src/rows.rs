//! Whether the answer to a row depends on its neighbours: generated rows alone, in batches of several sizes, and in other orders.
//!
//! Whole numbers, truth values and strings must be the same. Floating-point numbers may differ as sums do that are made in another
//! order: a batch meets other kernels than a row. It tries; it proves nothing about inputs that it does not generate.

use engine::PackedModel;
use tensor::{Datatype, Tensor, TensorSpec};

use crate::verify::answered_kind;
use crate::{Error, Result};

/// Generated rows.
const N_ROWS: u64 = 32;

/// Sizes of the batches that they are cut into.
const BATCH_SIZES: [u64; 6] = [2, 3, 7, 8, 16, N_ROWS];

/// Coprime to [`N_ROWS`]: counting in such steps meets every row, and none of its neighbours.
const STEP: u64 = 13;

/// How far apart two floating-point answers to one row may be: of the larger one, and in all.
const RELATIVE: f64 = 1e-4;
const ABSOLUTE: f64 = 1e-5;

/// What was tried without finding a row that depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsChecked {
    /// So many rows, each in so many runs among others.
    Independent {
        /// Generated rows.
        n_rows: u64,
        /// Runs of all of them, cut or ordered differently.
        n_runs: usize,
    },
    /// The model takes no number of rows of the caller's choice.
    FixedBatch,
}

/// Runs the model on the same rows in many ways and compares the answers row by row.
///
/// # Errors
/// [`Error::DependentRow`] names the first difference; [`Error::Engine`] if the model does not answer generated inputs.
pub fn check_rows(model: &PackedModel) -> Result<RowsChecked> {
    let specs = &model.metadata().inputs;
    if specs.is_empty() || !specs.iter().all(TensorSpec::is_batched) {
        return Ok(RowsChecked::FixedBatch);
    }
    let rows = answered_kind(model)?.samples(model.metadata(), N_ROWS).map_err(invalid)?;
    let in_order: Vec<u64> = (0..N_ROWS).collect();
    let alone = answers(model, &rows, &in_order, 1)?;
    let backwards = in_order.iter().rev().copied().collect();
    let scattered = in_order.iter().map(|row| row * STEP % N_ROWS).collect();
    let mut runs: Vec<(Vec<u64>, u64)> = BATCH_SIZES.map(|size| (in_order.clone(), size)).to_vec();
    runs.extend([(backwards, N_ROWS), (scattered, N_ROWS)]);
    for (order, batch_size) in &runs {
        let among = answers(model, &rows, order, *batch_size)?;
        for (&row, among) in order.iter().zip(&among) {
            let alone = alone.get(usize::try_from(row).unwrap_or(usize::MAX)).map_or(&[][..], Vec::as_slice);
            compare(row, *batch_size, alone, among)?;
        }
    }
    Ok(RowsChecked::Independent { n_rows: N_ROWS, n_runs: runs.len() })
}

/// The outputs of each row, in the order in which the rows were given, `batch_size` at a time, each batch in a fresh instance.
fn answers(model: &PackedModel, rows: &[Tensor], order: &[u64], batch_size: u64) -> Result<Vec<Vec<Tensor>>> {
    let mut answers = Vec::new();
    for batch in order.chunks(usize::try_from(batch_size).unwrap_or(usize::MAX)) {
        let inputs =
            rows.iter().map(|input| picked(input, batch)).collect::<tensor::Result<_>>().map_err(invalid)?;
        let outputs = model.infer(inputs, &[])?;
        for row in 0..batch.len() as u64 {
            let of_row = |output: &Tensor| {
                output
                    .row_range(row..row + 1)
                    .filter(|_| output.rows() == Some(batch.len() as u64))
                    .ok_or_else(|| Error::ChangedRows {
                        output: output.name().to_owned(),
                        n_rows: batch.len(),
                        found: output.shape().to_vec(),
                    })
            };
            answers.push(outputs.iter().map(of_row).collect::<Result<_>>()?);
        }
    }
    Ok(answers)
}

fn picked(input: &Tensor, rows: &[u64]) -> tensor::Result<Tensor> {
    let pieces = rows.iter().filter_map(|&row| input.row_range(row..row + 1));
    let data = pieces.flat_map(|piece| piece.into_parts().3).collect();
    let shape = [vec![rows.len() as u64], input.shape().get(1..).unwrap_or_default().to_vec()].concat();
    Tensor::new(input.name(), input.datatype(), shape, data)
}

fn compare(row: u64, batch_size: u64, alone: &[Tensor], among: &[Tensor]) -> Result<()> {
    match alone.iter().zip(among).find(|(alone, among)| !is_alike(alone, among)) {
        None => Ok(()),
        Some((output, _)) => Err(Error::DependentRow { output: output.name().to_owned(), row, batch_size }),
    }
}

fn is_alike(alone: &Tensor, among: &Tensor) -> bool {
    let numbers = |tensor: &Tensor| -> Option<Vec<f64>> {
        match tensor.datatype() {
            Datatype::Fp32 => Some(tensor.map_elements(|bytes| f32::from_le_bytes(bytes).into())),
            Datatype::Fp64 => Some(tensor.map_elements(f64::from_le_bytes)),
            _ => None,
        }
    };
    match (numbers(alone), numbers(among)) {
        (Some(alone), Some(among)) if alone.len() == among.len() => {
            alone.iter().zip(&among).all(|(alone, among)| is_near(*alone, *among))
        }
        _ => alone == among,
    }
}

fn is_near(alone: f64, among: f64) -> bool {
    let difference = (alone - among).abs();
    alone.to_bits() == among.to_bits()
        || (alone.is_nan() && among.is_nan())
        || (difference.is_finite() && difference <= ABSOLUTE + RELATIVE * alone.abs().max(among.abs()))
}

fn invalid(error: tensor::Error) -> Error {
    Error::Engine(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(datatype: Datatype, data: &[u8]) -> Tensor {
        let n_elements = data.len() / datatype.element_size().unwrap();
        Tensor::new("y", datatype, vec![1, n_elements as u64], data.to_vec()).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_distance_and_all_else_exactly() {
        let fp32 = |number: f32| tensor(Datatype::Fp32, &number.to_le_bytes());
        assert!(is_alike(&fp32(1.0), &fp32(1.000_01)));
        assert!(!is_alike(&fp32(1.0), &fp32(1.001)));
        assert!(is_alike(&fp32(f32::NAN), &fp32(-f32::NAN)));
        assert!(is_alike(&fp32(f32::INFINITY), &fp32(f32::INFINITY)));
        assert!(!is_alike(&fp32(f32::INFINITY), &fp32(1.0)));
        assert!(!is_alike(&tensor(Datatype::Int8, &[1]), &tensor(Datatype::Int8, &[2])));
    }

    #[test]
    fn the_scattered_order_has_every_row() {
        let mut order: Vec<u64> = (0..N_ROWS).map(|row| row * STEP % N_ROWS).collect();
        assert!(order.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 1));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..N_ROWS));
    }
}
