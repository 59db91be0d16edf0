//! Counters of predicted numbers: the sums that metrics are made of, and how many errors are large.

use metrics::{histogram::quantile, regression::RegressionSums};
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    row::{Outcome, Row},
};

/// The share of the baseline's absolute errors that are not large.
const USUAL_SHARE: f64 = 0.9;

/// What rows of true and predicted numbers add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    #[serde(flatten)]
    pub(crate) sums: RegressionSums,
    /// The absolute error above which one is large, in the unit of what is predicted; none if the baseline has no labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    large_error: Option<f64>,
    /// How many are.
    #[serde(default)]
    n_large: u64,
}

impl Regression {
    /// Counters of nothing.
    ///
    /// # Errors
    /// [`Error::Task`] if `origin` is not finite.
    pub(crate) fn new(origin: f64, large_error: Option<f64>) -> Result<Self, Error> {
        let sums = RegressionSums::new(origin).map_err(|error| Error::Task { reason: error.to_string() })?;
        Ok(Self { sums, large_error, n_large: 0 })
    }

    /// Counts a row. What is not finite has no error to count.
    pub(crate) fn add(&mut self, truth: f64, predicted: f64) {
        let is_large = self.large_error.is_some_and(|large| (predicted - truth).abs() > large);
        if self.sums.add(truth, predicted).is_ok() && is_large {
            self.n_large += 1;
        }
    }

    /// Adds what was counted elsewhere over the same frame.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it was over another one.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.large_error.map(f64::to_bits) != other.large_error.map(f64::to_bits) {
            return Err(Error::Mismatch { what: "large errors" });
        }
        self.sums.merge(&other.sums).map_err(|_| Error::Mismatch { what: "origins" })?;
        self.n_large += other.n_large;
        Ok(())
    }

    /// How many errors are large, and how many there are; none if nobody said which are.
    pub(crate) const fn losses(&self) -> Option<(u64, u64)> {
        if self.large_error.is_some() { Some((self.n_large, self.sums.n())) } else { None }
    }
}

/// The 90 % quantile of the absolute errors of a baseline's rows; none without labels, or of classes.
pub(crate) fn large_error(sample: &[Row<'_>]) -> Option<f64> {
    let mut errors: Vec<f64> = sample.iter().filter_map(absolute_error).collect();
    errors.sort_by(f64::total_cmp);
    quantile(&errors, USUAL_SHARE)
}

fn absolute_error(row: &Row<'_>) -> Option<f64> {
    match (row.predicted, row.truth?) {
        (Outcome::Number(predicted), Outcome::Number(truth)) => {
            Some((predicted - truth).abs()).filter(|error| error.is_finite())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(errors: &[f64], large_error: Option<f64>) -> Regression {
        let mut counts = Regression::new(0.0, large_error).unwrap();
        errors.iter().for_each(|error| counts.add(1.0, 1.0 + error));
        counts
    }

    #[test]
    fn errors_on_either_side_are_large() {
        let counts = counted(&[3.0, -3.0, 2.0, 0.0, f64::NAN], Some(2.0));
        assert_eq!(counts.losses(), Some((2, 4)));
        assert_eq!(counted(&[3.0], None).losses(), None);
    }

    #[test]
    fn other_ideas_of_large_do_not_merge() {
        let mut counts = counted(&[3.0], Some(2.0));
        assert_eq!(counts.merge(&counted(&[3.0], None)), Err(Error::Mismatch { what: "large errors" }));
        counts.merge(&counted(&[1.0, 4.0], Some(2.0))).unwrap();
        assert_eq!(counts.losses(), Some((2, 3)));
    }

    #[test]
    fn counters_of_before_are_read() {
        let counts = counted(&[3.0, 0.1], None);
        let sums = serde_json::to_string(&counts.sums).unwrap();
        assert_eq!(serde_json::from_str::<Regression>(&sums).unwrap(), counts);
    }

    /// Expected: `numpy.quantile([0, 1, …, 10], 0.9)`.
    #[test]
    fn nine_in_ten_errors_are_not_large() {
        let row = |error: u32| Row {
            features: &[],
            predicted: Outcome::Number(5.0 - f64::from(error)),
            probabilities: &[],
            truth: Some(Outcome::Number(5.0)),
        };
        let rows: Vec<Row<'_>> = (0..=10).map(row).collect();
        assert_eq!(large_error(&rows), Some(9.0));
        assert_eq!(large_error(&[]), None);
    }
}
