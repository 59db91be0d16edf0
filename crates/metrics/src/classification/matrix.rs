//! The confusion matrix: how often each class was predicted for each.

use serde::{Deserialize, Serialize};

/// The most classes that a matrix may have: 8 MiB of counts.
pub const MAX_CLASSES: usize = 1024;

/// Counts of `(true class, predicted class)`. Counts that reach `u64::MAX` stay there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct ConfusionMatrix {
    n_classes: usize,
    // Invariant: `n_classes` rows of as many columns; rows are true classes.
    counts: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    n_classes: usize,
    counts: Vec<u64>,
}

/// What does not fit a confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfusionError {
    /// A number of classes that no matrix has.
    #[error("expected 1 to {MAX_CLASSES} classes, found {found}")]
    ClassCount {
        /// The number.
        found: usize,
    },
    /// A class beyond the last.
    #[error("expected a class below {n_classes}, found {found}")]
    Class {
        /// How many classes there are.
        n_classes: usize,
        /// The class.
        found: usize,
    },
    /// Two matrices of different sizes.
    #[error("expected a matrix of {expected} classes, found one of {found}")]
    Size {
        /// The classes of the matrix that is added to.
        expected: usize,
        /// The classes of the one that is added.
        found: usize,
    },
    /// Counts that make no square.
    #[error("expected {expected} counts, found {found}")]
    CountsLength {
        /// The square of the number of classes.
        expected: usize,
        /// How many counts there are.
        found: usize,
    },
}

impl ConfusionMatrix {
    /// A matrix of zeros.
    ///
    /// # Errors
    /// [`ConfusionError::ClassCount`] unless there are 1 to [`MAX_CLASSES`] classes.
    pub fn new(n_classes: usize) -> Result<Self, ConfusionError> {
        if n_classes == 0 || n_classes > MAX_CLASSES {
            return Err(ConfusionError::ClassCount { found: n_classes });
        }
        Ok(Self { n_classes, counts: vec![0; n_classes * n_classes] })
    }

    /// Adds `n` observations of class `truth` for which `predicted` was predicted.
    ///
    /// # Errors
    /// [`ConfusionError::Class`]; nothing is added then.
    pub fn add(&mut self, truth: usize, predicted: usize, n: u64) -> Result<(), ConfusionError> {
        let n_classes = self.n_classes;
        if let Some(found) = [truth, predicted].into_iter().find(|&class| class >= n_classes) {
            return Err(ConfusionError::Class { n_classes, found });
        }
        if let Some(count) = self.counts.get_mut(truth * n_classes + predicted) {
            *count = count.saturating_add(n);
        }
        Ok(())
    }

    /// Adds all counts of another matrix.
    ///
    /// # Errors
    /// [`ConfusionError::Size`]; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), ConfusionError> {
        if self.n_classes != other.n_classes {
            return Err(ConfusionError::Size { expected: self.n_classes, found: other.n_classes });
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        Ok(())
    }

    /// How many classes there are.
    #[must_use]
    pub const fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// How many observations of class `truth` were predicted as `predicted`; none beyond the last class.
    #[must_use]
    pub fn count(&self, truth: usize, predicted: usize) -> Option<u64> {
        let is_inside = truth < self.n_classes && predicted < self.n_classes;
        self.counts.get(truth * self.n_classes + predicted).copied().filter(|_| is_inside)
    }

    /// How many observations there are.
    #[must_use]
    pub fn n(&self) -> u64 {
        total(self.counts.iter().copied())
    }

    /// How many observations were predicted as what they are.
    #[must_use]
    pub fn n_right(&self) -> u64 {
        total(self.counts.iter().step_by(self.n_classes + 1).copied())
    }

    /// Every cell: the true class, the predicted one, and their count.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let rows = self.counts.chunks(self.n_classes).enumerate();
        rows.flat_map(|(truth, row)| {
            row.iter().enumerate().map(move |(predicted, &count)| (truth, predicted, count))
        })
    }

    /// For each class how often it is true, predicted, and both.
    pub(super) fn classes(&self) -> Vec<ClassCounts> {
        let mut classes = vec![ClassCounts::default(); self.n_classes];
        for (truth, predicted, count) in self.cells() {
            if let Some(class) = classes.get_mut(truth) {
                class.n_true = class.n_true.saturating_add(count);
                class.n_both += if truth == predicted { count } else { 0 };
            }
            if let Some(class) = classes.get_mut(predicted) {
                class.n_predicted = class.n_predicted.saturating_add(count);
            }
        }
        classes
    }
}

/// How often a class is true, predicted, and both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClassCounts {
    pub(super) n_true: u64,
    pub(super) n_predicted: u64,
    pub(super) n_both: u64,
}

impl ClassCounts {
    /// How often the class is neither true nor predicted among `n` observations.
    pub(super) const fn n_neither(self, n: u64) -> u64 {
        n.saturating_sub(self.n_true).saturating_sub(self.n_predicted.saturating_sub(self.n_both))
    }
}

fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

impl TryFrom<Parts> for ConfusionMatrix {
    type Error = ConfusionError;

    fn try_from(parts: Parts) -> Result<Self, ConfusionError> {
        let mut matrix = Self::new(parts.n_classes)?;
        let (expected, found) = (matrix.counts.len(), parts.counts.len());
        if expected != found {
            return Err(ConfusionError::CountsLength { expected, found });
        }
        matrix.counts = parts.counts;
        Ok(matrix)
    }
}

impl From<ConfusionMatrix> for Parts {
    fn from(matrix: ConfusionMatrix) -> Self {
        Self { n_classes: matrix.n_classes, counts: matrix.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_adds_nothing() {
        let mut matrix = ConfusionMatrix::new(2).unwrap();
        assert_eq!(matrix.add(0, 2, 1), Err(ConfusionError::Class { n_classes: 2, found: 2 }));
        let other = ConfusionMatrix::new(3).unwrap();
        assert_eq!(matrix.merge(&other), Err(ConfusionError::Size { expected: 2, found: 3 }));
        assert_eq!(matrix.n(), 0);
        for found in [0, MAX_CLASSES + 1, usize::MAX] {
            assert_eq!(ConfusionMatrix::new(found), Err(ConfusionError::ClassCount { found }));
        }
        assert_eq!((matrix.count(1, 1), matrix.count(0, 2), matrix.count(2, 0)), (Some(0), None, None));
    }

    #[test]
    fn only_square_counts_are_read() {
        let mut matrix = ConfusionMatrix::new(2).unwrap();
        matrix.add(0, 1, 3).unwrap();
        let json = serde_json::to_string(&matrix).unwrap();
        assert_eq!(json, r#"{"n_classes":2,"counts":[0,3,0,0]}"#);
        assert_eq!(serde_json::from_str::<ConfusionMatrix>(&json).unwrap(), matrix);
        let error =
            serde_json::from_str::<ConfusionMatrix>(r#"{"n_classes":2,"counts":[0,3,0]}"#).unwrap_err();
        assert!(error.to_string().contains("expected 4 counts, found 3"), "{error}");
    }

    #[test]
    fn counts_stay_at_the_greatest() {
        let mut matrix = ConfusionMatrix::new(1).unwrap();
        matrix.add(0, 0, u64::MAX).unwrap();
        matrix.add(0, 0, 1).unwrap();
        assert_eq!(matrix.n(), u64::MAX);
    }
}
