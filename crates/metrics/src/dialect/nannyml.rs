//! NannyML 0.13.1. Its methods see what is left of both columns without missing values; its thresholds come from chunks of the reference.

use super::{
    Error, Method, Outcome, Rule,
    sample::{Sample, Tally, check_lens},
};
use crate::{
    ExactSum, Interval,
    distance::{self, LogBase},
    histogram::{self, Counts, Dtype, Edges},
    hypothesis::{self, KsMethod},
};

/// A reference of so many values is binned, in as many bins.
const MIN_BINNED_LEN: usize = 10_000;
const N_CHUNKS: usize = 10;
const N_DEVIATIONS: f64 = 3.0;

/// The interval outside which NannyML alerts: three standard deviations around the mean of the scores of the reference's chunks, within the
/// limits of the metric. NaN scores are left out; `None` if no other is left.
///
/// Source: `StandardDeviationThreshold` of NannyML 0.13.1; the deviation is that of a population.
#[must_use]
pub fn thresholds(scores: &[f64], limits: Interval) -> Option<Interval> {
    let scores: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
    if scores.is_empty() {
        return None;
    }
    let mean = scores.iter().copied().collect::<ExactSum>().value() / scores.len() as f64;
    let offset = N_DEVIATIONS * histogram::standard_deviation(&scores);
    Some(Interval { lower: (mean - offset).max(limits.lower), upper: (mean + offset).min(limits.upper) })
}

pub(super) fn compare(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
    if method == Method::NannymlChi2 {
        let tally = Tally::of_categories(method, reference, current)?;
        let test = hypothesis::chi2_contingency(&tally.reference, &tally.current)?;
        return Ok(Outcome::of_test(test.statistic, test.p_value, Some(Rule::Below(0.05))));
    }
    let score = score(method, reference, current)?;
    Ok(Outcome::of_score(score, default_rule(method, reference)?))
}

/// The default rule; `None` for a reference with fewer rows than chunks, which NannyML refuses.
fn default_rule(method: Method, reference: Sample<'_>) -> Result<Option<Rule>, Error> {
    let chunk_len = reference.n_rows() / N_CHUNKS;
    if chunk_len == 0 {
        return Ok(None);
    }
    let upper = if method == Method::NannymlKolmogorovSmirnov { 1.0 } else { f64::INFINITY };
    let chunk_scores =
        reference.chunks(chunk_len).into_iter().map(|chunk| match score(method, reference, chunk) {
            Err(Error::Empty { current: 0, .. }) => Ok(f64::NAN),
            score => score,
        });
    let scores = chunk_scores.collect::<Result<Vec<f64>, Error>>()?;
    Ok(thresholds(&scores, Interval { lower: 0.0, upper }).map(Rule::Outside))
}

fn score(method: Method, reference: Sample<'_>, chunk: Sample<'_>) -> Result<f64, Error> {
    match method {
        Method::NannymlKolmogorovSmirnov | Method::NannymlWasserstein => {
            let (reference, chunk) = both_numbers(method, reference, chunk)?;
            match (method, reference.len() < MIN_BINNED_LEN) {
                (Method::NannymlWasserstein, true) => Ok(distance::wasserstein(&reference, &chunk)?),
                (Method::NannymlWasserstein, false) => binned_wasserstein(&reference, &chunk),
                (_, true) => Ok(hypothesis::ks_2samp(&reference, &chunk, KsMethod::Asymptotic)?.statistic),
                (_, false) => binned_kolmogorov_smirnov(&reference, &chunk),
            }
        }
        Method::NannymlLInfinity => {
            let tally = Tally::of_categories(method, reference, chunk)?;
            Ok(distance::l_infinity(
                &distance::shares(&tally.reference)?,
                &distance::shares(&tally.current)?,
            )?)
        }
        _ => {
            let (p, q) = shares(method, reference, chunk)?;
            if method == Method::NannymlHellinger {
                return Ok(distance::hellinger(&p, &q)?);
            }
            Ok(distance::jensen_shannon(&p, &q, LogBase::Two)?)
        }
    }
}

