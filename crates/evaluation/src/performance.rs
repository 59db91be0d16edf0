//! How good predictions were, counted over rows whose truth is known.

use metrics::{
    Estimate,
    classification::{Average, ClassMetric, ConfusionMatrix},
    interval::Confidence,
    probability::{ProbabilitySums, ReliabilityBins, ReliabilityPoint},
    ranking::ScoreHistogram,
    regression::RegressionSums,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    regression::Regression,
    row::{Outcome, Row},
    schema::Task,
};

/// Bins of the reliability curve: enough to see its shape, few enough to be full.
const RELIABILITY_BINS: usize = 15;

/// Bins of a score: its area under the curve is known to about a two-hundredth.
const SCORE_BINS: usize = 200;

/// Counters of what came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Performance {
    /// Of classes.
    Classification(Box<Classification>),
    /// Of numbers.
    Regression(Box<Regression>),
}

/// Counters of predicted classes and their probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    confusion: ConfusionMatrix,
    /// Rows whose class or label is none of the schema's.
    n_unknown: u64,
    sums: ProbabilitySums,
    /// Of the confidence in the predicted class.
    reliability: ReliabilityBins,
    /// One class against the rest, for each; for two classes only the second.
    scores: Vec<ScoreHistogram>,
}

/// A metric, as reports and alarms name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name: that of scikit-learn's function, without `_score`.
    pub name: String,
    /// Its value and interval.
    pub estimate: Estimate,
    /// Whether more of it is better.
    pub is_gain: bool,
}

impl Performance {
    /// Counters of nothing. `origin` is a number near those that a regression predicts, `large_error` the absolute error above which one
    /// is large.
    ///
    /// # Errors
    /// [`Error::Task`] if the task has too many classes or too few, or no such number.
    pub fn new(task: &Task, origin: f64, large_error: Option<f64>) -> Result<Self, Error> {
        match task {
            Task::Regression => Ok(Self::Regression(Box::new(Regression::new(origin, large_error)?))),
            Task::Classification { classes } => {
                Ok(Self::Classification(Box::new(Classification::new(classes.len())?)))
            }
        }
    }

    /// Counts a row, if its truth is known.
    pub fn add(&mut self, row: &Row<'_>) {
        match (self, row.predicted, row.truth) {
            (_, _, None) => {}
            (
                Self::Classification(counts),
                Outcome::Class(Some(predicted)),
                Some(Outcome::Class(Some(truth))),
            ) => {
                counts.add(predicted, truth, row.probabilities);
            }
            (Self::Classification(counts), ..) => counts.n_unknown += 1,
            (Self::Regression(counts), Outcome::Number(predicted), Some(Outcome::Number(truth))) => {
                counts.add(truth, predicted);
            }
            (Self::Regression(_), ..) => {}
        }
    }

    /// Adds what was counted elsewhere for the same task.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is of another task.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        match (self, other) {
            (Self::Classification(counts), Self::Classification(others)) => counts.merge(others),
            (Self::Regression(counts), Self::Regression(others)) => counts.merge(others),
            _ => Err(Error::Mismatch { what: "tasks" }),
        }
    }

    /// All metrics that the counters can tell, each with its interval.
    #[must_use]
    pub fn metrics(&self, confidence: Confidence) -> Vec<Metric> {
        match self {
            Self::Classification(counts) => counts.metrics(confidence),
            Self::Regression(counts) => regression_metrics(&counts.sums, confidence),
        }
    }

    /// How many labelled rows are wrong, and how many there are, as the accuracy counts them; of a regression, how many absolute errors are
    /// above the 90 % quantile of the baseline's. None if the baseline has no such quantile.
    #[must_use]
    pub fn losses(&self) -> Option<(u64, u64)> {
        match self {
            Self::Classification(counts) => {
                let n = counts.confusion.n();
                Some((n - counts.confusion.n_right(), n))
            }
            Self::Regression(counts) => counts.losses(),
        }
    }

    /// The reliability curve of the predicted class, empty for a regression.
    #[must_use]
    pub fn reliability(&self, confidence: Confidence) -> Vec<ReliabilityPoint> {
        match self {
            Self::Classification(counts) => counts.reliability.curve(confidence),
            Self::Regression(_) => Vec::new(),
        }
    }

    /// Recall of each class, in the schema's order; empty for a regression.
    #[must_use]
    pub fn recall_by_class(&self, confidence: Confidence) -> Vec<Option<Estimate>> {
        match self {
            Self::Classification(counts) => {
                let classes = 0..counts.confusion.n_classes();
                classes
                    .map(|class| counts.confusion.of_class(ClassMetric::Recall, class, confidence))
                    .collect()
            }
            Self::Regression(_) => Vec::new(),
        }
    }
}

