//! Reliability diagrams as mergeable counters, and the calibration errors read from them.

use serde::{Deserialize, Serialize};

use crate::ExactSum;

/// Where the bins of confidence end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// So many intervals `((m - 1)/M, m/M]`; 0 lies in the first.
    ///
    /// Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3; there M = 15.
    EqualWidth(usize),
    /// MAPIE's `num_bins` with its `split_strategy="uniform"`: the edges are `num_bins` evenly spaced numbers from 0 to 1, so that
    /// there is one interval fewer, each open below and closed above, and a bin of its own for 0. Values above 1 are left out.
    ///
    /// Source: MAPIE 1.5.0, `mapie.metrics.calibration`; its default is 50.
    Mapie(usize),
}

impl Binning {
    /// The number of bins.
    #[must_use]
    pub const fn n_bins(self) -> usize {
        match self {
            Self::EqualWidth(n_bins) | Self::Mapie(n_bins) => n_bins,
        }
    }

    /// The bin's upper edge, which belongs to the bin.
    fn upper_edge(self, bin: usize) -> f64 {
        match self {
            Self::EqualWidth(n_bins) => (bin + 1) as f64 / n_bins as f64,
            Self::Mapie(_) if bin == 0 => 0.0,
            Self::Mapie(n_bins) if bin + 1 == n_bins => 1.0,
            Self::Mapie(n_bins) => bin as f64 * (1.0 / (n_bins.saturating_sub(1)) as f64),
        }
    }

    /// The bin of a confidence; none if it lies above all bins or is no probability.
    fn bin(self, confidence: f64) -> Option<usize> {
        if !(0.0..=1.0).contains(&confidence) {
            return None;
        }
        let (mut low, mut high) = (0, self.n_bins());
        while low < high {
            let middle = low.midpoint(high);
            if self.upper_edge(middle) < confidence { low = middle + 1 } else { high = middle }
        }
        (low < self.n_bins()).then_some(low)
    }
}

/// Two diagrams that do not merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a diagram with bins {expected:?}, found {found:?}")]
pub struct BinningMismatch {
    /// The bins of the diagram that was to be added to.
    pub expected: Binning,
    /// The bins of the other.
    pub found: Binning,
}

/// One bin of a reliability diagram.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    n: u64,
    n_hits: u64,
    confidence: ExactSum,
}

impl ReliabilityBin {
    /// How many predictions it holds.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The share of its predictions that came true; none without predictions.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.n > 0).then(|| self.n_hits as f64 / self.n as f64)
    }

    /// The mean confidence of its predictions; none without predictions.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        (self.n > 0).then(|| self.confidence.value() / self.n as f64)
    }

    fn gap(&self) -> f64 {
        let gap = self.accuracy().zip(self.confidence()).map(|(accuracy, confidence)| accuracy - confidence);
        gap.unwrap_or_default().abs()
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.n_hits += other.n_hits;
        self.confidence.merge(&other.confidence);
    }
}

/// Counters of a reliability diagram: confidences, and whether what they were confident of came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    binning: Binning,
    bins: Vec<ReliabilityBin>,
    n_left_out: u64,
}

impl Reliability {
    /// An empty diagram.
    #[must_use]
    pub fn new(binning: Binning) -> Self {
        Self { binning, bins: vec![ReliabilityBin::default(); binning.n_bins()], n_left_out: 0 }
    }

    /// Adds a prediction: its confidence from 0 to 1, and whether it came true. What no bin holds is counted apart.
    pub fn add(&mut self, confidence: f64, is_hit: bool) {
        let Some(bin) = self.binning.bin(confidence).and_then(|bin| self.bins.get_mut(bin)) else {
            self.n_left_out += 1;
            return;
        };
        bin.n += 1;
        bin.n_hits += u64::from(is_hit);
        bin.confidence.add(confidence);
    }

    /// Adds everything that another diagram counted.
    ///
    /// # Errors
    /// [`BinningMismatch`], with nothing added.
    pub fn merge(&mut self, other: &Self) -> Result<(), BinningMismatch> {
        if self.binning != other.binning {
            return Err(BinningMismatch { expected: self.binning, found: other.binning });
        }
        self.bins.iter_mut().zip(&other.bins).for_each(|(bin, other)| bin.merge(other));
        self.n_left_out += other.n_left_out;
        Ok(())
    }

