//! What estimates without labels cannot see: that labels no longer follow the calibrated probabilities.

use libm::erfc;
use serde::{Deserialize, Serialize};

use crate::ExactSum;

/// Counters of predictions whose labels are known: how often something was to happen, and how often it did. What happens is the
/// caller's: that an answer is right compares realised with estimated accuracy, that a label is positive the rates of positives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GapSums {
    n: u64,
    n_happened: u64,
    n_left_out: u64,
    expected: ExactSum,
    variance: ExactSum,
}

/// Realised less estimated performance, tested against chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// How many rows were compared.
    pub n: u64,
    /// The share that happened, such as the realised accuracy.
    pub realised: f64,
    /// The share that was to happen, such as the estimated accuracy.
    pub estimated: f64,
    /// The standard error of their difference, if labels follow the calibrated probabilities.
    pub standard_error: f64,
    /// The difference in standard errors; infinite if something happened that was certain not to, and 0 if all went as was certain.
    pub z_score: f64,
    /// The probability of so large a difference, to either side, if labels follow the calibrated probabilities.
    pub p_value: f64,
}

impl Gap {
    /// Realised less estimated; negative where the model does worse than its probabilities promise.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.realised - self.estimated
    }
}

impl GapSums {
    /// Adds a row: the calibrated probability of what was to happen, and whether it did. Rows of no probability are counted apart.
    pub fn add(&mut self, probability: f64, has_happened: bool) {
        if !(0.0..=1.0).contains(&probability) {
            self.n_left_out += 1;
            return;
        }
        self.n += 1;
        self.n_happened += u64::from(has_happened);
        self.expected.add(probability);
        self.variance.add(probability * (1.0 - probability));
    }

    /// Adds everything that other sums were given.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.n_happened += other.n_happened;
        self.n_left_out += other.n_left_out;
        self.expected.merge(&other.expected);
        self.variance.merge(&other.variance);
    }

    /// The number of rows of no probability.
    #[must_use]
    pub const fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// The gap and its test; none without rows. The test takes `Σ p (1 - p)` for known, and the sum for normal: where that variance is
    /// below some 5, p-values are rough. It takes the calibration for exact too: with many more labels than calibrated it, its own
    /// error shows as a gap. Labels known for some rows because of what happened void the test.
    ///
    /// Source: `z = (Σ y - Σ p) / √Σ p (1 - p)`, two-sided `p = erfc(|z| / √2)`; Cox 1958, calibration in the large.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        if self.n == 0 {
            return None;
        }
        let n = self.n as f64;
        let excess = self.n_happened as f64 - self.expected.value();
        let sigma = self.variance.value().sqrt();
        let z_score = if excess == 0.0 { 0.0 } else { excess / sigma };
        Some(Gap {
            n: self.n,
            realised: self.n_happened as f64 / n,
            estimated: self.expected.value() / n,
            standard_error: sigma / n,
            z_score,
            p_value: erfc(z_score.abs() / std::f64::consts::SQRT_2),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(rows: &[(f64, bool)]) -> GapSums {
        let mut sums = GapSums::default();
        rows.iter().for_each(|&(probability, has_happened)| sums.add(probability, has_happened));
        sums
    }

    #[test]
    fn without_rows_there_is_no_gap() {
        let sums = sums(&[(f64::NAN, true), (1.5, true)]);
        assert_eq!((sums.gap(), sums.n_left_out()), (None, 2));
    }

    #[test]
    fn certainties_that_fail_are_beyond_chance() {
        let kept = sums(&[(1.0, true), (0.0, false)]).gap().unwrap();
        assert_eq!((kept.z_score.to_bits(), kept.p_value.to_bits()), (0.0_f64.to_bits(), 1.0_f64.to_bits()));
        let failed = sums(&[(1.0, false)]).gap().unwrap();
        assert_eq!(
            (failed.z_score.to_bits(), failed.p_value.to_bits()),
            (f64::NEG_INFINITY.to_bits(), 0.0_f64.to_bits())
        );
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(
            rows in prop::collection::vec((-0.1..1.1_f64, any::<bool>()), 0..60),
            cuts in (0_usize..60, 0_usize..60),
        ) {
            let (a, b) = (cuts.0.min(cuts.1).min(rows.len()), cuts.0.max(cuts.1).min(rows.len()));
            let mut left = sums(&rows[..a]);
            left.merge(&sums(&rows[a..b]));
            left.merge(&sums(&rows[b..]));
            let mut tail = sums(&rows[a..b]);
            tail.merge(&sums(&rows[b..]));
            tail.merge(&sums(&rows[..a]));
            prop_assert_eq!(&sums(&rows), &left);
            prop_assert_eq!(left, tail);
        }
    }
}
