//! Starts of a test within a stream, so that what was long ago does not drown what is new. Not windows: each start reaches to the present.
//!
//! A weighted sum of e-processes, each beginning at its own start, is an e-process if the weights sum to 1; so is one without some of its
//! terms. Starts thin out with age, and memory is logarithmic in their number.

use serde::{Deserialize, Serialize};

/// The totals of a stream when each kept start was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Restarts<T> {
    n_starts: u64,
    starts: Vec<Start<T>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Start<T> {
    index: u64,
    totals: T,
}

/// How many starts are kept of each power of two of their age.
const N_PER_OCTAVE: u64 = 4;

impl<T> Restarts<T> {
    /// The start at the beginning of a stream.
    pub(crate) fn new(totals: T) -> Self {
        Self { n_starts: 1, starts: vec![Start { index: 0, totals }] }
    }

    /// Makes a start at the present totals, and forgets old ones.
    pub(crate) fn restart(&mut self, totals: T) {
        let newest = self.n_starts;
        self.n_starts += 1;
        self.starts.push(Start { index: newest, totals });
        self.starts.retain(|start| is_kept(start.index, newest));
    }

    /// The newest start's totals.
    pub(crate) fn newest(&self) -> Option<&T> {
        self.starts.last().map(|start| &start.totals)
    }

    /// The logarithm of the weighted sum of what `log_e_value` says of each start's totals.
    pub(crate) fn log_mixture(&self, log_e_value: impl Fn(&T) -> f64) -> f64 {
        let terms = self.starts.iter().map(|start| log_weight(start.index) + log_e_value(&start.totals));
        log_sum(&terms.collect::<Vec<_>>())
    }
}

/// Whether a start is on the grid that its age asks for: once it is not, it never is again.
fn is_kept(index: u64, newest: u64) -> bool {
    let grid = 1_u64.checked_shl(index.trailing_zeros()).unwrap_or(u64::MAX);
    (newest - index).div_ceil(N_PER_OCTAVE) <= grid
}

/// Weights 1/2, 1/6, 1/12 …, which sum to 1.
fn log_weight(index: u64) -> f64 {
    let index = index as f64;
    -libm::log((index + 1.0) * (index + 2.0))
}

/// The logarithm of a sum of numbers given by their logarithms.
pub(crate) fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    largest + libm::log(logs.iter().map(|log| libm::exp(log - largest)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_thin_out_with_age() {
        let mut restarts = Restarts::new(0_u64);
        for start in 1..100_000 {
            restarts.restart(start);
            let ages: Vec<u64> = restarts.starts.iter().rev().map(|kept| start - kept.totals).collect();
            assert!(ages.len() <= 70, "{}", ages.len());
            assert!(ages.windows(2).all(|pair| pair[1] <= 2 * pair[0] + 1 || pair[1] == start), "{ages:?}");
            assert_eq!((ages[0], ages[ages.len() - 1]), (0, start));
        }
    }

    #[test]
    fn weights_sum_to_one() {
        let mut restarts = Restarts::new(());
        for _ in 1..4 {
            restarts.restart(());
        }
        assert!((libm::exp(restarts.log_mixture(|()| 0.0)) - 0.8).abs() < 1e-15);
        assert!(restarts.log_mixture(|()| f64::NEG_INFINITY) < f64::MIN);
    }
}
