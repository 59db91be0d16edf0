//! Whatever accumulates merges exactly: parts in any order and grouping are the whole, through JSON too.

use std::fmt::Debug;

use metrics::classification::ConfusionMatrix;
use metrics::interval::Moments;
use metrics::probability::{ProbabilitySums, ReliabilityBins};
use metrics::ranking::{ClassHistograms, ScoreHistogram};
use metrics::regression::{PinballSums, RegressionSums};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What merging is tested of: nothing yet, how a row is added, and how parts merge.
struct Monoid<S, R> {
    empty: S,
    add: fn(&mut S, &R),
    merge: fn(&mut S, &S),
}

impl<S: Clone + Debug + PartialEq + Serialize + DeserializeOwned, R> Monoid<S, R> {
    fn check(&self, rows: &[R], cuts: (usize, usize)) {
        let (first, second) = (cuts.0 % (rows.len() + 1), cuts.1 % (rows.len() + 1));
        let (start, end) = (first.min(second), first.max(second));
        let [a, b, c] = [&rows[..start], &rows[start..end], &rows[end..]].map(|part| self.of(part));
        let whole = self.of(rows);
        let left = self.merged(&self.merged(&a, &b), &c);
        let right = self.merged(&a, &self.merged(&b, &c));
        let turned = self.merged(&c, &self.merged(&b, &a));
        for merged in [left, right, turned, self.merged(&self.empty, &whole)] {
            assert_eq!(merged, whole);
        }
        let json = serde_json::to_string(&whole).unwrap();
        let read: S = serde_json::from_str(&json).unwrap();
        assert_eq!(self.merged(&read, &self.empty), read);
    }

    fn of(&self, rows: &[R]) -> S {
        let mut sums = self.empty.clone();
        rows.iter().for_each(|row| (self.add)(&mut sums, row));
        sums
    }

    fn merged(&self, left: &S, right: &S) -> S {
        let mut merged = left.clone();
        (self.merge)(&mut merged, right);
        merged
    }
}

fn cuts() -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    (0..64, 0..64)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-1e3..1e3_f64, -1e-9..1e-9_f64, -1e80..1e80_f64, Just(0.0)]
}

proptest! {
    #[test]
    fn moments_merge(rows in prop::collection::vec(number(), 0..30), cuts in cuts()) {
        let monoid = Monoid { empty: Moments::default(), add: |sums, &row| sums.add(row), merge: Moments::merge };
        monoid.check(&rows, cuts);
    }

    #[test]
    fn confusion_matrices_merge(
        rows in prop::collection::vec((0..3_usize, 0..3_usize, 0..9_u64), 0..30),
        cuts in cuts(),
    ) {
        let monoid = Monoid {
            empty: ConfusionMatrix::new(3).unwrap(),
            add: |matrix: &mut ConfusionMatrix, &(truth, predicted, n)| matrix.add(truth, predicted, n).unwrap(),
            merge: |matrix, other| matrix.merge(other).unwrap(),
        };
        monoid.check(&rows, cuts);
    }

    #[test]
    fn probabilities_merge(
        rows in prop::collection::vec((0.0..=1.0_f64, any::<bool>()), 0..30),
        cuts in cuts(),
    ) {
        let sums = Monoid {
            empty: ProbabilitySums::default(),
            add: |sums: &mut ProbabilitySums, &(probability, is_true)| {
                sums.add_binary(probability, is_true).unwrap();
                sums.add_row(&[probability / 2.0, probability / 2.0, 1.0 - probability], 2).unwrap();
            },
            merge: ProbabilitySums::merge,
        };
        sums.check(&rows, cuts);
        let bins = Monoid {
            empty: ReliabilityBins::new(4).unwrap(),
            add: |bins: &mut ReliabilityBins, &(probability, is_true)| bins.add(probability, is_true).unwrap(),
            merge: |bins, other| bins.merge(other).unwrap(),
        };
        bins.check(&rows, cuts);
    }

    #[test]
    fn histograms_of_scores_merge(
        rows in prop::collection::vec((-0.5..1.5_f64, any::<bool>()), 0..30),
        cuts in cuts(),
    ) {
        let binary = Monoid {
            empty: ScoreHistogram::new(8).unwrap(),
            add: |histogram: &mut ScoreHistogram, &(score, is_positive)| {
                histogram.add(score, is_positive).unwrap();
            },
            merge: |histogram, other| histogram.merge(other).unwrap(),
        };
        binary.check(&rows, cuts);
        let classes = Monoid {
            empty: ClassHistograms::new(2, 8).unwrap(),
            add: |histograms: &mut ClassHistograms, &(score, is_positive)| {
                histograms.add(&[score, 1.0 - score], usize::from(is_positive)).unwrap();
            },
            merge: |histograms, other| histograms.merge(other).unwrap(),
        };
        classes.check(&rows, cuts);
    }

    #[test]
    fn regressions_merge(rows in prop::collection::vec((number(), number()), 0..30), cuts in cuts()) {
        let sums = Monoid {
            empty: RegressionSums::new(0.5).unwrap(),
            add: |sums: &mut RegressionSums, &(truth, predicted)| sums.add(truth, predicted).unwrap(),
            merge: |sums, other| sums.merge(other).unwrap(),
        };
        sums.check(&rows, cuts);
        let quantiles = Monoid {
            empty: PinballSums::new(&[0.1, 0.9]).unwrap(),
            add: |sums: &mut PinballSums, &(truth, predicted)| sums.add(truth, &[predicted, -predicted]).unwrap(),
            merge: |sums, other| sums.merge(other).unwrap(),
        };
        quantiles.check(&rows, cuts);
    }
}
