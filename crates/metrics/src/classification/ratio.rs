//! A metric of one class as a quotient of two shares of all observations, with its derivative.

use super::class_metric::ClassMetric;
use super::influence::Part;
use super::matrix::ClassCounts;
use crate::interval::delta_method;

/// A metric of one class in two sums and the derivatives of both: `numerator / denominator`, of shares of all observations.
pub(super) struct Ratio {
    numerator: f64,
    denominator: f64,
    by_numerator: Part,
    by_denominator: Part,
}

/// A class's counts as shares of all observations.
#[derive(Clone, Copy)]
pub(super) struct Shares {
    pub(super) truth: f64,
    untrue: f64,
    predicted: f64,
    both: f64,
    neither: f64,
}

impl Shares {
    /// Of `n` observations.
    pub(super) fn of(counts: ClassCounts, n: u64) -> Self {
        let share = |count: u64| count as f64 / n as f64;
        Self {
            truth: share(counts.n_true),
            untrue: share(n.saturating_sub(counts.n_true)),
            predicted: share(counts.n_predicted),
            both: share(counts.n_both),
            neither: share(counts.n_neither(n)),
        }
    }
}

impl Ratio {
    /// The metric of a class with these shares; none if its value is no number.
    pub(super) fn of(metric: ClassMetric, shares: Shares) -> Option<Self> {
        let diagonal = Part { diagonal: 1.0, ..Part::default() };
        let (row, column) = (Part { row: 1.0, ..Part::default() }, Part { column: 1.0, ..Part::default() });
        let not_row = Part { everywhere: 1.0, row: -1.0, ..Part::default() };
        let ratio = match metric {
            ClassMetric::Precision => Self::new(shares.both, shares.predicted, diagonal, column),
            ClassMetric::Recall => Self::new(shares.both, shares.truth, diagonal, row),
            ClassMetric::Specificity => {
                let neither = Part { everywhere: 1.0, diagonal: 1.0, row: -1.0, column: -1.0 };
                Self::new(shares.neither, shares.untrue, neither, not_row)
            }
            ClassMetric::FBeta(beta) => {
                let weight = beta * beta;
                let denominator = weight * shares.truth + shares.predicted;
                let by_denominator = Part { row: weight, column: 1.0, ..Part::default() };
                let scale = 1.0 + weight;
                Self::new(scale * shares.both, denominator, diagonal.scaled(scale), by_denominator)
            }
        };
        ratio.value().is_finite().then_some(ratio)
    }

    const fn new(numerator: f64, denominator: f64, by_numerator: Part, by_denominator: Part) -> Self {
        Self { numerator, denominator, by_numerator, by_denominator }
    }

    /// Whether it divides by anything.
    pub(super) fn is_defined(&self) -> bool {
        self.denominator > 0.0
    }

    /// The quotient; zero if it divides zero by zero.
    pub(super) fn value(&self) -> f64 {
        if self.is_defined() { self.numerator / self.denominator } else { 0.0 }
    }

    /// The derivative of the quotient; zero if it divides zero by zero.
    pub(super) fn derivative(&self) -> Part {
        if !self.is_defined() {
            return Part::default();
        }
        let (by_numerator, by_denominator) = (self.by_numerator, self.by_denominator.scaled(-self.value()));
        Part {
            everywhere: by_numerator.everywhere + by_denominator.everywhere,
            diagonal: by_numerator.diagonal + by_denominator.diagonal,
            row: by_numerator.row + by_denominator.row,
            column: by_numerator.column + by_denominator.column,
        }
        .scaled(1.0 / self.denominator)
    }

    /// The standard error of the metric of this class alone, by the delta method.
    pub(super) fn standard_error(&self, shares: Shares, n: u64) -> f64 {
        let Part { everywhere, diagonal, row, column } = self.derivative();
        let cells = [
            (shares.both, everywhere + diagonal + row + column),
            (shares.truth - shares.both, everywhere + row),
            (shares.predicted - shares.both, everywhere + column),
            (shares.neither, everywhere),
        ];
        delta_method(cells, n)
    }
}
