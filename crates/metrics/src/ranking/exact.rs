//! Areas under curves from every score.

use super::RankingError;
use super::groups::{Group, auc, average_precision as precision_of};
use crate::Estimate;
use crate::interval::{Confidence, estimate_within};

/// The area under the ROC curve, which is how often a positive row scores above a negative one, ties by half, with DeLong's interval;
/// none unless there are positive and negative rows. Infinite scores are the greatest and the least.
///
/// The interval is absent if only one row is positive or negative, or if all pairs are in order.
///
/// # Errors
/// [`RankingError::Length`], [`RankingError::NotANumber`].
///
/// Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating
/// Characteristic Curves", 1988.
pub fn roc_auc(
    scores: &[f64],
    is_positive: &[bool],
    confidence: Confidence,
) -> Result<Option<Estimate>, RankingError> {
    let auc = auc(&groups(&ranked(scores, is_positive)?));
    Ok(auc.map(|auc| estimate_within(auc.value, auc.standard_error, (0.0, 1.0), confidence)))
}

/// The average precision, scikit-learn's `average_precision_score`, with the interval of its logit; none without positive rows. Infinite
/// scores are the greatest and the least.
///
/// The interval is absent if the average precision is 1.
///
/// # Errors
/// [`RankingError::Length`], [`RankingError::NotANumber`].
///
/// Source: the interval is that of K. Boyd, K. H. Eng, C. D. Page, "Area under the Precision-Recall Curve: Point Estimates and Confidence
/// Intervals", 2013.
pub fn average_precision(
    scores: &[f64],
    is_positive: &[bool],
    confidence: Confidence,
) -> Result<Option<Estimate>, RankingError> {
    let precision = precision_of(&groups(&ranked(scores, is_positive)?));
    Ok(precision.map(|found| Estimate { value: found.value, interval: found.interval(confidence) }))
}

/// A row's score, whether it is positive, and which row it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    score: f64,
    is_positive: bool,
    pub(super) row: usize,
}

/// The rows by ascending score.
pub(super) fn ranked(scores: &[f64], is_positive: &[bool]) -> Result<Vec<Ranked>, RankingError> {
    if scores.len() != is_positive.len() {
        return Err(RankingError::Length { rows: scores.len(), labels: is_positive.len() });
    }
    if let Some(index) = scores.iter().position(|score| score.is_nan()) {
        return Err(RankingError::NotANumber { index });
    }
    let rows = scores.iter().zip(is_positive).enumerate();
    // Negative zero becomes zero, which it ties with.
    let ranked = rows.map(|(row, (&score, &is_positive))| Ranked { score: score + 0.0, is_positive, row });
    let mut ranked: Vec<Ranked> = ranked.collect();
    ranked.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
    Ok(ranked)
}

/// The rows of each distinct score.
pub(super) fn tied(ranked: &[Ranked]) -> impl Iterator<Item = &[Ranked]> {
    ranked.chunk_by(|a, b| a.score.to_bits() == b.score.to_bits())
}

pub(super) fn groups(ranked: &[Ranked]) -> Vec<Group> {
    let groups = tied(ranked).map(|rows| {
        let n_positive = rows.iter().filter(|row| row.is_positive).count();
        Group { n_positive: n_positive as u64, n_negative: (rows.len() - n_positive) as u64 }
    });
    groups.collect()
}

impl Ranked {
    /// Of its values for a positive and a negative row the one that it has.
    pub(super) const fn choose(&self, positive: f64, negative: f64) -> f64 {
        if self.is_positive { positive } else { negative }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_ordered_is_refused() {
        let confidence = Confidence::default();
        let error = RankingError::Length { rows: 2, labels: 1 };
        assert_eq!(roc_auc(&[0.1, 0.2], &[true], confidence), Err(error));
        let error = RankingError::NotANumber { index: 1 };
        assert_eq!(average_precision(&[0.1, f64::NAN], &[true, false], confidence), Err(error));
    }

    #[test]
    fn one_label_alone_has_no_order() {
        let confidence = Confidence::default();
        for labels in [[true; 2], [false; 2]] {
            assert_eq!(roc_auc(&[0.1, 0.2], &labels, confidence), Ok(None));
        }
        assert_eq!(roc_auc(&[], &[], confidence), Ok(None));
        assert_eq!(average_precision(&[0.5], &[false], confidence), Ok(None));
    }

    #[test]
    fn zeros_of_either_sign_tie_and_infinities_are_ends() {
        let confidence = Confidence::default();
        let auc = roc_auc(&[0.0, -0.0], &[true, false], confidence).unwrap().unwrap();
        assert_eq!(auc, Estimate { value: 0.5, interval: None });
        let auc = roc_auc(&[f64::INFINITY, f64::NEG_INFINITY, 1e308], &[true, false, false], confidence);
        assert_eq!(auc, Ok(Some(Estimate { value: 1.0, interval: None })));
    }
}
