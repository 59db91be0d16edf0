//! The areas under the expected ROC and precision-recall curves, and the scatter of the former on labelled rows, as NannyML has them.
//!
//! They rank a whole sample and do not merge; [`super::CbpeSums::roc_auc`] does, from a histogram.

use super::Spread;

/// A prediction to rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredRow {
    /// The model's score before calibration: what ranks rows.
    pub score: f64,
    /// The calibrated probability of a positive label.
    pub probability: f64,
}

/// NannyML's decimals of cumulated counts.
const DECIMALS: f64 = 1e5;

/// The expected area under the ROC curve: rows by descending score, each a step of `p` up and `1 - p` to the right, the sums rounded to
/// 5 decimals, trapezoids below. Of equal scores the later row comes first. None without expected positives or negatives.
///
/// Source: NannyML 0.13.1, `estimate_roc_auc`, whose sort leaves the order of equal scores to chance.
#[must_use]
pub fn roc_auc(rows: &[ScoredRow]) -> Option<f64> {
    let points = cumulated(rows);
    let (all_positives, all_negatives) = points.last().copied()?;
    let starts = std::iter::once((0.0, 0.0)).chain(points.iter().copied());
    let twice: f64 = starts
        .zip(&points)
        .map(|(start, end)| {
            (end.1 / all_negatives - start.1 / all_negatives)
                * (end.0 / all_positives + start.0 / all_positives)
        })
        .sum();
    (all_positives > 0.0 && all_negatives > 0.0).then_some(twice / 2.0)
}

/// The expected average precision: rows by descending score, `Σ (recall_i - recall_{i-1}) · precision_i`, from the same rounded sums and
/// in the same order as [`roc_auc`]. None without expected positives.
///
/// Source: NannyML 0.13.1, `estimate_ap`.
#[must_use]
pub fn average_precision(rows: &[ScoredRow]) -> Option<f64> {
    let points = cumulated(rows);
    let (all_positives, _) = points.last().copied()?;
    let mut recall_before = 0.0;
    let mut total = 0.0;
    for (idx, &(positives, _)) in points.iter().enumerate() {
        let recall = positives / all_positives;
        total += (recall - recall_before) * (positives / (idx + 1) as f64);
        recall_before = recall;
    }
    (all_positives > 0.0).then_some(total)
}

/// The mean of [`roc_auc`] over classes, each given by its rows against the rest; none if a class has none.
///
/// Source: NannyML 0.13.1, `MulticlassClassificationAUROC`.
#[must_use]
pub fn macro_roc_auc(classes: &[Vec<ScoredRow>]) -> Option<f64> {
    let total = classes.iter().map(|rows| roc_auc(rows)).sum::<Option<f64>>()?;
    (!classes.is_empty()).then(|| total / classes.len() as f64)
}

/// The mean of [`average_precision`] over classes, each given by its rows against the rest; none if a class has none.
///
/// Source: NannyML 0.13.1, `MulticlassClassificationAP`.
#[must_use]
pub fn macro_average_precision(classes: &[Vec<ScoredRow>]) -> Option<f64> {
    let total = classes.iter().map(|rows| average_precision(rows)).sum::<Option<f64>>()?;
    (!classes.is_empty()).then(|| total / classes.len() as f64)
}

/// How the area under the ROC curve scatters over labelled reference rows, each a score and a label: the standard deviation, over
/// positive rows, of the share of negative rows ranked below. None without positives or negatives. If positives are the majority, both
/// labels and scores are turned round. A positive row ranked lowest of all is taken for a negative one.
///
/// Source: NannyML 0.13.1, `auroc_sampling_error_components`, last quirk included.
#[must_use]
pub fn reference_roc_auc_spread(rows: &[(f64, bool)]) -> Option<Spread> {
    let n_positive = rows.iter().filter(|row| row.1).count();
    let is_turned = 2 * n_positive > rows.len();
    let n_positive = if is_turned { rows.len() - n_positive } else { n_positive };
    let mut ranked: Vec<(f64, bool)> = rows
        .iter()
        .map(|&(score, label)| if is_turned { (1.0 - score, !label) } else { (score, label) })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positive_ranks = ranked.iter().enumerate().skip(1).filter(|(_, row)| row.1).map(|(rank, _)| rank);
    let n_negative = (rows.len() - n_positive) as f64;
    let below: Vec<f64> =
        positive_ranks.enumerate().map(|(before, rank)| (rank - before) as f64 / n_negative).collect();
    let mean = below.iter().sum::<f64>() / below.len() as f64;
    let variance =
        below.iter().map(|share| (share - mean) * (share - mean)).sum::<f64>() / below.len() as f64;
    (!below.is_empty())
        .then(|| Spread { std: variance.sqrt(), fraction: n_positive as f64 / rows.len() as f64 })
}

/// The rounded numbers of positives and negatives to be expected down to each row, by descending score. Rows without a score or a
/// probability are left out.
fn cumulated(rows: &[ScoredRow]) -> Vec<(f64, f64)> {
    let is_number = |row: &&ScoredRow| !row.score.is_nan() && (0.0..=1.0).contains(&row.probability);
    // -0 becomes 0, so that both sort as equals.
    let mut rows: Vec<(f64, f64)> =
        rows.iter().filter(is_number).map(|row| (row.score + 0.0, row.probability)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut positives = 0.0;
    let by_rank = rows.iter().rev().enumerate().map(|(idx, &(_, probability))| {
        positives += probability;
        (rounded(positives), rounded((idx + 1) as f64 - positives))
    });
    by_rank.collect()
}

fn rounded(count: f64) -> f64 {
    (count * DECIMALS).round_ties_even() / DECIMALS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_both_labels_there_is_no_curve() {
        let rows = |probability| [ScoredRow { score: 0.5, probability }];
        assert_eq!((roc_auc(&[]), average_precision(&[])), (None, None));
        assert_eq!(
            (roc_auc(&rows(1.0)), roc_auc(&rows(0.0)), average_precision(&rows(0.0))),
            (None, None, None)
        );
        assert_eq!(average_precision(&rows(f64::NAN)), None);
        assert_eq!(reference_roc_auc_spread(&[]), None);
        assert_eq!(reference_roc_auc_spread(&[(0.5, true), (0.4, true)]), None);
    }
}
