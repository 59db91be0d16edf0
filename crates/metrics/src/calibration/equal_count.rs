//! NannyML's calibration error over bins of equal count, and its decision whether scores need calibration.
//!
//! Neither merges: both sort the whole sample.

use crate::interval::Confidence;
use crate::isotonic::{self, IsotonicRegression, Observation};
use crate::ranking;

/// The area under the ROC curve above which NannyML leaves scores as they are.
const SEPARATED_ROC_AUC: f64 = 0.999;

/// Why there is no calibration error over bins of equal count.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum EqualCountError {
    /// Too few rows for two bins.
    #[error("expected at least 4 rows and 2 bins, found {n_rows} rows and {n_bins} bins")]
    TooFew {
        /// The number of rows.
        n_rows: usize,
        /// The number of bins asked for.
        n_bins: usize,
    },
    /// Scores and labels of different number.
    #[error("expected {n_scores} labels, one for each score, found {n_labels}")]
    Lengths {
        /// The number of scores.
        n_scores: usize,
        /// The number of labels.
        n_labels: usize,
    },
    /// A score that is infinite or none.
    #[error("expected a finite score in row {row}, found {score}")]
    Score {
        /// The index of its row.
        row: usize,
        /// The score.
        score: f64,
    },
    /// A fold that holds out a row that is not there.
    #[error("expected rows below {n_rows} in a fold, found {row}")]
    Fold {
        /// The number of rows.
        n_rows: usize,
        /// The index that is too large.
        row: usize,
    },
    /// A fold's training rows have no fit.
    #[error(transparent)]
    Fit(#[from] isotonic::Error),
}

/// What [`needs_calibration`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CalibrationNeed {
    /// All labels are the same, so that nothing can be fitted.
    OneClass,
    /// The scores separate the labels (area under the ROC curve above 0.999).
    Separated,
    /// The rows held out were calibrated by the others.
    Compared {
        /// The calibration error of their scores.
        ece_before: f64,
        /// The calibration error once calibrated.
        ece_after: f64,
    },
}

impl CalibrationNeed {
    /// Whether calibration lessens the error.
    #[must_use]
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Compared { ece_before, ece_after } if ece_before > ece_after)
    }
}

/// The expected calibration error over bins of equal count: rows are sorted by score (equal scores keep their order) and cut every
/// `⌊n / n_bins⌋`, the last bin being stretched to the end. There may be more bins than asked for (29 rows and 10 bins give 14), and at
/// most half as many as rows if these are no more than twice `n_bins`.
///
/// Source: NannyML 0.13.1, `nannyml/calibration.py`, whose sort keeps no order among equals.
///
/// # Errors
/// [`EqualCountError::Lengths`], [`EqualCountError::Score`] or [`EqualCountError::TooFew`].
pub fn equal_count_ece(scores: &[f64], labels: &[bool], n_bins: usize) -> Result<f64, EqualCountError> {
    let mut rows = rows(scores, labels)?;
    let too_few = EqualCountError::TooFew { n_rows: rows.len(), n_bins };
    let bin_len = bin_len(rows.len(), n_bins).ok_or(too_few)?;
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n_even = rows.len() / bin_len;
    let (even, last) = rows.split_at(bin_len * (n_even - 1));
    let gaps = even.chunks(bin_len).chain([last]).map(gap);
    Ok(gaps.sum::<f64>() / rows.len() as f64)
}

