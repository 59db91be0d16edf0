//! Evidently 0.7.23. Its tests see what is left of both columns without missing and infinite values.

use super::{
    Error, Method, Outcome, Rule, permutation,
    sample::{Sample, Tally, check_lens},
};
use crate::{
    distance::{self, LogBase},
    histogram::{Counts, Dtype, Edges},
    hypothesis::{self, KsMethod},
};

/// A reference with more distinct numbers than this is binned.
const MAX_DISTINCT: usize = 20;
/// A column with more distinct numbers than this is not treated as categories.
const MAX_CATEGORICAL: usize = 5;
/// A longer reference is compared by a distance, a shorter one by a test.
const MAX_TESTED_LEN: u64 = 1000;
const ZERO_FILL: f64 = 0.0001;

const DISTANCE: Rule = Rule::AtLeast(0.1);

/// The method that Evidently chooses for a column by itself.
///
/// # Errors
/// [`Error::Kind`] or [`Error::Empty`].
///
/// Source: `_get_default_stattest` of Evidently 0.7.23.
pub fn default_method(reference: Sample<'_>, current: Sample<'_>) -> Result<Method, Error> {
    let tally = Tally::of(Method::EvidentlyPsi, reference, current)?;
    let is_continuous = reference.is_numbers() && tally.n_values() > MAX_CATEGORICAL;
    let is_tested = tally.totals().0 <= MAX_TESTED_LEN;
    Ok(match (is_continuous, is_tested) {
        (true, true) => Method::EvidentlyKs,
        (true, false) => Method::EvidentlyWasserstein,
        (false, true) if tally.n_values() > 2 => Method::EvidentlyChiSquare,
        (false, true) => Method::EvidentlyZ,
        (false, false) => Method::EvidentlyJensenShannon,
    })
}

pub(super) fn compare(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
    let numbers = |sample: Sample<'_>| sample.numbers(method, f64::is_finite);
    let both_numbers = || -> Result<_, Error> {
        let (reference, current) = (numbers(reference)?, numbers(current)?);
        check_lens(reference.len(), current.len()).map(|()| (reference, current))
    };
    let score = match method {
        Method::EvidentlyKs => {
            let (reference, current) = both_numbers()?;
            let test = hypothesis::ks_2samp(&reference, &current, KsMethod::Auto)?;
            return Ok(Outcome::of_p_value(test.p_value, Rule::AtMost(0.05)));
        }
        Method::EvidentlyChiSquare => {
            let p_value = chi_square(&Tally::of(method, reference, current)?)?;
            return Ok(Outcome::of_p_value(p_value, Rule::Below(0.05)));
        }
        Method::EvidentlyZ => {
            let p_value = z(&Tally::of(method, reference, current)?)?;
            return Ok(Outcome::of_p_value(p_value, Rule::Below(0.05)));
        }
        Method::EvidentlyTvd => {
            return total_variation(&reference.categories(method)?, &current.categories(method)?);
        }
        Method::EvidentlyWasserstein => {
            let (reference, current) = both_numbers()?;
            distance::wasserstein_normed(&reference, &current)?
        }
        Method::EvidentlyEnergy => {
            let (reference, current) = both_numbers()?;
            return Ok(Outcome::of_score(distance::energy(&reference, &current)?, Some(Rule::Above(0.1))));
        }
        Method::EvidentlyHellinger => hellinger(method, reference, current)?,
        _ => binned_distance(method, reference, current)?,
    };
    Ok(Outcome::of_score(score, Some(DISTANCE)))
}

fn total_variation(reference: &[&str], current: &[&str]) -> Result<Outcome, Error> {
    check_lens(reference.len(), current.len())?;
    Ok(Outcome::of_p_value(permutation::total_variation_p_value(reference, current), Rule::Below(0.1)))
}

fn chi_square(tally: &Tally) -> Result<f64, Error> {
    let (n_reference, n_current) = tally.totals();
    let factor = n_current as f64 / n_reference as f64;
    let expected: Vec<f64> = tally.reference.iter().map(|&count| count as f64 * factor).collect();
    let observed: Vec<f64> = tally.current.iter().map(|&count| count as f64).collect();
    Ok(hypothesis::chisquare(&observed, &expected)?.p_value)
}

