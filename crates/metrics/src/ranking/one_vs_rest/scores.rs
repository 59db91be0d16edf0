//! The averages from every score.

use super::OneVsRest;
use crate::Estimate;
use crate::interval::{Confidence, estimate_within};
use crate::ranking::RankingError;
use crate::ranking::exact::{Ranked, groups, ranked, tied};
use crate::ranking::groups::{auc, average_precision, placements, totals};

/// Rows of scores, one for each class, with their true classes.
#[derive(Clone, Copy, Debug)]
pub struct ClassScores<'a> {
    n_classes: usize,
    // Invariant: row-major, `n_classes` of each row, no NaN.
    scores: &'a [f64],
    // Invariant: as many as rows, each below `n_classes`.
    truths: &'a [usize],
}

/// A class against the rest.
struct Class {
    auc: f64,
    /// How the area moves with each row.
    influence: Vec<f64>,
    n_true: usize,
}

impl<'a> ClassScores<'a> {
    /// Checks that `scores` has `n_classes` of each row, row-major, and `truths` the class of each. They need not be probabilities.
    ///
    /// # Errors
    /// [`RankingError`].
    pub fn new(n_classes: usize, scores: &'a [f64], truths: &'a [usize]) -> Result<Self, RankingError> {
        if n_classes < 2 || !scores.len().is_multiple_of(n_classes) {
            return Err(RankingError::RowLength { n_classes, scores: scores.len() });
        }
        let rows = scores.len() / n_classes;
        if rows != truths.len() {
            return Err(RankingError::Length { rows, labels: truths.len() });
        }
        if let Some(&found) = truths.iter().find(|&&truth| truth >= n_classes) {
            return Err(RankingError::Class { n_classes, found });
        }
        match scores.iter().position(|score| score.is_nan()) {
            Some(index) => Err(RankingError::NotANumber { index }),
            None => Ok(Self { n_classes, scores, truths }),
        }
    }

    /// The average area under the ROC curves with an interval; none unless every class is true of some rows.
    ///
    /// Source: scikit-learn's `roc_auc_score` with `multi_class="ovr"`. The standard error is √Σψ²/n with ψ of a row the mean over the
    /// classes of its placement less the area, over the share of rows that have its label: DeLong's, with the covariance of the classes.
    #[must_use]
    pub fn roc_auc(&self, average: OneVsRest, confidence: Confidence) -> Option<Estimate> {
        let n = self.truths.len();
        let classes: Vec<Class> =
            (0..self.n_classes).map(|class| self.class(class)).collect::<Option<_>>()?;
        let weight = |class: &Class| average.weight(class.n_true as u64, n as u64, self.n_classes);
        let value: f64 = classes.iter().map(|class| weight(class) * class.auc).sum();
        let mut influence: Vec<f64> = self
            .truths
            .iter()
            .map(|&truth| match average {
                OneVsRest::Macro => 0.0,
                OneVsRest::Weighted => classes.get(truth).map_or(0.0, |class| class.auc) - value,
            })
            .collect();
        for class in &classes {
            let weight = weight(class);
            influence.iter_mut().zip(&class.influence).for_each(|(sum, of_class)| *sum += weight * of_class);
        }
        let squares: f64 = influence.iter().map(|of_row| of_row * of_row).sum();
        Some(estimate_within(value, squares.sqrt() / n as f64, (0.0, 1.0), confidence))
    }

    /// The average of the average precisions, without an interval; none unless every class is true of some rows.
    #[must_use]
    pub fn average_precision(&self, average: OneVsRest) -> Option<Estimate> {
        let n = self.truths.len() as u64;
        let of_class = |class: usize| {
            let precision = average_precision(&groups(&self.against_rest(class)?))?;
            Some(average.weight(precision.n_positive, n, self.n_classes) * precision.value)
        };
        let value = (0..self.n_classes).map(of_class).sum::<Option<f64>>()?;
        Some(Estimate { value, interval: None })
    }

    fn class(&self, class: usize) -> Option<Class> {
        let rows = self.against_rest(class)?;
        let groups = groups(&rows);
        let total = totals(&groups)?;
        let auc = auc(&groups)?.value;
        let n = rows.len() as f64;
        let (positive, negative) = (total.n_positive as f64 / n, total.n_negative as f64 / n);
        let mut influence = vec![0.0; rows.len()];
        for (tied, placement) in tied(&rows).zip(placements(&groups, total)) {
            let of_positive = (placement.of_positive - auc) / positive;
            let of_negative = (placement.of_negative - auc) / negative;
            for row in tied {
                if let Some(of_row) = influence.get_mut(row.row) {
                    *of_row = row.choose(of_positive, of_negative);
                }
            }
        }
        let n_true = self.truths.iter().filter(|&&truth| truth == class).count();
        Some(Class { auc, influence, n_true })
    }

    fn against_rest(&self, class: usize) -> Option<Vec<Ranked>> {
        let scores: Vec<f64> = self.scores.iter().skip(class).step_by(self.n_classes).copied().collect();
        let is_positive: Vec<bool> = self.truths.iter().map(|&truth| truth == class).collect();
        ranked(&scores, &is_positive).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_of_scores_is_refused() {
        let error = |n_classes, scores: &[f64], truths: &[usize]| {
            ClassScores::new(n_classes, scores, truths).unwrap_err()
        };
        assert_eq!(error(1, &[0.5], &[0]), RankingError::RowLength { n_classes: 1, scores: 1 });
        assert_eq!(error(0, &[], &[]), RankingError::RowLength { n_classes: 0, scores: 0 });
        assert_eq!(error(2, &[0.5; 3], &[0]), RankingError::RowLength { n_classes: 2, scores: 3 });
        assert_eq!(error(2, &[0.5; 4], &[0]), RankingError::Length { rows: 2, labels: 1 });
        assert_eq!(error(2, &[0.5; 2], &[2]), RankingError::Class { n_classes: 2, found: 2 });
        assert_eq!(error(2, &[0.5, f64::NAN], &[1]), RankingError::NotANumber { index: 1 });
    }

    #[test]
    fn a_class_that_never_occurs_has_no_area() {
        let scores = ClassScores::new(3, &[0.2, 0.5, 0.3, 0.6, 0.1, 0.3], &[0, 1]).unwrap();
        for average in [OneVsRest::Macro, OneVsRest::Weighted] {
            assert_eq!(scores.roc_auc(average, Confidence::default()), None);
            assert_eq!(scores.average_precision(average), None);
        }
    }
}
