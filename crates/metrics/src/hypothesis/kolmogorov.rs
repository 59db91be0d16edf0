//! The law of the one-sample Kolmogorov-Smirnov statistic of a finite sample, two-sided.

use super::{durbin, pelz_good, smirnov};

/// Up to so many values every formula is exact.
const MAX_EXACT_LEN: f64 = 140.0;
/// Above so many, the matrix of Durbin would be too large.
const MAX_MATRIX_LEN: f64 = 100_000.0;

/// The probability that the statistic of `n` values, which is from 0 to 1, exceeds `statistic`. NaN if `n` is no positive whole number or
/// the statistic is NaN.
///
/// Source: R. Simard and P. L'Ecuyer, "Computing the Two-Sided Kolmogorov-Smirnov Distribution", 2011, with the choice of formulas of
/// `scipy.stats.kstwo.sf(statistic, n)`.
#[must_use]
pub fn kolmogorov_survival(n: f64, statistic: f64) -> f64 {
    if statistic.is_nan() || !n.is_finite() || n < 1.0 || n.fract() > 0.0 {
        return f64::NAN;
    }
    if statistic >= 1.0 {
        return 0.0;
    }
    let scaled = n * statistic;
    if scaled <= 0.5 {
        return 1.0;
    }
    survival(n, statistic, scaled).clamp(0.0, 1.0)
}

fn survival(n: f64, statistic: f64, scaled: f64) -> f64 {
    let squared = scaled * statistic;
    if scaled >= n - 1.0 || statistic >= 0.5 {
        return 2.0 * smirnov::survival(n, statistic);
    }
    if scaled <= 1.0 {
        return 1.0 - p_of_least(n, scaled);
    }
    if squared >= 370.0 {
        return 0.0;
    }
    if squared > if n <= MAX_EXACT_LEN { 4.0 } else { 2.2 } {
        return 2.0 * smirnov::survival(n, statistic);
    }
    let is_small = n <= MAX_MATRIX_LEN && n * libm::pow(statistic, 1.5) <= 1.4;
    let p = if n <= MAX_EXACT_LEN || is_small {
        durbin::cumulative(n, scaled)
    } else {
        pelz_good::cumulative(n, statistic)
    };
    1.0 - p
}

/// The cumulative probability near the least statistic, `n! ((2 t - 1) / n)^n` for `1/2 < t <= 1`.
///
/// Source: H. Ruben and J. Gambino, 1982.
fn p_of_least(n: f64, scaled: f64) -> f64 {
    if n > MAX_EXACT_LEN {
        return 0.0;
    }
    let mut p = 1.0;
    let mut factor = 1.0;
    while factor <= n {
        p *= factor / n * (2.0 * scaled - 1.0);
        factor += 1.0;
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_defined_for_every_number() {
        for n in [f64::NAN, -1.0, 0.0, 1.5, f64::INFINITY] {
            assert!(kolmogorov_survival(n, 0.3).is_nan());
        }
        assert!(kolmogorov_survival(10.0, f64::NAN).is_nan());
        for n in [1.0, 2.0, 139.0, 140.0, 141.0, 1e5, 1e6, 1e9, 1e15] {
            let statistics = [-1.0, 0.0, 1e-9, 1e-3, 0.1, 0.49, 0.5, 0.9, 1.0, 2.0, f64::INFINITY];
            let ps = statistics.map(|statistic| kolmogorov_survival(n, statistic));
            assert!(ps.iter().all(|p| (0.0..=1.0).contains(p)), "{n}: {ps:?}");
            assert!(ps.is_sorted_by(|left, right| left >= right), "{n}: {ps:?}");
        }
    }
}