/// Whether isotonic calibration lessens the error of scores on rows that it was not fitted to. Each fold lists the rows held out, is
/// calibrated by all others, and is pooled with the other folds before the error is taken.
///
/// Source: NannyML 0.13.1, `needs_calibration`, with 10 bins and 10 folds of 10 % from scikit-learn's
/// `StratifiedShuffleSplit(random_state=42)`.
///
/// # Errors
/// Any [`EqualCountError`].
pub fn needs_calibration(
    scores: &[f64],
    labels: &[bool],
    folds: &[Vec<usize>],
    n_bins: usize,
) -> Result<CalibrationNeed, EqualCountError> {
    let rows = rows(scores, labels)?;
    // The scores are finite and as many as the labels, as `rows` has seen.
    match ranking::roc_auc(scores, labels, Confidence::default()) {
        Ok(Some(roc_auc)) if roc_auc.value > SEPARATED_ROC_AUC => return Ok(CalibrationNeed::Separated),
        Ok(Some(_)) => {}
        _ => return Ok(CalibrationNeed::OneClass),
    }
    let (mut before, mut after, mut held_out_labels) = (Vec::new(), Vec::new(), Vec::new());
    for fold in folds {
        let line = fit_without(&rows, fold)?;
        for &(score, label) in fold.iter().filter_map(|&row| rows.get(row)) {
            before.push(score);
            after.push(line.predict(score));
            held_out_labels.push(label);
        }
    }
    let ece_before = equal_count_ece(&before, &held_out_labels, n_bins)?;
    let ece_after = equal_count_ece(&after, &held_out_labels, n_bins)?;
    Ok(CalibrationNeed::Compared { ece_before, ece_after })
}

type Row = (f64, bool);

fn rows(scores: &[f64], labels: &[bool]) -> Result<Vec<Row>, EqualCountError> {
    if scores.len() != labels.len() {
        return Err(EqualCountError::Lengths { n_scores: scores.len(), n_labels: labels.len() });
    }
    if let Some((row, &score)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        return Err(EqualCountError::Score { row, score });
    }
    // -0 becomes 0, so that both sort as equals.
    Ok(scores.iter().map(|score| score + 0.0).zip(labels.iter().copied()).collect())
}

/// How many rows a bin holds; none if there would not be two bins.
fn bin_len(n_rows: usize, n_bins: usize) -> Option<usize> {
    let n_bins = if n_rows <= n_bins.saturating_mul(2) { n_rows / 2 } else { n_bins };
    (n_bins >= 2).then(|| n_rows / n_bins)
}

/// A bin's `|Σ score - Σ label|`.
fn gap(bin: &[Row]) -> f64 {
    bin.iter().map(|&(score, label)| score - f64::from(u8::from(label))).sum::<f64>().abs()
}

/// The fit to all rows but those held out.
fn fit_without(rows: &[Row], fold: &[usize]) -> Result<IsotonicRegression, EqualCountError> {
    let mut is_held_out = vec![false; rows.len()];
    for &row in fold {
        *is_held_out.get_mut(row).ok_or(EqualCountError::Fold { n_rows: rows.len(), row })? = true;
    }
    let training = rows.iter().zip(is_held_out).filter(|(_, is_held_out)| !is_held_out);
    let observations =
        training.map(|(&(score, label), _)| Observation::new(score, f64::from(u8::from(label))));
    Ok(IsotonicRegression::fit(observations)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_scores_and_folds_are_checked() {
        let lengths = EqualCountError::Lengths { n_scores: 1, n_labels: 0 };
        assert_eq!(equal_count_ece(&[0.5], &[], 10), Err(lengths));
        let three = ([0.1, 0.2, 0.3], [true, false, true]);
        assert_eq!(
            equal_count_ece(&three.0, &three.1, 10),
            Err(EqualCountError::TooFew { n_rows: 3, n_bins: 10 })
        );
        assert!(matches!(
            equal_count_ece(&[f64::NAN], &[true], 2),
            Err(EqualCountError::Score { row: 0, .. })
        ));
        let fold = Err(EqualCountError::Fold { n_rows: 3, row: 3 });
        assert_eq!(needs_calibration(&three.0, &three.1, &[vec![3]], 2), fold);
        let all = needs_calibration(&three.0, &three.1, &[vec![0, 1, 2]], 2);
        assert_eq!(all, Err(EqualCountError::Fit(isotonic::Error::NoObservations)));
    }

    #[test]
    fn one_class_and_separated_scores_need_nothing() {
        let needs = |labels: &[bool]| needs_calibration(&[0.1, 0.2, 0.8, 0.9], labels, &[], 2).unwrap();
        assert_eq!(needs(&[true; 4]), CalibrationNeed::OneClass);
        assert_eq!(needs(&[false, false, true, true]), CalibrationNeed::Separated);
        assert!(!needs(&[false, false, true, true]).is_needed());
    }
}
