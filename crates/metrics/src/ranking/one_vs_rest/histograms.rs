//! The averages from a histogram of each class's scores, which merge.

use serde::{Deserialize, Serialize};

use super::OneVsRest;
use crate::interval::{Confidence, estimate_within};
use crate::ranking::histogram::{BoundedEstimate, HistogramError, ScoreHistogram};
use crate::ranking::{RankingError, groups::Auc};
use crate::{Estimate, Interval};

/// A histogram of scores for each class against the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ScoreHistogram>", into = "Vec<ScoreHistogram>")]
pub struct ClassHistograms {
    // Invariant: at least two, of as many bins.
    classes: Vec<ScoreHistogram>,
}

impl ClassHistograms {
    /// Histograms without rows.
    ///
    /// # Errors
    /// [`HistogramError::BinCount`], [`HistogramError::ClassCount`] if there are fewer than two classes.
    pub fn new(n_classes: usize, n_bins: usize) -> Result<Self, HistogramError> {
        if n_classes < 2 {
            return Err(HistogramError::ClassCount { found: n_classes });
        }
        Ok(Self { classes: vec![ScoreHistogram::new(n_bins)?; n_classes] })
    }

    /// Adds a row: the score of each class, and the true one.
    ///
    /// # Errors
    /// [`RankingError`]; nothing is added then.
    pub fn add(&mut self, scores: &[f64], truth: usize) -> Result<(), RankingError> {
        let n_classes = self.classes.len();
        if scores.len() != n_classes {
            return Err(RankingError::RowLength { n_classes, scores: scores.len() });
        }
        if truth >= n_classes {
            return Err(RankingError::Class { n_classes, found: truth });
        }
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(RankingError::NotANumber { index });
        }
        let classes = self.classes.iter_mut().zip(scores).enumerate();
        classes.into_iter().try_for_each(|(class, (histogram, &score))| histogram.add(score, class == truth))
    }

    /// Adds all rows of other histograms.
    ///
    /// # Errors
    /// [`HistogramError::Size`]; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        let (expected, found) = (self.classes.len(), other.classes.len());
        if expected != found {
            return Err(HistogramError::Size { expected, found });
        }
        self.classes.iter_mut().zip(&other.classes).try_for_each(|(class, more)| class.merge(more))
    }

    /// The histogram of each class against the rest.
    #[must_use]
    pub fn classes(&self) -> &[ScoreHistogram] {
        &self.classes
    }

    /// The average area under the ROC curves, its interval and its bounds; none unless every class is true of some rows and not of others.
    ///
    /// The interval is wider than need be: histograms do not tell how the errors of the classes go together, so that they count as all
    /// going the same way. The weights count as given.
    #[must_use]
    pub fn roc_auc(&self, average: OneVsRest, confidence: Confidence) -> Option<BoundedEstimate> {
        let (mut value, mut standard_error) = (0.0, 0.0);
        let mut bounds = Interval { lower: 0.0, upper: 0.0 };
        for class in &self.classes {
            let weight = self.weight(class, average);
            let Auc { value: of_class, standard_error: error, bounds: of_order } = class.auc()?;
            value += weight * of_class;
            standard_error += weight * error;
            bounds.lower += weight * of_order.lower;
            bounds.upper += weight * of_order.upper;
        }
        let estimate = estimate_within(value, standard_error, (0.0, 1.0), confidence);
        Some(BoundedEstimate { estimate, bounds })
    }

    /// The average of the average precisions and its bounds, without an interval; none unless every class is true of some rows.
    #[must_use]
    pub fn average_precision(&self, average: OneVsRest) -> Option<BoundedEstimate> {
        let mut value = 0.0;
        let mut bounds = Interval { lower: 0.0, upper: 0.0 };
        for class in &self.classes {
            let weight = self.weight(class, average);
            let of_class = class.average_precision(Confidence::default())?;
            value += weight * of_class.estimate.value;
            bounds.lower += weight * of_class.bounds.lower;
            bounds.upper += weight * of_class.bounds.upper;
        }
        Some(BoundedEstimate { estimate: Estimate { value, interval: None }, bounds })
    }

    fn weight(&self, class: &ScoreHistogram, average: OneVsRest) -> f64 {
        let n = class.n_positive().saturating_add(class.n_negative());
        average.weight(class.n_positive(), n, self.classes.len())
    }
}

impl TryFrom<Vec<ScoreHistogram>> for ClassHistograms {
    type Error = HistogramError;

    fn try_from(classes: Vec<ScoreHistogram>) -> Result<Self, HistogramError> {
        let expected = match classes.as_slice() {
            [first, _, ..] => first.n_bins(),
            few => return Err(HistogramError::ClassCount { found: few.len() }),
        };
        let mut sizes = classes.iter().map(ScoreHistogram::n_bins);
        match sizes.find(|&n_bins| n_bins != expected) {
            Some(found) => Err(HistogramError::Size { expected, found }),
            None => Ok(Self { classes }),
        }
    }
}

impl From<ClassHistograms> for Vec<ScoreHistogram> {
    fn from(histograms: ClassHistograms) -> Self {
        histograms.classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_adds_nothing() {
        let empty = ClassHistograms::new(2, 4).unwrap();
        let mut histograms = empty.clone();
        assert_eq!(histograms.add(&[0.5], 0), Err(RankingError::RowLength { n_classes: 2, scores: 1 }));
        assert_eq!(histograms.add(&[0.5, 0.5], 2), Err(RankingError::Class { n_classes: 2, found: 2 }));
        assert_eq!(histograms.add(&[0.5, f64::NAN], 0), Err(RankingError::NotANumber { index: 1 }));
        let other = ClassHistograms::new(3, 4).unwrap();
        assert_eq!(histograms.merge(&other), Err(HistogramError::Size { expected: 2, found: 3 }));
        let other = ClassHistograms::new(2, 5).unwrap();
        assert_eq!(histograms.merge(&other), Err(HistogramError::Size { expected: 4, found: 5 }));
        assert_eq!(ClassHistograms::new(1, 4), Err(HistogramError::ClassCount { found: 1 }));
        assert_eq!(histograms, empty);
        assert_eq!(histograms.roc_auc(OneVsRest::Macro, Confidence::default()), None);
    }

    #[test]
    fn only_histograms_of_one_size_are_read() {
        let json = serde_json::to_string(&ClassHistograms::new(2, 1).unwrap()).unwrap();
        assert_eq!(
            serde_json::from_str::<ClassHistograms>(&json).unwrap(),
            ClassHistograms::new(2, 1).unwrap()
        );
        let (one, two) = (ScoreHistogram::new(1).unwrap(), ScoreHistogram::new(2).unwrap());
        for classes in [vec![], vec![one.clone()], vec![one.clone(), one, two]] {
            let json = serde_json::to_string(&classes).unwrap();
            assert!(serde_json::from_str::<ClassHistograms>(&json).is_err(), "{json}");
        }
    }
}
