//! How a metric of a confusion matrix moves with the probability of each cell, and the standard error that follows.

use super::matrix::ConfusionMatrix;
use crate::interval::delta_method;

/// The derivative of a metric by the probabilities of all cells. Every metric here is a function of the diagonal, the row sums, the
/// column sums and the total, so that the derivative is a sum of four parts: one for every cell, and one each for the cell's place on
/// the diagonal, its row and its column.
pub(super) struct Influence {
    everywhere: f64,
    classes: Vec<Part>,
}

/// What one class adds to the derivative of a metric.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// For every cell.
    pub(super) everywhere: f64,
    /// For the cell of the class itself.
    pub(super) diagonal: f64,
    /// For the cells where the class is true.
    pub(super) row: f64,
    /// For the cells where the class is predicted.
    pub(super) column: f64,
}

impl Influence {
    /// The derivative to which each class in turn adds its part.
    pub(super) fn new(classes: impl IntoIterator<Item = Part>) -> Self {
        let classes: Vec<Part> = classes.into_iter().collect();
        Self { everywhere: classes.iter().map(|class| class.everywhere).sum(), classes }
    }

    /// The metric's standard error by the delta method.
    pub(super) fn standard_error(&self, matrix: &ConfusionMatrix) -> f64 {
        let n = matrix.n();
        let cells = matrix.cells().filter(|&(_, _, count)| count > 0);
        let cells =
            cells.map(|(truth, predicted, count)| (count as f64 / n as f64, self.at(truth, predicted)));
        delta_method(cells, n)
    }

    fn at(&self, truth: usize, predicted: usize) -> f64 {
        let row = self.classes.get(truth).copied().unwrap_or_default();
        let column = self.classes.get(predicted).copied().unwrap_or_default();
        let diagonal = if truth == predicted { row.diagonal } else { 0.0 };
        self.everywhere + diagonal + row.row + column.column
    }
}

impl Part {
    /// Every derivative times a factor.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            everywhere: self.everywhere * factor,
            diagonal: self.diagonal * factor,
            row: self.row * factor,
            column: self.column * factor,
        }
    }
}
