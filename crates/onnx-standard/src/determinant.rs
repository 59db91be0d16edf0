//! `Det`: the determinant of each square matrix.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

#[derive(Debug)]
struct Determinant;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Det`, version 22.
pub(crate) fn determinant(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((computed(Determinant), Vec::new()))
}

/// The determinant of a matrix of `n` rows, by elimination with the largest pivot of each column.
fn of(mut matrix: Vec<f64>, n: usize) -> f64 {
    let mut product = 1.0;
    for column in 0..n {
        let at = |row: usize| row * n + column;
        let size = |row: &usize| matrix.get(at(*row)).copied().unwrap_or(0.0).abs();
        let pivot = (column..n).max_by(|left, right| size(left).total_cmp(&size(right))).unwrap_or(column);
        if pivot != column {
            (0..n).for_each(|idx| matrix.swap(pivot * n + idx, column * n + idx));
            product = -product;
        }
        let pivot = matrix.get(at(column)).copied().unwrap_or(0.0);
        product *= pivot;
        if pivot == 0.0 {
            return product;
        }
        let (above, below) = matrix.split_at_mut((column + 1) * n);
        let Some(above) = above.get(column * n..) else { return f64::NAN };
        for row in below.chunks_exact_mut(n) {
            let factor = row.get(column).copied().unwrap_or(0.0) / pivot;
            row.iter_mut().zip(above).for_each(|(element, above)| *element -= factor * above);
        }
    }
    product
}

impl Kernel for Determinant {
    fn name(&self) -> &'static str {
        "Det"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, shape) = input(inputs, 0)?;
        let (outer, _) = shape.split_last_chunk::<2>().context("Det of a value with less than two axes")?;
        Ok(tvec![(*datum_type, outer.into())])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let matrices = input(inputs, 0)?;
        let (outer, sides) = matrices.shape().split_last_chunk::<2>().context("matrices")?;
        let [n, n_columns] = *sides;
        ensure!(n == n_columns, "Det of matrices with {n} rows and {n_columns} columns");
        let numbers = matrices.cast_to::<f64>()?;
        let numbers: Vec<f64> = numbers.to_plain_array_view::<f64>()?.iter().copied().collect();
        let n_matrices = outer.iter().product();
        let found: Vec<f64> = if n == 0 {
            vec![1.0; n_matrices]
        } else {
            numbers.chunks_exact(n * n).map(|matrix| of(matrix.to_vec(), n)).collect()
        };
        let found = Tensor::from_shape(outer, &found)?;
        Ok(tvec![found.cast_to_dt(matrices.datum_type())?.into_owned()])
    }
}
