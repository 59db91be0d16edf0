//! How many values lie in each bin.

use serde::{Deserialize, Serialize};

use super::{Edges, Tails};

/// How many values lie in each bin of some frozen edges, and how many lie in none. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    bins: Vec<u64>,
    below: u64,
    above: u64,
    missing: u64,
    not_finite: u64,
}

impl Counts {
    /// Counts values.
    #[must_use]
    pub fn of(edges: &Edges, values: &[f64]) -> Self {
        let mut counts = Self { bins: vec![0; edges.n_bins()], ..Self::default() };
        values.iter().for_each(|&value| counts.add(edges, value));
        counts
    }

    /// Counts a value; NaN is a missing one. The edges are those of every other value.
    pub fn add(&mut self, edges: &Edges, value: f64) {
        if value.is_nan() {
            self.add_missing();
        } else if value.is_infinite() {
            self.not_finite += 1;
        } else {
            *self.slot(edges, value) += 1;
        }
    }

    /// Counts a missing value.
    pub const fn add_missing(&mut self) {
        self.missing += 1;
    }

    /// Adds what was counted elsewhere over the same edges.
    pub fn merge(&mut self, other: &Self) {
        merge_counts(&mut self.bins, &other.bins);
        self.below += other.below;
        self.above += other.above;
        self.missing += other.missing;
        self.not_finite += other.not_finite;
    }

    /// Values in each bin; may be shorter than the number of bins if nothing was counted.
    #[must_use]
    pub fn bins(&self) -> &[u64] {
        &self.bins
    }

    /// Finite values below the first closed edge.
    #[must_use]
    pub const fn below(&self) -> u64 {
        self.below
    }

    /// Finite values above the last closed edge.
    #[must_use]
    pub const fn above(&self) -> u64 {
        self.above
    }

    /// Missing values, NaN among them.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Infinite values.
    #[must_use]
    pub const fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// Finite values, in bins or outside.
    #[must_use]
    pub fn n_finite(&self) -> u64 {
        self.bins.iter().sum::<u64>() + self.below + self.above
    }

    fn slot(&mut self, edges: &Edges, value: f64) -> &mut u64 {
        let n_at_most = edges.n_at_most(value);
        let bin_idx = match (edges.tails(), n_at_most.checked_sub(1)) {
            (Tails::Open, _) => n_at_most,
            (Tails::Closed, None) => return &mut self.below,
            (Tails::Closed, Some(bin_idx)) if bin_idx < edges.n_bins() => bin_idx,
            (Tails::Closed, Some(bin_idx)) if edges.is_last(value) => bin_idx.saturating_sub(1),
            (Tails::Closed, Some(_)) => return &mut self.above,
        };
        let n_bins = edges.n_bins().max(self.bins.len());
        self.bins.resize(n_bins, 0);
        self.bins.get_mut(bin_idx).unwrap_or(&mut self.above)
    }
}

/// Adds counts to others, as if the shorter ones ended in zeros.
pub(super) fn merge_counts(counts: &mut Vec<u64>, others: &[u64]) {
    counts.resize(counts.len().max(others.len()), 0);
    counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_hold_their_left_edge_and_the_last_one_both() {
        let edges = Edges::new(vec![0.0, 1.0, 2.0], Tails::Closed).unwrap();
        let values = [-0.1, 0.0, -0.0, 0.999, 1.0, 2.0, 2.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let counts = Counts::of(&edges, &values);
        assert_eq!(counts.bins(), [3, 2]);
        assert_eq!((counts.below(), counts.above(), counts.missing(), counts.not_finite()), (1, 1, 1, 2));
        assert_eq!(counts.n_finite(), 7);
    }

    #[test]
    fn open_tails_take_what_lies_outside() {
        let edges = Edges::new(vec![0.0, 1.0], Tails::Open).unwrap();
        let counts = Counts::of(&edges, &[-5.0, 0.0, 1.0, 7.0, f64::INFINITY]);
        assert_eq!((counts.bins(), counts.not_finite()), (&[1, 1, 2][..], 1));
    }

    proptest! {
        #[test]
        fn merging_is_counting_the_whole(
            values in prop::collection::vec(prop_oneof![-3.0..3.0_f64, Just(f64::NAN), Just(1.0)], 0..60),
            cuts in (0_usize..60, 0_usize..60),
        ) {
            let edges = Edges::new(vec![-1.0, 0.0, 1.0], Tails::Closed).unwrap();
            let (first, second) = (cuts.0.min(values.len()), cuts.1.min(values.len()));
            let (a, b) = (first.min(second), first.max(second));
            let [left, middle, right] = [&values[..a], &values[a..b], &values[b..]].map(|part| Counts::of(&edges, part));
            let mut from_left = left.clone();
            from_left.merge(&middle);
            from_left.merge(&right);
            let mut from_right = right;
            from_right.merge(&Counts::default());
            from_right.merge(&middle);
            from_right.merge(&left);
            prop_assert_eq!(&from_left, &Counts::of(&edges, &values));
            prop_assert_eq!(&from_left, &from_right);
        }
    }
}