fn both_numbers(
    method: Method,
    reference: Sample<'_>,
    chunk: Sample<'_>,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let numbers = |sample: Sample<'_>| sample.numbers(method, |value| !value.is_nan());
    let (reference, chunk) = (numbers(reference)?, numbers(chunk)?);
    check_lens(reference.len(), chunk.len()).map(|()| (reference, chunk))
}

/// The shares of both samples in the reference's bins, and of what falls outside if there is any. What rounding leaves counts as outside.
fn shares(method: Method, reference: Sample<'_>, chunk: Sample<'_>) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let (mut p, mut q) = if reference.is_numbers() {
        let (reference, chunk) = both_numbers(method, reference, chunk)?;
        let edges = doane_edges(&reference)?;
        (numeric_shares(&edges, &reference), numeric_shares(&edges, &chunk))
    } else {
        let tally = Tally::of_categories(method, reference, chunk)?;
        let is_known = tally.reference.iter().map(|&count| count > 0);
        let known = |shares: Vec<f64>| is_known.clone().zip(shares).filter(|(is_known, _)| *is_known);
        let [p, q] = [distance::shares(&tally.reference)?, distance::shares(&tally.current)?];
        (known(p).map(|(_, share)| share).collect(), known(q).map(|(_, share)| share).collect())
    };
    let outside = 1.0 - histogram::pairwise_sum(&q);
    if outside > 0.0 {
        p.push(0.0);
        q.push(outside);
    }
    Ok((p, q))
}

fn doane_edges(reference: &[f64]) -> Result<Edges, Error> {
    if let Some(&found) = reference.iter().find(|value| value.is_infinite()) {
        return Err(distance::Error::NotFinite { found }.into());
    }
    Ok(Edges::doane(reference, Dtype::Float)?)
}

fn numeric_shares(edges: &Edges, values: &[f64]) -> Vec<f64> {
    let counts = Counts::of(edges, values);
    counts.bins().iter().map(|&count| count as f64 / values.len() as f64).collect()
}

/// The cumulative shares of a sample at the right edge of each bin, of the values in bins alone.
fn cumulative_shares<'a>(counts: &'a Counts, values: &[f64]) -> impl Iterator<Item = f64> + 'a {
    let n_values = values.len() as f64;
    let sums = counts.bins().iter().scan(0_u64, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    sums.map(move |sum| sum as f64 / n_values)
}

fn binned_kolmogorov_smirnov(reference: &[f64], chunk: &[f64]) -> Result<f64, Error> {
    let edges = Edges::equal_width(reference, MIN_BINNED_LEN)?;
    let (of_reference, of_chunk) = (Counts::of(&edges, reference), Counts::of(&edges, chunk));
    let first = edges.as_slice().first().copied().unwrap_or(f64::NAN);
    let below = chunk.iter().filter(|&&value| value < first).count() as f64 / chunk.len() as f64;
    let pairs = cumulative_shares(&of_reference, reference).zip(cumulative_shares(&of_chunk, chunk));
    Ok(pairs.map(|(p, q)| (p - (below + q)).abs()).fold(0.0, f64::max))
}

/// The area between the distribution functions, with one value too many below the reference's bins if there is any: so does NannyML.
fn binned_wasserstein(reference: &[f64], chunk: &[f64]) -> Result<f64, Error> {
    let edges = Edges::equal_width(reference, MIN_BINNED_LEN)?;
    let (of_reference, of_chunk) = (Counts::of(&edges, reference), Counts::of(&edges, chunk));
    let [Some(&first), Some(&second), Some(&last)] =
        [edges.as_slice().first(), edges.as_slice().get(1), edges.as_slice().last()]
    else {
        return Err(Error::Empty { reference: reference.len(), current: chunk.len() });
    };
    let n_chunk = chunk.len() as f64;
    let n_below = of_chunk.below();
    let below = if n_below > 0 { (n_below + 1) as f64 / n_chunk } else { 0.0 };
    let pairs = cumulative_shares(&of_reference, reference).zip(cumulative_shares(&of_chunk, chunk));
    let within = pairs.map(|(p, q)| (p - (q + below)).abs() * (second - first)).collect::<ExactSum>().value();
    let overhang = |value: &f64| (first - value).max(value - last).max(0.0);
    Ok(within + chunk.iter().map(overhang).collect::<ExactSum>().value() / n_chunk)
}
