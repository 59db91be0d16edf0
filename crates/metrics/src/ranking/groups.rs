//! Areas under curves from groups of tied scores, which is all that they depend on: distinct scores, or bins of a histogram.

use statrs::function::gamma::digamma;

use crate::Interval;
use crate::interval::Confidence;

/// Up to how many terms of a sum are added one by one.
const MAX_TERMS: u64 = 1000;

/// How many rows share a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) n_positive: u64,
    pub(super) n_negative: u64,
}

/// The area under the ROC curve.
pub(super) struct Auc {
    /// With ties counted by half.
    pub(super) value: f64,
    /// Zero or no number if it is not known.
    pub(super) standard_error: f64,
    /// Where it could lie if ties were broken.
    pub(super) bounds: Interval,
}

/// The average precision.
pub(super) struct AveragePrecision {
    pub(super) value: f64,
    pub(super) n_positive: u64,
    /// Where it could lie if ties were broken.
    pub(super) bounds: Interval,
}

/// How a row of a group is placed among the rows of the other label: the share that it is rightly above or below, ties by half.
#[derive(Clone, Copy)]
pub(super) struct Placement {
    pub(super) of_positive: f64,
    pub(super) of_negative: f64,
}

/// How many rows are positive and how many negative; none unless there are both.
pub(super) fn totals(groups: &[Group]) -> Option<Group> {
    let total = groups.iter().fold(Group::default(), |total, group| Group {
        n_positive: total.n_positive.saturating_add(group.n_positive),
        n_negative: total.n_negative.saturating_add(group.n_negative),
    });
    (total.n_positive > 0 && total.n_negative > 0).then_some(total)
}

/// The placement of each group; the scores of the groups ascend.
pub(super) fn placements(groups: &[Group], total: Group) -> impl Iterator<Item = Placement> {
    let (n_positive, n_negative) = (total.n_positive as f64, total.n_negative as f64);
    let (mut positives_up_to, mut negatives_below) = (0_u64, 0_u64);
    groups.iter().map(move |group| {
        positives_up_to = positives_up_to.saturating_add(group.n_positive);
        let positives_above = total.n_positive.saturating_sub(positives_up_to);
        let placement = Placement {
            of_positive: (negatives_below as f64 + 0.5 * group.n_negative as f64) / n_negative,
            of_negative: (positives_above as f64 + 0.5 * group.n_positive as f64) / n_positive,
        };
        negatives_below = negatives_below.saturating_add(group.n_negative);
        placement
    })
}

/// The area under the ROC curve of groups whose scores ascend; none unless there are positive and negative rows.
///
/// Source: H. B. Mann, D. R. Whitney, 1947; the standard error is that of E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the
/// Areas under Two or More Correlated Receiver Operating Characteristic Curves", 1988.
pub(super) fn auc(groups: &[Group]) -> Option<Auc> {
    let total = totals(groups)?;
    let (mut wins, mut ties, mut negatives_below) = (0_u128, 0_u128, 0_u128);
    for group in groups {
        let (positive, negative) = (u128::from(group.n_positive), u128::from(group.n_negative));
        wins = wins.saturating_add(positive.saturating_mul(negatives_below));
        ties = ties.saturating_add(positive * negative);
        negatives_below = negatives_below.saturating_add(negative);
    }
    let pairs = total.n_positive as f64 * total.n_negative as f64;
    let (wins, ties) = (wins as f64, ties as f64);
    let value = (wins + 0.5 * ties) / pairs;
    let bounds = Interval { lower: wins / pairs, upper: ((wins + ties) / pairs).min(1.0) };
    Some(Auc { value, standard_error: delong(groups, total, value), bounds })
}

/// DeLong's standard error: not a number if only one row is positive or negative.
fn delong(groups: &[Group], total: Group, auc: f64) -> f64 {
    let (mut of_positives, mut of_negatives) = (0.0, 0.0);
    for (group, placement) in groups.iter().zip(placements(groups, total)) {
        let (above, below) = (placement.of_positive - auc, placement.of_negative - auc);
        of_positives += group.n_positive as f64 * above * above;
        of_negatives += group.n_negative as f64 * below * below;
    }
    let (n_positive, n_negative) = (total.n_positive as f64, total.n_negative as f64);
    let variance =
        of_positives / (n_positive - 1.0) / n_positive + of_negatives / (n_negative - 1.0) / n_negative;
    variance.sqrt()
}

/// The average precision of groups whose scores ascend; none without positive rows.
///
/// Source: Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct scores from the greatest down, not interpolated, as scikit-learn's
/// `average_precision_score`. At least: in each group all negative rows come first, then the positive ones one by one. At most: the
/// positive ones come first, all at one threshold.
pub(super) fn average_precision(groups: &[Group]) -> Option<AveragePrecision> {
    let (mut true_positives, mut false_positives) = (0_u64, 0_u64);
    let (mut tied, mut least, mut greatest) = (0.0, 0.0, 0.0);
    for group in groups.iter().rev().filter(|group| **group != Group::default()) {
        let before = false_positives as f64;
        false_positives = false_positives.saturating_add(group.n_negative);
        least += sum_of_precisions(true_positives, group.n_positive, false_positives);
        true_positives = true_positives.saturating_add(group.n_positive);
        let (found, wrong) = (true_positives as f64, false_positives as f64);
        tied += group.n_positive as f64 * found / (found + wrong);
        if group.n_positive > 0 {
            greatest += group.n_positive as f64 * found / (found + before);
        }
    }
    let n_positive = true_positives as f64;
    let bounds = Interval { lower: least / n_positive, upper: greatest / n_positive };
    (true_positives > 0).then(|| AveragePrecision {
        value: tied / n_positive,
        n_positive: true_positives,
        bounds,
    })
}

/// The precisions at each of `n` positive rows in turn, after `true_positives` others and all `false_positives`.
///
/// Source: Σᵢ (t + i) / (t + i + f) for i from 1 to n = n − f (ψ(t + n + f + 1) − ψ(t + f + 1)).
fn sum_of_precisions(true_positives: u64, n: u64, false_positives: u64) -> f64 {
    let (before, wrong) = (true_positives as f64, false_positives as f64);
    if n > MAX_TERMS {
        let n = n as f64;
        return n - wrong * (digamma(before + n + wrong + 1.0) - digamma(before + wrong + 1.0));
    }
    (1..=n).map(|rank| before + rank as f64).map(|found| found / (found + wrong)).sum()
}

impl AveragePrecision {
    /// The interval by the logit; none if the average precision is 0 or 1.
    ///
    /// Source: K. Boyd, K. H. Eng, C. D. Page, "Area under the Precision-Recall Curve: Point Estimates and Confidence Intervals", 2013: the
    /// logit has the standard error 1/√(n a(1 − a)) at n positive rows and average precision a.
    pub(super) fn interval(&self, confidence: Confidence) -> Option<Interval> {
        let spread = self.n_positive as f64 * self.value * (1.0 - self.value);
        if spread <= 0.0 {
            return None;
        }
        let logit = libm::log(self.value) - libm::log1p(-self.value);
        let half_width = confidence.z() / spread.sqrt();
        let expit = |logit: f64| 1.0 / (1.0 + libm::exp(-logit));
        Some(Interval { lower: expit(logit - half_width), upper: expit(logit + half_width) })
    }
}
