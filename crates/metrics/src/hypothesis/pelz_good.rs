//! The law of the one-sample Kolmogorov-Smirnov statistic of large samples: the limit and three corrections.

use std::f64::consts::PI;

/// Terms that are not zero for every `z` below 1.5.
const N_TERMS: u32 = 20;

/// The probability that the statistic of `n` values is at most `x`; `n x^2` is below 2.25.
///
/// Source: W. Pelz and I. J. Good, "Approximating the Lower Tail-Areas of the Kolmogorov-Smirnov One-Sample Statistic", 1976, as written by
/// R. Simard and P. L'Ecuyer, 2011.
pub(super) fn cumulative(n: f64, x: f64) -> f64 {
    let z = n.sqrt() * x;
    let [mut k0, mut k1, mut k2, mut k3] = [0.0; 4];
    for idx in (1..=N_TERMS).rev() {
        let half = half_integer_terms(z, f64::from(idx) - 0.5);
        let whole = whole_terms(z, f64::from(idx));
        k0 += half[0];
        k1 += half[1];
        k2 += half[2] + whole[0];
        k3 += half[3] + whole[1];
    }
    (2.0 * PI).sqrt() * (k0 + k1 / n.sqrt() + k2 / n + k3 / (n * n.sqrt()))
}

/// What the half-integer `k` adds to each series.
fn half_integer_terms(z: f64, k: f64) -> [f64; 4] {
    let square = z * z;
    let frequency = (PI * k).powi(2);
    let weight = libm::exp(-frequency / (2.0 * square));
    let second = 6.0 * square.powi(3)
        + 2.0 * square.powi(2)
        + frequency * (2.0 * square.powi(2) - 5.0 * square)
        + frequency.powi(2) * (1.0 - 2.0 * square);
    let third = -30.0 * square.powi(3) - 90.0 * square.powi(4)
        + frequency * (135.0 * square.powi(2) - 96.0 * square.powi(3))
        + frequency.powi(2) * (212.0 * square.powi(2) - 60.0 * square)
        + frequency.powi(3) * (5.0 - 30.0 * square);
    [
        weight / z,
        weight * (frequency - square) / (6.0 * z.powi(4)),
        weight * second / (72.0 * z.powi(7)),
        weight * third / (6480.0 * z.powi(10)),
    ]
}

/// What the whole number `k` adds to the last two series.
fn whole_terms(z: f64, k: f64) -> [f64; 2] {
    let frequency = (PI * k).powi(2);
    let weight = libm::exp(-frequency / (2.0 * z * z));
    let third = 3.0 * frequency * z * z - frequency * frequency;
    [-weight * frequency / (36.0 * z.powi(3)), weight * third / (216.0 * z.powi(6))]
}
