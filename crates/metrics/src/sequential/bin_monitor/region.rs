//! The shares that a baseline does not exclude, and how much better others explain some counts. Knows no stream and no starts.

use super::{log_sum, total};

/// A baseline's shares and the divergence from it within which shares are not excluded.
pub(super) struct Region {
    shares: Vec<f64>,
    /// The shares with half a value more in each bin, so that none is zero.
    smoothed: Vec<f64>,
    radius: f64,
}

/// How many values the baseline counts for in the alternatives that are mixed: few for large shifts, many for small.
const CONCENTRATIONS: [f64; 3] = [10.0, 100.0, 1000.0];
const MAX_STEPS: u32 = 60;
const TOLERANCE: f64 = 1e-12;

impl Region {
    /// The shares with a divergence that a baseline has with probability `level` at most, and a tolerance more. There are counts.
    pub(super) fn new(baseline: &[u64], level: f64, tolerance: f64) -> Self {
        let (n, n_bins) = (total(baseline) as f64, baseline.len() as f64);
        let share = |count: &u64| *count as f64 / n;
        let smoothed_share = |count: &u64| (*count as f64 + 0.5) / (n + n_bins / 2.0);
        Self {
            shares: baseline.iter().map(share).collect(),
            smoothed: baseline.iter().map(smoothed_share).collect(),
            radius: log_likelihood_ratio_quantile(n_bins - 1.0, level) / n + tolerance,
        }
    }

    pub(super) const fn radius(&self) -> f64 {
        self.radius
    }

    /// The logarithm of the mixture of alternatives over the largest likelihood in the region.
    pub(super) fn log_e_value(&self, counts: &[u64]) -> f64 {
        let n = total(counts) as f64;
        if n < 1.0 {
            return 0.0;
        }
        let alternatives = CONCENTRATIONS.map(|concentration| self.log_dirichlet(counts, n, concentration));
        log_sum(&alternatives) - libm::log(CONCENTRATIONS.len() as f64) - self.log_supremum(counts, n)
    }

    /// The logarithm of the likelihood of counts, in one order, under Dirichlet-distributed shares about the baseline's.
    fn log_dirichlet(&self, counts: &[u64], n: f64, concentration: f64) -> f64 {
        let of_bin = |(count, share): (&u64, &f64)| {
            if *count == 0 {
                return 0.0;
            }
            let prior = concentration * share;
            libm::lgamma(*count as f64 + prior) - libm::lgamma(prior)
        };
        let of_bins: f64 = counts.iter().zip(&self.smoothed).map(of_bin).sum();
        of_bins + libm::lgamma(concentration) - libm::lgamma(n + concentration)
    }

    /// The largest `Σ c ln p` over shares `p` of the region. The maximum lies between the counts' own shares and the baseline's; where it
    /// is found only nearly, it is found outside of the region, so that it is not too small.
    fn log_supremum(&self, counts: &[u64], n: f64) -> f64 {
        let own: Vec<f64> = counts.iter().map(|&count| count as f64 / n).collect();
        let weight = self.weight_at_the_rim(&own);
        let of_bin = |(own, base): (&f64, &f64)| {
            if *own > 0.0 { own * libm::log((1.0 - weight) * own + weight * base) } else { 0.0 }
        };
        n * own.iter().zip(&self.shares).map(of_bin).sum::<f64>()
    }

    /// The smallest weight of the baseline's shares, mixed with the counts' own, that is in the region: 0 if those are in it. Newton's
    /// steps from below, where a convex function lets none overshoot, kept within a bracket by halving.
    fn weight_at_the_rim(&self, own: &[f64]) -> f64 {
        if self.divergence(own, 0.0).0 <= self.radius {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        let mut weight = 0.5;
        for _ in 0..MAX_STEPS {
            let (divergence, slope) = self.divergence(own, weight);
            let excess = divergence - self.radius;
            if excess >= 0.0 {
                low = weight;
            } else {
                high = weight;
            }
            if excess >= 0.0 && excess <= TOLERANCE * self.radius {
                break;
            }
            let next = weight - excess / slope;
            weight = if next > low && next < high { next } else { f64::midpoint(low, high) };
        }
        low
    }

    /// The divergence of the baseline from a mixture of its shares with others, and its derivative by the baseline's weight.
    fn divergence(&self, own: &[f64], weight: f64) -> (f64, f64) {
        let bins = self.shares.iter().zip(own).filter(|(base, _)| **base > 0.0);
        bins.fold((0.0, 0.0), |(divergence, slope), (base, own)| {
            let mixed = (1.0 - weight) * own + weight * base;
            (divergence + base * libm::log(base / mixed), slope - base * (base - own) / mixed)
        })
    }
}

/// What `n KL(counts/n ‖ shares)` exceeds with probability `level` at most: the root above `df` of `df (1 + ln(r/df)) - r = ln(level)`.
fn log_likelihood_ratio_quantile(df: f64, level: f64) -> f64 {
    let log_level = libm::log(level);
    let mut quantile = 2.0 * (df - log_level);
    for _ in 0..MAX_STEPS {
        let excess = df * (1.0 + libm::log(quantile / df)) - quantile - log_level;
        let step = excess / (df / quantile - 1.0);
        quantile = (quantile - step).max(df);
        if step.abs() <= TOLERANCE * quantile {
            break;
        }
    }
    quantile
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multinomial(counts: [u32; 3], shares: [f64; 3]) -> f64 {
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let ways = factorial(counts.iter().sum()) / counts.map(factorial).iter().product::<f64>();
        ways * counts
            .iter()
            .zip(shares)
            .map(|(&count, share)| share.powi(i32::try_from(count).unwrap()))
            .product::<f64>()
    }

    fn all_counts(n: u32) -> impl Iterator<Item = [u32; 3]> {
        (0..=n).flat_map(move |first| (0..=n - first).map(move |second| [first, second, n - first - second]))
    }

    #[test]
    fn a_baseline_excludes_the_truth_as_rarely_as_promised() {
        for (shares, level) in [([0.2, 0.3, 0.5], 0.1), ([0.05, 0.05, 0.9], 0.025), ([1.0 / 3.0; 3], 0.3)] {
            let is_excluded = |counts: &[u32; 3]| {
                let region = Region::new(&counts.map(u64::from), level, 0.0);
                region.divergence(&shares, 0.0).0 > region.radius
            };
            let excluded: f64 =
                all_counts(40).filter(is_excluded).map(|counts| multinomial(counts, shares)).sum();
            assert!(excluded <= level && excluded > 0.0, "{excluded} {level}");
        }
    }

    #[test]
    fn the_expected_e_value_of_any_share_in_the_region_is_one_at_most() {
        let region = Region::new(&[20, 30, 50], 0.1, 0.0);
        let mut n_inside = 0;
        for shares in all_counts(20).map(|counts| counts.map(|count| f64::from(count) / 20.0)) {
            if region.divergence(&shares, 0.0).0 > region.radius {
                continue;
            }
            n_inside += 1;
            let of = |counts: [u32; 3]| {
                multinomial(counts, shares) * libm::exp(region.log_e_value(&counts.map(u64::from)))
            };
            let expected: f64 = all_counts(30).map(of).sum();
            assert!(expected <= 1.0 + 1e-9, "{shares:?} {expected}");
        }
        assert!(n_inside > 5, "{n_inside}");
    }
}
