//! Methods that are a definition rather than a program: they are tested against the definition, not against the tool.

use super::{
    Error, Method, Outcome, Rule,
    sample::{Sample, Tally, check_lens},
};
use crate::{
    distance,
    histogram::{Counts, Edges},
    hypothesis::{self, KsMethod},
};

const N_DECILES: usize = 10;
const MAX_CATEGORIES: usize = 10;
/// By how many standard errors SageMaker's `Robust` lowers the distance.
const ROBUST_FACTOR: f64 = 1.8;
const SCOUTER_LEVEL: f64 = 0.95;

pub(super) fn compare(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
    match method {
        Method::ScipyKsExact => kolmogorov_smirnov(method, reference, current, KsMethod::Exact),
        Method::ScipyKsAsymp => kolmogorov_smirnov(method, reference, current, KsMethod::Asymptotic),
        Method::SagemakerLinfSimple | Method::SagemakerLinfRobust => sagemaker(method, reference, current),
        Method::DeepchecksPsi => deepchecks_psi(Tally::of_categories(method, reference, current)?),
        Method::PhoenixPsi => phoenix_psi(reference, current),
        Method::ScouterPsi => scouter_psi(&deciles(method, reference, current)?),
        _ => decile_psi(&deciles(method, reference, current)?),
    }
}

fn kolmogorov_smirnov(
    method: Method,
    reference: Sample<'_>,
    current: Sample<'_>,
    ks_method: KsMethod,
) -> Result<Outcome, Error> {
    let numbers = |sample: Sample<'_>| sample.numbers(method, |value| !value.is_nan());
    let test = hypothesis::ks_2samp(&numbers(reference)?, &numbers(current)?, ks_method)?;
    Ok(Outcome::of_test(test.statistic, test.p_value, None))
}

/// Source: `Distance` of Deequ, with the threshold of Model Monitor's `constraints.json`.
fn sagemaker(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
    let tally = Tally::of(method, reference, current)?;
    let simple = if reference.is_numbers() {
        hypothesis::ks_of_bins(&tally.reference, &tally.current)?
    } else {
        distance::l_infinity(&distance::shares(&tally.reference)?, &distance::shares(&tally.current)?)?
    };
    let (n, m) = (tally.totals().0 as f64, tally.totals().1 as f64);
    let noise =
        if method == Method::SagemakerLinfRobust { ROBUST_FACTOR * ((n + m) / (n * m)).sqrt() } else { 0.0 };
    Ok(Outcome::of_score((simple - noise).max(0.0), Some(Rule::Above(0.1))))
}

/// Counts in the deciles of the reference, or of each category.
fn deciles(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Tally, Error> {
    if !reference.is_numbers() {
        return Tally::of_categories(method, reference, current);
    }
    let [of_reference, of_current] =
        [reference, current].map(|sample| sample.numbers(method, f64::is_finite));
    let (of_reference, of_current) = (of_reference?, of_current?);
    check_lens(of_reference.len(), of_current.len())?;
    let edges = Edges::quantiles(&of_reference, N_DECILES)?;
    let [reference, current] =
        [of_reference, of_current].map(|values| Counts::of(&edges, &values).bins().to_vec());
    Ok(Tally { reference, current })
}

/// Missing values, infinite numbers among them, have a bin if there are any.
fn phoenix_psi(reference: Sample<'_>, current: Sample<'_>) -> Result<Outcome, Error> {
    let mut tally = deciles(Method::PhoenixPsi, reference, current)?;
    if reference.n_missing() + current.n_missing() > 0 {
        tally.reference.push(reference.n_missing());
        tally.current.push(current.n_missing());
    }
    let smoothed = |counts: &[u64]| distance::laplace_smoothed(counts, 1.0);
    Ok(Outcome::of_score(distance::psi(&smoothed(&tally.reference)?, &smoothed(&tally.current)?)?, None))
}

fn deepchecks_psi(tally: Tally) -> Result<Outcome, Error> {
    let mut counts: Vec<_> = tally.reference.into_iter().zip(tally.current).collect();
    counts.sort_by_key(|&(reference, _)| std::cmp::Reverse(reference));
    let others = counts.split_off(counts.len().min(MAX_CATEGORIES));
    if !others.is_empty() {
        counts.push(others.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1)));
    }
    let (reference, current): (Vec<u64>, Vec<u64>) = counts.into_iter().unzip();
    let floored = |counts: &[u64]| distance::shares(counts).map(|shares| distance::floored(&shares, 0.01));
    Ok(Outcome::of_score(
        distance::psi(&floored(&reference)?, &floored(&current)?)?,
        Some(Rule::AtLeast(0.2)),
    ))
}

/// The threshold is the bound of chance for a fixed reference.
fn scouter_psi(tally: &Tally) -> Result<Outcome, Error> {
    let raised = |counts: &[u64]| {
        distance::shares(counts).map(|shares| shares.iter().map(|share| share + 1e-10).collect::<Vec<_>>())
    };
    let psi = distance::psi(&raised(&tally.reference)?, &raised(&tally.current)?)?;
    let lens = (f64::INFINITY, tally.totals().1 as f64);
    let rule = match hypothesis::psi_noise_floor(tally.n_values(), lens, SCOUTER_LEVEL) {
        Ok(floor) => Some(Rule::AtLeast(floor)),
        Err(_) => None,
    };
    Ok(Outcome::of_score(psi, rule))
}

fn decile_psi(tally: &Tally) -> Result<Outcome, Error> {
    let floored = |counts: &[u64]| distance::shares(counts).map(|shares| distance::floored(&shares, 1e-4));
    let psi = distance::psi(&floored(&tally.reference)?, &floored(&tally.current)?)?;
    Ok(Outcome::of_score(psi, Some(Rule::AtLeast(0.25))))
}
