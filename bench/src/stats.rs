//! Medians and spreads of times. All times are in seconds.

use serde::{Deserialize, Serialize};

/// The middle and the width of a sample.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) n: usize,
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
}

impl Spread {
    /// Of nothing there is no spread.
    pub(crate) fn of(times: &[f64]) -> Option<Self> {
        let sorted = sorted(times);
        Some(Self {
            n: sorted.len(),
            median: quantile(&sorted, 0.5)?,
            p10: quantile(&sorted, 0.1)?,
            p90: quantile(&sorted, 0.9)?,
        })
    }
}

pub(crate) fn median(times: &[f64]) -> Option<f64> {
    quantile(&sorted(times), 0.5)
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The nearest element at or below the position; no interpolation between elements.
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * fraction).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_the_sorted_sample() {
        let times: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&times), Some(Spread { n: 11, median: 5.0, p10: 1.0, p90: 9.0 }));
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(Spread::of(&[]), None);
    }
}
