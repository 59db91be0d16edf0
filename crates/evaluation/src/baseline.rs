//! What everything later is compared with: rows of a time when the model was known to be good.

use metrics::{
    ExactSum,
    histogram::{Categories, Edges, Tails},
    isotonic::IsotonicRegression,
};
use serde::{Deserialize, Serialize};

use crate::{
    bins::Bins,
    error::Error,
    estimated::calibrator,
    profile::Profile,
    record::Columns,
    regression::large_error,
    row::{Outcome, Row},
    schema::{Schema, Task},
};

/// What rows are counted by: frozen, so that every profile over it merges with every other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// What rows consist of.
    pub schema: Schema,
    /// The bins of each feature.
    pub bins: Vec<Bins>,
    /// The bins of what is predicted.
    pub prediction_bins: Bins,
    /// A number near those that a regression predicts, from which its sums of squares are taken; 0 for classes.
    pub origin: f64,
    /// The absolute error above which one is large, in the unit of what is predicted: the 90 % quantile of the baseline's; none for classes or
    /// without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large_error: Option<f64>,
    /// What the probability of a predicted class is worth; none for a regression, or without enough labels.
    pub calibrator: Option<IsotonicRegression>,
}

/// A frozen frame and what its own rows are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The version of this form.
    pub form: u32,
    /// The model that predicted its rows, as `name@digest` or another text; empty if unknown.
    #[serde(default)]
    pub model: String,
    /// Which outputs of the model are what; for rows that come one by one from elsewhere.
    #[serde(default)]
    pub columns: Columns,
    /// What rows are counted by.
    pub frame: Frame,
    /// The baseline's own rows.
    pub profile: Profile,
}

/// The version of the form of baselines.
pub const FORM: u32 = 1;

impl Frame {
    /// A frame by a sample of the baseline's rows: numbers by `n_bins` quantiles, categories by the most frequent.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows.
    pub fn of(schema: Schema, sample: &[Row<'_>], n_bins: usize) -> Result<Self, Error> {
        if sample.is_empty() {
            return Err(Error::Empty);
        }
        let bins = Bins::of_all(&schema, sample, n_bins);
        let prediction_bins = prediction_bins(&schema.task, sample, n_bins);
        let (origin, large_error) = (origin(sample), large_error(sample));
        Ok(Self { schema, bins, prediction_bins, origin, large_error, calibrator: calibrator(sample) })
    }
}

fn origin(sample: &[Row<'_>]) -> f64 {
    let numbers: ExactSum = sample.iter().filter_map(predicted_number).collect();
    let n = sample.iter().filter_map(predicted_number).count();
    if n == 0 { 0.0 } else { numbers.value() / n as f64 }
}

fn prediction_bins(task: &Task, sample: &[Row<'_>], n_bins: usize) -> Bins {
    match task {
        Task::Classification { classes } => Bins::Category(Categories::from(classes.clone())),
        Task::Regression => {
            let numbers: Vec<f64> = sample.iter().filter_map(predicted_number).collect();
            let edges = Edges::quantiles(&numbers, n_bins).and_then(|edges| edges.with_tails(Tails::Open));
            edges.map_or(Bins::Absent, Bins::Number)
        }
    }
}

fn predicted_number(row: &Row<'_>) -> Option<f64> {
    match row.predicted {
        Outcome::Number(number) if number.is_finite() => Some(number),
        _ => None,
    }
}