    /// Its bins, by ascending confidence.
    #[must_use]
    pub fn bins(&self) -> &[ReliabilityBin] {
        &self.bins
    }

    /// How many predictions its bins hold.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.bins.iter().map(ReliabilityBin::n).sum()
    }

    /// How many confidences were in no bin: no probabilities, or NaN.
    #[must_use]
    pub const fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// The expected calibration error: the mean over predictions of `|accuracy - confidence|` of their bin; none without predictions.
    ///
    /// Source: Naeini et al. 2015; Guo et al. 2017, equation 3.
    #[must_use]
    pub fn ece(&self) -> Option<f64> {
        let n = self.n();
        let total: ExactSum = self.bins.iter().map(|bin| bin.n as f64 * bin.gap()).collect();
        (n > 0).then(|| total.value() / n as f64)
    }

    /// The maximum calibration error: the largest `|accuracy - confidence|` of a bin; none without predictions.
    ///
    /// Source: Guo et al. 2017, equation 5.
    #[must_use]
    pub fn mce(&self) -> Option<f64> {
        (self.n() > 0).then(|| self.bins.iter().map(ReliabilityBin::gap).fold(0.0, f64::max))
    }
}

/// Reliability diagrams of the likeliest class, one for each class that is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopLabelReliability {
    binning: Binning,
    classes: Vec<Reliability>,
    n_left_out: u64,
}

impl TopLabelReliability {
    /// Empty diagrams.
    #[must_use]
    pub const fn new(binning: Binning) -> Self {
        Self { binning, classes: Vec::new(), n_left_out: 0 }
    }

    /// Adds a prediction: the probability of each class, and the index of the true one. Of equal probabilities the first counts.
    pub fn add(&mut self, probabilities: &[f64], label: usize) {
        let Some((predicted, confidence)) = top_label(probabilities) else {
            self.n_left_out += 1;
            return;
        };
        let empty = Reliability::new(self.binning);
        self.classes.resize(self.classes.len().max(predicted + 1), empty);
        if let Some(class) = self.classes.get_mut(predicted) {
            class.add(confidence, predicted == label);
        }
    }

    /// Adds everything that other diagrams counted.
    ///
    /// # Errors
    /// [`BinningMismatch`], with nothing added.
    pub fn merge(&mut self, other: &Self) -> Result<(), BinningMismatch> {
        if self.binning != other.binning {
            return Err(BinningMismatch { expected: self.binning, found: other.binning });
        }
        let empty = Reliability::new(self.binning);
        self.classes.resize(self.classes.len().max(other.classes.len()), empty);
        self.n_left_out += other.n_left_out;
        self.classes.iter_mut().zip(&other.classes).try_for_each(|(class, other)| class.merge(other))
    }

    /// The diagram of each class, by class index; empty where it was never predicted.
    #[must_use]
    pub fn classes(&self) -> &[Reliability] {
        &self.classes
    }

    /// How many predictions had no probabilities at all.
    #[must_use]
    pub const fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// One diagram of all predictions, whatever their class.
    ///
    /// # Errors
    /// [`BinningMismatch`] if stored diagrams of classes differ in their bins.
    pub fn all(&self) -> Result<Reliability, BinningMismatch> {
        let mut all = Reliability::new(self.binning);
        self.classes.iter().try_for_each(|class| all.merge(class))?;
        Ok(all)
    }

    /// The top-label calibration error: the mean of the classes' expected calibration errors, each predicted class counting once.
    ///
    /// Source: Gupta and Ramdas, "Top-label calibration and multiclass-to-binary reductions", 2021, unweighted as in MAPIE 1.5.0.
    #[must_use]
    pub fn top_label_ece(&self) -> Option<f64> {
        let errors: Vec<f64> = self.classes.iter().filter_map(Reliability::ece).collect();
        let total: ExactSum = errors.iter().copied().collect();
        (!errors.is_empty()).then(|| total.value() / errors.len() as f64)
    }
}