fn z(tally: &Tally) -> Result<f64, Error> {
    if tally.n_values() == 1 {
        return Ok(1.0);
    }
    let larger = |counts: &[u64]| (counts.iter().skip(1).sum(), counts.iter().sum());
    Ok(hypothesis::two_proportions(larger(&tally.reference), larger(&tally.current))?.p_value)
}

fn binned_distance(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<f64, Error> {
    let counts = binned(method, reference, current)?;
    let (p, q) = (distance::shares(&counts.reference)?, distance::shares(&counts.current)?);
    Ok(match method {
        Method::EvidentlyJensenShannon => distance::jensen_shannon(&p, &q, LogBase::E)?,
        Method::EvidentlyKlDiv => distance::kl_divergence(&filled(&p), &filled(&q))?,
        _ => distance::psi(&filled(&p), &filled(&q))?,
    })
}

/// Counts in Sturges' bins over both samples, or of each value.
fn binned(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Tally, Error> {
    let tally = Tally::of(method, reference, current)?;
    if !reference.is_numbers() || tally.n_reference_values() <= MAX_DISTINCT {
        return Ok(tally);
    }
    let (of_reference, of_current) =
        (reference.numbers(method, f64::is_finite)?, current.numbers(method, f64::is_finite)?);
    let both = [of_reference.as_slice(), of_current.as_slice()].concat();
    let edges = Edges::sturges(&both, common_dtype(reference, current))?;
    let [reference, current] =
        [of_reference, of_current].map(|values| Counts::of(&edges, &values).bins().to_vec());
    Ok(Tally { reference, current })
}

fn common_dtype(reference: Sample<'_>, current: Sample<'_>) -> Dtype {
    if reference.is_integer() && current.is_integer() { Dtype::Integer } else { Dtype::Float }
}

/// Shares of which none is zero. They are not normalised again.
fn filled(shares: &[f64]) -> Vec<f64> {
    let least = shares.iter().copied().filter(|&share| share > 0.0).fold(f64::INFINITY, f64::min);
    let fill = if least <= ZERO_FILL { least / 1e6 } else { ZERO_FILL };
    shares.iter().map(|&share| if share > 0.0 { share } else { fill }).collect()
}

fn hellinger(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<f64, Error> {
    let tally = Tally::of(method, reference, current)?;
    let affinity: f64 = if reference.is_numbers() {
        numeric_affinity(method, reference, current)?
    } else {
        let (p, q) = (distance::shares(&tally.reference)?, distance::shares(&tally.current)?);
        p.iter().zip(&q).map(|(p, q)| (p * q).sqrt()).sum()
    };
    Ok((1.0 - affinity.clamp(0.0, 1.0)).sqrt())
}

/// The Bhattacharyya coefficient of two densities in Sturges' bins over the distinct values, in Evidently's order of operations: it is
/// near 1, and what rounding takes from it shows in the distance.
fn numeric_affinity(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<f64, Error> {
    let (of_reference, of_current) =
        (reference.numbers(method, f64::is_finite)?, current.numbers(method, f64::is_finite)?);
    let mut distinct = [of_reference.as_slice(), of_current.as_slice()].concat();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup_by(|right, left| *right <= *left);
    let edges = Edges::sturges(&distinct, common_dtype(reference, current))?;
    let ends = edges.as_slice().iter().zip(edges.as_slice().iter().skip(1));
    let widths: Vec<f64> = ends.map(|(left, right)| right - left).collect();
    let densities = |values: &[f64]| -> Vec<f64> {
        let counts = Counts::of(&edges, values);
        let per_width = counts.bins().iter().zip(&widths).map(|(&count, width)| count as f64 / width);
        per_width.map(|density| density / values.len() as f64).collect()
    };
    let range =
        edges.as_slice().last().zip(edges.as_slice().first()).map_or(0.0, |(last, first)| last - first);
    let mean_width = range / edges.n_bins() as f64;
    let pairs = densities(&of_reference).into_iter().zip(densities(&of_current));
    Ok(pairs.map(|(p, q)| (p * q).sqrt() * mean_width).sum())
}