impl Classification {
    fn new(n_classes: usize) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Task { reason };
        let n_scores = if n_classes == 2 { 1 } else { n_classes };
        let scores = (0..n_scores).map(|_| ScoreHistogram::new(SCORE_BINS)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            confusion: ConfusionMatrix::new(n_classes).map_err(|error| unusable(error.to_string()))?,
            n_unknown: 0,
            sums: ProbabilitySums::default(),
            reliability: ReliabilityBins::new(RELIABILITY_BINS)
                .map_err(|error| unusable(error.to_string()))?,
            scores: scores.map_err(|error| unusable(error.to_string()))?,
        })
    }

    fn add(&mut self, predicted: usize, truth: usize, probabilities: &[f64]) {
        if self.confusion.add(truth, predicted, 1).is_err() {
            self.n_unknown += 1;
            return;
        }
        // Sums of 32-bit numbers may be beyond 1 by their last bit.
        let probabilities: Vec<f64> = probabilities.iter().map(|it| it.clamp(0.0, 1.0)).collect();
        if self.sums.add_row(&probabilities, truth).is_err() {
            return;
        }
        if let Some(&confidence) = probabilities.get(predicted) {
            // The row of probabilities has been checked by the sums.
            let _ = self.reliability.add(confidence, predicted == truth);
        }
        let first = usize::from(self.scores.len() == 1);
        for (class, scores) in (first..).zip(&mut self.scores) {
            if let Some(&score) = probabilities.get(class) {
                let _ = scores.add(score, class == truth);
            }
        }
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let mismatch = Error::Mismatch { what: "numbers of classes" };
        self.confusion.merge(&other.confusion).map_err(|_| mismatch)?;
        self.n_unknown += other.n_unknown;
        self.sums.merge(&other.sums);
        let bins = Error::Mismatch { what: "numbers of bins" };
        self.reliability.merge(&other.reliability).map_err(|_| bins.clone())?;
        for (scores, others) in self.scores.iter_mut().zip(&other.scores) {
            scores.merge(others).map_err(|_| bins.clone())?;
        }
        Ok(())
    }

    fn metrics(&self, confidence: Confidence) -> Vec<Metric> {
        let of_average = |metric| self.confusion.average(metric, Average::Macro, confidence);
        let calibration = self.reliability.expected_calibration_error();
        [
            ("accuracy", self.confusion.accuracy(confidence), true),
            ("balanced_accuracy", self.confusion.balanced_accuracy(confidence), true),
            ("precision_macro", of_average(ClassMetric::Precision), true),
            ("recall_macro", of_average(ClassMetric::Recall), true),
            ("f1_macro", of_average(ClassMetric::FBeta(1.0)), true),
            ("matthews_corrcoef", self.confusion.matthews_correlation(confidence), true),
            ("roc_auc", self.roc_auc(confidence), true),
            ("average_precision", self.average_precision(confidence), true),
            ("log_loss", self.sums.log_loss(confidence), false),
            ("brier_score_loss", self.sums.brier(confidence), false),
            ("expected_calibration_error", calibration.map(without_interval), false),
        ]
        .into_iter()
        .filter_map(|(name, estimate, is_gain)| metric(name, estimate, is_gain))
        .collect()
    }

    /// Of two classes the second one's; of more the mean of each against the rest, without an interval.
    fn roc_auc(&self, confidence: Confidence) -> Option<Estimate> {
        self.one_against_rest(|scores| Some(scores.roc_auc(confidence)?.estimate))
    }

    fn average_precision(&self, confidence: Confidence) -> Option<Estimate> {
        self.one_against_rest(|scores| Some(scores.average_precision(confidence)?.estimate))
    }

    fn one_against_rest(&self, of: impl Fn(&ScoreHistogram) -> Option<Estimate>) -> Option<Estimate> {
        match self.scores.as_slice() {
            [scores] => of(scores),
            several => {
                let values: Option<Vec<f64>> = several.iter().map(|scores| Some(of(scores)?.value)).collect();
                let values = values.filter(|values| !values.is_empty())?;
                Some(without_interval(values.iter().sum::<f64>() / values.len() as f64))
            }
        }
    }
}

fn regression_metrics(sums: &RegressionSums, confidence: Confidence) -> Vec<Metric> {
    [
        ("mean_absolute_error", sums.mean_absolute_error(confidence), false),
        ("root_mean_squared_error", sums.root_mean_squared_error(confidence), false),
        ("mean_absolute_percentage_error", sums.mean_absolute_percentage_error(confidence), false),
        ("r2", sums.r_squared(confidence), true),
    ]
    .into_iter()
    .filter_map(|(name, estimate, is_gain)| metric(name, estimate, is_gain))
    .collect()
}

fn metric(name: &str, estimate: Option<Estimate>, is_gain: bool) -> Option<Metric> {
    let estimate = estimate.filter(|estimate| estimate.value.is_finite())?;
    Some(Metric { name: name.to_owned(), estimate, is_gain })
}

const fn without_interval(value: f64) -> Estimate {
    Estimate { value, interval: None }
}
