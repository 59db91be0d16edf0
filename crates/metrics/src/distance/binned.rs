//! Distances between shares of the same bins or categories. Which bins, and what becomes of empty ones, is the caller's choice.

use super::{Error, samples};
use crate::{ExactSum, histogram::Edges};

/// In which unit information is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogBase {
    /// Base e: nats.
    E,
    /// Base 2: bits.
    Two,
}

impl LogBase {
    const fn ln(self) -> f64 {
        match self {
            Self::E => 1.0,
            Self::Two => std::f64::consts::LN_2,
        }
    }
}

/// The share of each bin.
///
/// # Errors
/// [`Error::Empty`] if nothing was counted.
pub fn shares(counts: &[u64]) -> Result<Vec<f64>, Error> {
    match counts.iter().sum::<u64>() {
        0 => Err(Error::Empty),
        total => Ok(counts.iter().map(|&count| count as f64 / total as f64).collect()),
    }
}

/// Shares of which none is below `floor`. They are not normalised again.
#[must_use]
pub fn floored(shares: &[f64], floor: f64) -> Vec<f64> {
    shares.iter().map(|share| share.max(floor)).collect()
}

/// The share of each bin with `pseudocount` more in each: `(x + a) / (N + a d)`.
///
/// # Errors
/// [`Error::Empty`] if nothing was counted and the pseudocount is zero.
///
/// Source: additive (Laplace) smoothing.
pub fn laplace_smoothed(counts: &[u64], pseudocount: f64) -> Result<Vec<f64>, Error> {
    let total = counts.iter().sum::<u64>() as f64 + pseudocount * counts.len() as f64;
    if total > 0.0 {
        return Ok(counts.iter().map(|&count| (count as f64 + pseudocount) / total).collect());
    }
    Err(Error::Empty)
}

/// The population stability index, `sum((p - q) ln(p / q))`; infinite if a bin is empty on one side only. Shares are taken as they are.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
///
/// Source: N. Siddiqi, "Credit Risk Scorecards", 2006.
pub fn psi(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    check(reference, current)?;
    Ok(summed(
        reference,
        current,
        |p, q| if p.to_bits() == q.to_bits() { 0.0 } else { (p - q) * libm::log(p / q) },
    ))
}

/// The Kullback-Leibler divergence of the current shares from the reference, `sum(p ln(p / q))` in nats, of normalised shares; infinite
/// if a bin is empty in `current` only.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
///
/// Source: `scipy.stats.entropy(reference, current)`.
pub fn kl_divergence(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    check(reference, current)?;
    Ok(summed(&normalised(reference), &normalised(current), relative_entropy))
}

/// The Jensen-Shannon divergence of normalised shares: at most `ln 2` nats, or 1 bit.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
///
/// Source: J. Lin, "Divergence measures based on the Shannon entropy", 1991.
pub fn jensen_shannon_divergence(reference: &[f64], current: &[f64], base: LogBase) -> Result<f64, Error> {
    check(reference, current)?;
    let (p, q) = (normalised(reference), normalised(current));
    let middle: Vec<f64> = p.iter().zip(&q).map(|(p, q)| (p + q) / 2.0).collect();
    let nats = summed(&p, &middle, relative_entropy) + summed(&q, &middle, relative_entropy);
    Ok((nats / base.ln() / 2.0).max(0.0))
}

/// The Jensen-Shannon distance, the square root of the divergence.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
///
/// Source: `scipy.spatial.distance.jensenshannon(reference, current, base)`.
pub fn jensen_shannon(reference: &[f64], current: &[f64], base: LogBase) -> Result<f64, Error> {
    jensen_shannon_divergence(reference, current, base).map(f64::sqrt)
}

/// The Hellinger distance, `sqrt(sum((sqrt p - sqrt q)^2) / 2)`, of shares as they are.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
pub fn hellinger(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    check(reference, current)?;
    Ok((summed(reference, current, |p, q| (p.sqrt() - q.sqrt()).powi(2)) / 2.0).sqrt())
}

/// The total variation distance, half the sum of all differences.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
pub fn total_variation(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    check(reference, current)?;
    Ok(summed(reference, current, |p, q| (p - q).abs()) / 2.0)
}

/// The largest difference of a bin's shares.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
pub fn l_infinity(reference: &[f64], current: &[f64]) -> Result<f64, Error> {
    check(reference, current)?;
    Ok(reference.iter().zip(current).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max))
}

/// Pearson's statistic, `sum((observed - expected)^2 / expected)`; infinite if something was observed where nothing is expected. A bin
/// that is empty on both sides adds nothing.
///
/// # Errors
/// [`Error::Bins`], [`Error::Share`] or [`Error::Empty`].
///
/// Source: K. Pearson, 1900.
pub fn chi_square(observed: &[f64], expected: &[f64]) -> Result<f64, Error> {
    check(observed, expected)?;
    let term = |observed: f64, expected: f64| {
        if observed <= 0.0 && expected <= 0.0 { 0.0 } else { (observed - expected).powi(2) / expected }
    };
    Ok(summed(observed, expected, term))
}

/// The first Wasserstein distance of two counts over the same edges, as if each bin's values were in its middle and an open tail's where
/// it begins.
///
/// # Errors
/// [`Error::Bins`] or [`Error::Empty`].
///
/// Source: `scipy.stats.wasserstein_distance(midpoints, midpoints, reference, current)`.
pub fn wasserstein_of_bins(edges: &Edges, reference: &[u64], current: &[u64]) -> Result<f64, Error> {
    let midpoints = edges.midpoints();
    if reference.len() != current.len() || reference.len() != midpoints.len() {
        return Err(Error::Bins { reference: reference.len(), current: current.len() });
    }
    let totals = [reference.iter().sum(), current.iter().sum()];
    if totals.contains(&0) {
        return Err(Error::Empty);
    }
    let gaps = midpoints.iter().zip(midpoints.iter().skip(1)).map(|(left, right)| right - left);
    let counts = reference.iter().zip(current).map(|(&reference, &current)| [reference, current]);
    Ok(samples::area_between(totals, &counts.zip(gaps).collect::<Vec<_>>(), f64::abs))
}

fn check(reference: &[f64], current: &[f64]) -> Result<(), Error> {
    if reference.len() != current.len() {
        return Err(Error::Bins { reference: reference.len(), current: current.len() });
    }
    let is_share = |share: &f64| share.is_finite() && *share >= 0.0;
    if let Some(&found) = reference.iter().chain(current).find(|share| !is_share(share)) {
        return Err(Error::Share { found });
    }
    let has_mass = |shares: &[f64]| shares.iter().any(|&share| share > 0.0);
    if has_mass(reference) && has_mass(current) { Ok(()) } else { Err(Error::Empty) }
}

fn normalised(shares: &[f64]) -> Vec<f64> {
    let total = shares.iter().copied().collect::<ExactSum>().value();
    shares.iter().map(|share| share / total).collect()
}

fn relative_entropy(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * libm::log(p / q) } else { 0.0 }
}

/// The sum of a term of each bin; infinite if a term is.
fn summed(reference: &[f64], current: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let terms = reference.iter().zip(current).map(|(&p, &q)| term(p, q));
    let sum: ExactSum = terms.collect();
    if sum.n_not_finite() == 0 { sum.value() } else { f64::INFINITY }
}