/// The likeliest class, the first of equals, and its probability; NaN is never likeliest.
fn top_label(probabilities: &[f64]) -> Option<(usize, f64)> {
    let numbers = probabilities.iter().copied().enumerate().filter(|(_, probability)| !probability.is_nan());
    numbers.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diagram(rows: &[(f64, bool)]) -> Reliability {
        let mut diagram = Reliability::new(Binning::EqualWidth(15));
        rows.iter().for_each(|&(confidence, is_hit)| diagram.add(confidence, is_hit));
        diagram
    }

    #[test]
    fn what_is_no_probability_is_counted_apart() {
        let diagram = diagram(&[(f64::NAN, true), (-0.1, true), (1.1, true), (0.0, false)]);
        assert_eq!((diagram.n(), diagram.n_left_out(), diagram.ece()), (1, 3, Some(0.0)));
        assert_eq!(Reliability::new(Binning::EqualWidth(0)).ece(), None);
        let mut labels = TopLabelReliability::new(Binning::Mapie(50));
        labels.add(&[f64::NAN], 0);
        assert_eq!((labels.n_left_out(), labels.top_label_ece()), (1, None));
    }

    #[test]
    fn the_largest_gap_is_the_maximum_error() {
        let diagram = diagram(&[(0.9, true), (0.9, false), (0.2, false)]);
        assert!((diagram.mce().unwrap() - 0.4).abs() < 1e-15);
    }

    #[test]
    fn edges_belong_to_the_bin_below_and_mapie_keeps_one_bin_for_zero() {
        let bin = |binning: Binning, confidence| binning.bin(confidence).unwrap();
        assert_eq!([0.0, 0.2, 0.21, 1.0].map(|at| bin(Binning::EqualWidth(5), at)), [0, 0, 1, 4]);
        assert_eq!([0.0, 1e-300, 0.25, 0.26, 1.0].map(|at| bin(Binning::Mapie(5), at)), [0, 1, 1, 2, 4]);
        assert_eq!((Binning::Mapie(1).bin(0.0), Binning::Mapie(1).bin(0.5)), (Some(0), None));
    }

    #[test]
    fn diagrams_of_other_bins_do_not_merge() {
        let mismatch = diagram(&[]).merge(&Reliability::new(Binning::Mapie(15))).unwrap_err();
        assert_eq!(mismatch.to_string(), "expected a diagram with bins EqualWidth(15), found Mapie(15)");
        let mut labels = TopLabelReliability::new(Binning::Mapie(15));
        assert!(labels.merge(&TopLabelReliability::new(Binning::Mapie(16))).is_err());
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(
            rows in prop::collection::vec((-0.1..1.1_f64, any::<bool>()), 0..60),
            cuts in (0_usize..60, 0_usize..60),
        ) {
            let (a, b) = (cuts.0.min(cuts.1).min(rows.len()), cuts.0.max(cuts.1).min(rows.len()));
            let whole = diagram(&rows);
            let mut left = diagram(&rows[..a]);
            left.merge(&diagram(&rows[a..b])).unwrap();
            left.merge(&diagram(&rows[b..])).unwrap();
            let mut tail = diagram(&rows[b..]);
            tail.merge(&diagram(&rows[a..b])).unwrap();
            tail.merge(&diagram(&rows[..a])).unwrap();
            prop_assert_eq!(&whole, &left);
            prop_assert_eq!(&whole, &tail);
        }

        #[test]
        fn diagrams_of_classes_merge_to_the_whole(
            rows in prop::collection::vec((prop::collection::vec(0.0..1.0_f64, 0..4), 0_usize..4), 0..60),
            cut in 0_usize..60,
        ) {
            let diagrams = |rows: &[(Vec<f64>, usize)]| {
                let mut diagrams = TopLabelReliability::new(Binning::Mapie(10));
                rows.iter().for_each(|(probabilities, label)| diagrams.add(probabilities, *label));
                diagrams
            };
            let cut = cut.min(rows.len());
            let mut left = diagrams(&rows[..cut]);
            left.merge(&diagrams(&rows[cut..])).unwrap();
            let mut right = diagrams(&rows[cut..]);
            right.merge(&diagrams(&rows[..cut])).unwrap();
            prop_assert_eq!(&diagrams(&rows), &left);
            prop_assert_eq!(left, right);
        }
    }
}
