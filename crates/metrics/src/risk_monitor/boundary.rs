//! How far a sum of bounded deviations may stray, at all times at once: the gamma-exponential mixture. Not a bound at one fixed time, which
//! would be narrower there.
//!
//! Source: S. R. Howard, A. Ramdas, J. `McAuliffe`, J. Sekhon, "Time-Uniform, Nonparametric, Nonasymptotic Confidence Sequences", Annals of
//! Statistics 49(2), 2021, proposition 9, with scale c = 1.
//!
//! With `g(a, x) = x^0/(a) + x^1/(a(a+1)) + x^2/(a(a+1)(a+2)) + …`, which is `γ(a, x) e^x / x^a`, the mixture of a sum `s` with intrinsic
//! time `v` is `g(v + ρ, s + v + ρ) / g(ρ, ρ)`: positive terms only, so that nothing cancels.

/// A nonnegative supermartingale `m(s, v)` that starts at 1: the chance that it ever reaches `1/α` is at most `α`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boundary {
    rho: f64,
    log_start: f64,
}

/// Terms of the series at most. A series cut short is too small and its boundary too wide: the promise holds.
const MAX_TERMS: u32 = 1_000_000;
const MAX_DOUBLINGS: u32 = 64;
const MAX_STEPS: u32 = 100;
const TOLERANCE: f64 = 1e-14;

impl Boundary {
    /// The mixture that is tightest about the intrinsic time `v_opt` for a crossing of probability `alpha`, less than 1/2.
    pub(super) fn new(v_opt: f64, alpha: f64) -> Self {
        let doubled_log = 2.0 * libm::log(1.0 / (2.0 * alpha));
        let rho = v_opt / (doubled_log + libm::log1p(doubled_log));
        Self { rho, log_start: Series::new(rho, rho).log() }
    }

    /// The logarithm of the mixture and its derivative by `s`, at a sum of at least `-v`.
    fn log_mixture(&self, s: f64, v: f64) -> (f64, f64) {
        let (a, x) = (v + self.rho, s + v + self.rho);
        let series = Series::new(a, x);
        (series.log() - self.log_start, 1.0 - a / x + series.inverse() / x)
    }

    /// The sum at which the mixture, with intrinsic time `v`, reaches `1/alpha`.
    pub(super) fn at(&self, v: f64, alpha: f64) -> f64 {
        let log_threshold = libm::log(1.0 / alpha);
        let gaussian = libm::log((v + self.rho) / self.rho) + 2.0 * log_threshold;
        let mut bracket = Bracket { low: 0.0, high: ((v + self.rho) * gaussian).sqrt() };
        for _ in 0..MAX_DOUBLINGS {
            if self.log_mixture(bracket.high, v).0 > log_threshold {
                break;
            }
            bracket = Bracket { low: bracket.high, high: 1.5 * bracket.high };
        }
        self.root(bracket, v, log_threshold)
    }

    /// Newton's steps from above, where a convex function lets none overshoot, kept within the bracket by halving.
    fn root(&self, mut bracket: Bracket, v: f64, log_threshold: f64) -> f64 {
        let mut s = bracket.high;
        for _ in 0..MAX_STEPS {
            let (log_mixture, slope) = self.log_mixture(s, v);
            let excess = log_mixture - log_threshold;
            bracket =
                if excess > 0.0 { Bracket { high: s, ..bracket } } else { Bracket { low: s, ..bracket } };
            let next = bracket.keep(s - excess / slope);
            if (next - s).abs() <= TOLERANCE * s.max(1.0) {
                return next;
            }
            s = next;
        }
        bracket.high
    }
}

#[derive(Clone, Copy)]
struct Bracket {
    low: f64,
    high: f64,
}

impl Bracket {
    fn keep(self, s: f64) -> f64 {
        if s >= self.low && s <= self.high { s } else { f64::midpoint(self.low, self.high) }
    }
}

/// The value of `g` as a number and the logarithm of what was divided out.
struct Series {
    sum: f64,
    log_scale: f64,
}

const LARGE: f64 = 1e250;
const NEGLIGIBLE: f64 = 1e-18;

impl Series {
    fn new(a: f64, x: f64) -> Self {
        let (mut term, mut sum, mut log_scale) = (1.0 / a, 1.0 / a, 0.0);
        for k in 1..=MAX_TERMS {
            let divisor = a + f64::from(k);
            term *= x / divisor;
            sum += term;
            if sum > LARGE {
                term /= LARGE;
                sum /= LARGE;
                log_scale += libm::log(LARGE);
            }
            if x < divisor && term <= NEGLIGIBLE * sum {
                break;
            }
        }
        Self { sum, log_scale }
    }

    fn log(&self) -> f64 {
        libm::log(self.sum) + self.log_scale
    }

    fn inverse(&self) -> f64 {
        if self.log_scale > 0.0 { 0.0 } else { 1.0 / self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_starts_at_one_and_grows_with_the_sum() {
        let boundary = Boundary::new(1.0, 0.0125);
        assert!(boundary.log_mixture(0.0, 0.0).0.abs() < 1e-15);
        let values = [-0.9, 0.0, 1.0, 10.0, 1e3, 1e5].map(|s| boundary.log_mixture(s, 1.0).0);
        assert!(values.is_sorted_by(|left, right| left < right), "{values:?}");
    }

    #[test]
    fn the_derivative_is_the_difference_quotient() {
        let boundary = Boundary::new(1.0, 0.0125);
        for (s, v) in [(0.5, 0.25), (3.0, 2.0), (40.0, 100.0), (200.0, 2500.0)] {
            let step = 1e-5;
            let difference = boundary.log_mixture(s + step, v).0 - boundary.log_mixture(s - step, v).0;
            let slope = boundary.log_mixture(s, v).1;
            assert!((difference / (2.0 * step) / slope - 1.0).abs() < 1e-6, "{s} {v}");
        }
    }

    #[test]
    fn the_root_is_one_at_any_scale() {
        for (v, alpha) in [(0.0, 0.5), (0.25, 0.0125), (1e2, 1e-3), (1e5, 1e-10), (1e8, 0.01)] {
            let boundary = Boundary::new(1.0, 0.0125);
            let s = boundary.at(v, alpha);
            let log_e = boundary.log_mixture(s, v).0;
            assert!((log_e + libm::log(alpha)).abs() < 1e-8, "{v} {alpha} {s} {log_e}");
        }
    }
}
