//! Everything that is kept of a set of rows: counters over the bins of a baseline.

use metrics::interval::Confidence;
use serde::{Deserialize, Serialize};

use crate::{
    baseline::Frame,
    bins::{Bins, FeatureCounts},
    error::Error,
    estimated::Estimated,
    join::Account,
    performance::{Metric, Performance},
    row::{Outcome, Row, Value},
};

/// Counters of a set of rows. Profiles over one frame merge in any order and any grouping to the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many rows there are, whether or not their truth is known.
    pub n_rows: u64,
    /// The values of each feature.
    pub features: Vec<FeatureCounts>,
    /// What was predicted.
    pub predictions: FeatureCounts,
    /// What came true.
    pub performance: Performance,
    /// What the probabilities promise.
    pub estimated: Estimated,
    /// What became of predictions and labels.
    pub account: Account,
}

impl Profile {
    /// A profile of nothing.
    ///
    /// # Errors
    /// [`Error::Task`].
    pub fn new(frame: &Frame) -> Result<Self, Error> {
        Ok(Self {
            n_rows: 0,
            features: frame.bins.iter().map(Bins::empty).collect(),
            predictions: frame.prediction_bins.empty(),
            performance: Performance::new(&frame.schema.task, frame.origin, frame.large_error)?,
            estimated: Estimated::new(),
            account: Account::default(),
        })
    }

    /// Counts a row, and its truth if that is known. Whether its label was matched goes into the account elsewhere.
    pub fn add(&mut self, frame: &Frame, row: &Row<'_>) {
        self.add_prediction(frame, row);
        self.add_truth(frame, row);
    }

    /// Counts what the model saw and said.
    pub fn add_prediction(&mut self, frame: &Frame, row: &Row<'_>) {
        self.n_rows += 1;
        let values = row.features.iter().zip(&frame.bins);
        for (counts, (&value, bins)) in self.features.iter_mut().zip(values) {
            counts.add(bins, value);
        }
        self.predictions.add(&frame.prediction_bins, frame.prediction(row));
        if let Some(calibrator) = &frame.calibrator {
            self.estimated.add_prediction(row, calibrator);
        }
    }

    /// Counts what came true of a row whose prediction has been counted. Its features do not matter.
    pub fn add_truth(&mut self, frame: &Frame, row: &Row<'_>) {
        self.performance.add(row);
        if let Some(calibrator) = &frame.calibrator {
            self.estimated.add_truth(row, calibrator);
        }
    }

    /// Adds what was counted elsewhere over the same frame.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it was over another one.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.features.len() != other.features.len() {
            return Err(Error::Mismatch { what: "numbers of features" });
        }
        self.performance.merge(&other.performance)?;
        self.n_rows += other.n_rows;
        self.features.iter_mut().zip(&other.features).for_each(|(counts, others)| counts.merge(others));
        self.predictions.merge(&other.predictions);
        self.estimated.merge(&other.estimated);
        self.account.merge(&other.account);
        Ok(())
    }

    /// All metrics that the counters can tell.
    #[must_use]
    pub fn metrics(&self, confidence: Confidence) -> Vec<Metric> {
        self.performance.metrics(confidence)
    }
}

impl Frame {
    /// What was predicted, as a value to count.
    pub(crate) fn prediction<'a>(&'a self, row: &Row<'_>) -> Value<'a> {
        match row.predicted {
            Outcome::Number(number) => Value::Number(number),
            Outcome::Class(class) => {
                let name = class.and_then(|class| self.schema.task.classes().get(class));
                name.map_or(Value::Missing, |name| Value::Category(name))
            }
        }
    }
}
