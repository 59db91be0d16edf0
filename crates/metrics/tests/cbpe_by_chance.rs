//! Intervals and p-values of estimates without labels against samples whose labels do follow the probabilities.

#![cfg(test)]

use std::collections::BTreeMap;

use metrics::cbpe::{CbpeSums, CountMetric, GapSums, ReferenceCounts, Row, SamplingError};

/// A generator of numbers from 0 to 1 (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The share of samples whose p-value is at most `level`, when labels follow the probabilities less `shift`.
    fn rejected(&mut self, n_samples: u32, n_rows: u32, level: f64, shift: f64) -> f64 {
        let mut is_rejected = || {
            let mut sums = GapSums::default();
            for _ in 0..n_rows {
                let probability = self.next();
                sums.add(probability, self.next() < probability - shift);
            }
            sums.gap().unwrap().p_value <= level
        };
        let n_rejected = (0..n_samples).filter(|_| is_rejected()).count();
        n_rejected as f64 / f64::from(n_samples)
    }
}

#[test]
fn p_values_are_as_rare_as_they_say_and_see_drift() {
    let mut numbers = Numbers(20_261_127);
    for level in [0.01, 0.05, 0.2] {
        let share = numbers.rejected(4000, 200, level, 0.0);
        let five_sigma = 5.0 * (level * (1.0 - level) / 4000.0_f64).sqrt();
        assert!((share - level).abs() < five_sigma, "{share} of samples at level {level}");
    }
    assert!(numbers.rejected(200, 1000, 0.05, 0.1) > 0.95);
}

#[test]
fn realised_metrics_lie_in_their_intervals_as_often_as_they_say() {
    let mut numbers = Numbers(5);
    let (mut inside, n_samples, n_rows) = (BTreeMap::new(), 1000_u32, 400);
    for _ in 0..n_samples {
        let (mut sums, mut realised) = (CbpeSums::new(0), ReferenceCounts::default());
        for _ in 0..n_rows {
            let probability = numbers.next();
            sums.add(Row { score: probability, probability, is_predicted_positive: probability > 0.4 });
            realised.add(probability > 0.4, numbers.next() < probability);
        }
        for metric in CountMetric::ALL {
            let estimate = sums.estimate(metric, SamplingError::PoissonBinomial { confidence: 0.9 }).unwrap();
            let (interval, value) = (estimate.interval.unwrap(), realised_value(&realised, metric));
            *inside.entry(metric).or_insert(0_u32) +=
                u32::from(interval.lower <= value && value <= interval.upper);
        }
    }
    assert_eq!(inside.len(), 5);
    for (metric, n_inside) in inside {
        let share = f64::from(n_inside) / f64::from(n_samples);
        assert!((share - 0.9).abs() < 0.05, "{metric:?}: {share}");
    }
}

fn realised_value(counts: &ReferenceCounts, metric: CountMetric) -> f64 {
    let [tp, fp, fn_, tn] =
        [counts.true_positives, counts.false_positives, counts.false_negatives, counts.true_negatives]
            .map(|n| n as f64);
    match metric {
        CountMetric::Accuracy => (tp + tn) / (tp + fp + fn_ + tn),
        CountMetric::Precision => tp / (tp + fp),
        CountMetric::Recall => tp / (tp + fn_),
        CountMetric::Specificity => tn / (tn + fp),
        CountMetric::F1 => 2.0 * tp / (2.0 * tp + fp + fn_),
    }
}
