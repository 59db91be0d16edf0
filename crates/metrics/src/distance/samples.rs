//! Distances between two samples of numbers. They need every value, so that nothing here merges.

use super::Error;
use crate::{ExactSum, histogram};

/// A reference so constant that a distance in units of its deviation would mean nothing.
const MIN_DEVIATION: f64 = 0.001;

/// The first Wasserstein (earth mover's) distance, in the values' unit.
///
/// # Errors
/// [`Error::Empty`] or [`Error::NotFinite`].
///
/// Source: `scipy.stats.wasserstein_distance(reference, current)`.
pub fn wasserstein(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    let steps = merged_steps(reference, current)?;
    Ok(area_between([reference.len() as u64, current.len() as u64], &steps, f64::abs))
}

/// The first Wasserstein distance in standard deviations of the reference, of which the least is 0.001.
///
/// # Errors
/// [`Error::Empty`] or [`Error::NotFinite`].
///
/// Source: Evidently's `wasserstein`.
pub fn wasserstein_normed(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    Ok(wasserstein(reference, current)? / histogram::standard_deviation(reference).max(MIN_DEVIATION))
}

/// The energy distance, `sqrt(2 integral((F - G)^2))`.
///
/// # Errors
/// [`Error::Empty`] or [`Error::NotFinite`].
///
/// Source: `scipy.stats.energy_distance(reference, current)`.
pub fn energy(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    let steps = merged_steps(reference, current)?;
    let totals = [reference.len() as u64, current.len() as u64];
    Ok((2.0 * area_between(totals, &steps, |difference| difference * difference)).sqrt())
}

/// How many values of both distributions lie at a point, and the gap to the next one.
pub(super) type Step = ([u64; 2], f64);

/// The area between two distribution functions, after `weigh`ing their difference.
pub(super) fn area_between(totals: [u64; 2], steps: &[Step], weigh: impl Fn(f64) -> f64) -> f64 {
    let [of_reference, of_current] = totals.map(|total| total as f64);
    let mut below = [0; 2];
    let areas = steps.iter().map(|([in_reference, in_current], gap)| {
        below = [below[0] + in_reference, below[1] + in_current];
        weigh(below[0] as f64 / of_reference - below[1] as f64 / of_current) * gap
    });
    areas.collect::<ExactSum>().value()
}

fn merged_steps(reference: &[f64], current: &[f64]) -> Result<Vec<Step>, Error> {
    check(reference)?;
    check(current)?;
    let of_reference = reference.iter().map(|&value| (value, [1, 0]));
    let mut all: Vec<_> = of_reference.chain(current.iter().map(|&value| (value, [0, 1]))).collect();
    all.sort_unstable_by(|(left, _), (right, _)| left.total_cmp(right));
    let next_values = all.iter().skip(1).map(|&(value, _)| value);
    Ok(all.iter().zip(next_values).map(|(&(value, counts), next)| (counts, next - value)).collect())
}

fn check(values: &[f64]) -> Result<(), Error> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(&found) => Err(Error::NotFinite { found }),
        None if values.is_empty() => Err(Error::Empty),
        None => Ok(()),
    }
}
