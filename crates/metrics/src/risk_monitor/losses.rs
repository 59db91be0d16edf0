//! Counts of losses between 0 and 1. Not what a loss is: error, squared error of a probability and the like are the caller's.

use serde::{Deserialize, Serialize};

use super::RiskError;
use crate::ExactSum;

/// The number, the sum and the sum of squares of losses; merges exactly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossCounts {
    n: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl LossCounts {
    /// The counts of answers that are wrong or right: losses 1 and 0.
    ///
    /// # Errors
    /// [`RiskError::Errors`] if more answers are wrong than there are.
    pub fn of_errors(n_errors: u64, n: u64) -> Result<Self, RiskError> {
        if n_errors > n {
            return Err(RiskError::Errors { n_errors, n });
        }
        let errors: ExactSum = std::iter::once(n_errors as f64).collect();
        Ok(Self { n, sum: errors.clone(), squares: errors })
    }

    /// Adds a loss.
    ///
    /// # Errors
    /// [`RiskError::Loss`] if it is not between 0 and 1; nothing is added then.
    pub fn add(&mut self, loss: f64) -> Result<(), RiskError> {
        check_loss(loss)?;
        self.n += 1;
        self.sum.add(loss);
        self.squares.add(loss * loss);
        Ok(())
    }

    /// Adds all losses that other counts have been given.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    /// The number of losses.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum.value()
    }

    /// The sum of squared distances from a number.
    #[must_use]
    pub fn squares_about(&self, center: f64) -> f64 {
        let squares = self.squares.value() - 2.0 * center * self.sum() + self.n as f64 * center * center;
        squares.max(0.0)
    }
}

/// Refuses a loss that is not between 0 and 1.
pub(super) fn check_loss(found: f64) -> Result<(), RiskError> {
    if (0.0..=1.0).contains(&found) { Ok(()) } else { Err(RiskError::Loss { found }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(losses: &[f64]) -> LossCounts {
        let mut counts = LossCounts::default();
        losses.iter().for_each(|&loss| counts.add(loss).unwrap());
        counts
    }

    #[test]
    fn losses_out_of_range_are_refused() {
        let mut counts = LossCounts::default();
        for loss in [-0.1, 1.1, f64::INFINITY] {
            assert_eq!(counts.add(loss), Err(RiskError::Loss { found: loss }));
        }
        assert!(counts.add(f64::NAN).is_err());
        assert_eq!(counts, LossCounts::default());
        assert_eq!(LossCounts::of_errors(3, 2), Err(RiskError::Errors { n_errors: 3, n: 2 }));
    }

    #[test]
    fn errors_are_losses_of_one() {
        assert_eq!(LossCounts::of_errors(2, 3).unwrap(), counted(&[1.0, 0.0, 1.0]));
        assert!((counted(&[1.0, 0.0, 0.5]).squares_about(0.5) - 0.5).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(losses in prop::collection::vec(0.0..=1.0_f64, 0..30), cut in 0_usize..30) {
            let (left, right) = losses.split_at(cut.min(losses.len()));
            let (mut forth, mut back) = (counted(left), counted(right));
            forth.merge(&counted(right));
            back.merge(&counted(left));
            prop_assert_eq!(&forth, &counted(&losses));
            prop_assert_eq!(&back, &forth);
            prop_assert_eq!(forth.squares_about(0.3).to_bits(), back.squares_about(0.3).to_bits());
        }
    }
}
