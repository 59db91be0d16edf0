//! The law of the one-sided one-sample Kolmogorov-Smirnov statistic of a finite sample.

use std::f64::consts::TAU;

/// Above so many values the sum of as many terms gives way to its limit, which is off by a factor of about `1 / n`.
const MAX_SUM_LEN: f64 = 1e7;

/// The probability that the one-sided statistic of `n` values exceeds `x`, which is above 0 and below 1.
///
/// Source: Z. W. Birnbaum and F. H. Tingey, 1951: `x sum(C(n, j) (x + j/n)^(j - 1) (1 - x - j/n)^(n - j))`, whose terms are binomial
/// probabilities over `x + j/n`.
pub(super) fn survival(n: f64, x: f64) -> f64 {
    if n > MAX_SUM_LEN {
        return libm::exp(-(6.0 * n * x + 1.0).powi(2) / (18.0 * n));
    }
    let mut sum = libm::exp(n * libm::log1p(-x));
    let mut j = 1.0;
    while j < n * (1.0 - x) {
        sum += n * x / (n * x + j) * binomial(n, j, n * x);
        j += 1.0;
    }
    sum
}

/// The probability of `j` successes in `n` trials of which `j + excess` are expected; `0 < j < n`.
///
/// Source: C. Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000.
fn binomial(n: f64, j: f64, excess: f64) -> f64 {
    let failures = n - j;
    let exponent = stirling_error(n)
        - stirling_error(j)
        - stirling_error(failures)
        - deviance(j, excess)
        - deviance(failures, -excess);
    libm::exp(exponent) * (n / (TAU * j * failures)).sqrt()
}

/// `ln n!` without Stirling's `ln(sqrt(2 pi n) (n / e)^n)`.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let (mut factorial, mut factor) = (1.0, 2.0);
        while factor <= n {
            factorial *= factor;
            factor += 1.0;
        }
        return libm::log(factorial) - (n * libm::log(n) - n + 0.5 * libm::log(TAU * n));
    }
    let square = n * n;
    let tail = 1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - tail / square) / square) / n
}

/// `x ln(x / (x + excess)) + excess`, without cancellation where the excess is small; infinite if nothing is expected.
fn deviance(x: f64, excess: f64) -> f64 {
    let mean = x + excess;
    if mean <= 0.0 {
        return f64::INFINITY;
    }
    if excess.abs() >= 0.1 * (x + mean) {
        return x * libm::log(x / mean) + excess;
    }
    let ratio = -excess / (x + mean);
    let mut sum = -excess * ratio;
    let mut power = 2.0 * x * ratio;
    let mut odd = 3.0;
    loop {
        power *= ratio * ratio;
        let next = sum + power / odd;
        if (next - sum).abs() <= 0.0 {
            return next;
        }
        sum = next;
        odd += 2.0;
    }
}
