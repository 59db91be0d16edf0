//! Pearson's tests of counts.

use statrs::function::gamma::checked_gamma_ur;

use super::{Error, TestResult};
use crate::{ExactSum, distance};

/// How far the observed and the expected total may be apart, relative to the smaller one: the square root of the rounding unit.
const TOTAL_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// The probability that a chi-square variable exceeds `statistic`. NaN without degrees of freedom, or of NaN.
///
/// Source: `scipy.stats.chi2.sf(statistic, degrees_of_freedom)`.
#[must_use]
pub fn chi_square_survival(statistic: f64, degrees_of_freedom: f64) -> f64 {
    if statistic.is_nan() || !degrees_of_freedom.is_finite() || degrees_of_freedom <= 0.0 {
        return f64::NAN;
    }
    if statistic <= 0.0 {
        return 1.0;
    }
    if statistic.is_infinite() {
        return 0.0;
    }
    checked_gamma_ur(degrees_of_freedom / 2.0, statistic / 2.0).unwrap_or(f64::NAN)
}

/// Pearson's test of observed frequencies against expected ones, with one degree of freedom less than there are categories. Something
/// observed where nothing is expected has an infinite statistic and a p-value of zero.
///
/// # Errors
/// [`Error::Bins`], [`Error::Frequency`], [`Error::Empty`], [`Error::EmptyCategory`] or [`Error::Totals`].
///
/// Source: `scipy.stats.chisquare(observed, expected)`.
pub fn chisquare(observed: &[f64], expected: &[f64]) -> Result<TestResult, Error> {
    let [n_observed, n_expected] =
        [observed, expected].map(|frequencies| frequencies.iter().copied().collect::<ExactSum>().value());
    let statistic = distance::chi_square(observed, expected).map_err(|error| match error {
        distance::Error::Bins { reference, current } => Error::Bins { expected: 1, reference, current },
        distance::Error::Share { found } | distance::Error::NotFinite { found } => Error::Frequency { found },
        distance::Error::Empty => {
            Error::Empty { reference: u64::from(n_expected > 0.0), current: u64::from(n_observed > 0.0) }
        }
    })?;
    let is_empty = |(observed, expected): (&f64, &f64)| *observed <= 0.0 && *expected <= 0.0;
    if let Some(category) = observed.iter().zip(expected).position(is_empty) {
        return Err(Error::EmptyCategory { category });
    }
    if (n_observed - n_expected).abs() > TOTAL_TOLERANCE * n_observed.min(n_expected) {
        return Err(Error::Totals { observed: n_observed, expected: n_expected });
    }
    let p_value = chi_square_survival(statistic, observed.len() as f64 - 1.0);
    Ok(TestResult { statistic, p_value })
}

/// Pearson's test of whether two samples have the same shares of categories, with Yates' correction if there are two of them.
///
/// # Errors
/// [`Error::Bins`], [`Error::Empty`] or [`Error::EmptyCategory`].
///
/// Source: `scipy.stats.chi2_contingency([reference, current])`.
pub fn chi2_contingency(reference: &[u64], current: &[u64]) -> Result<TestResult, Error> {
    if reference.len() != current.len() {
        return Err(Error::Bins { expected: 1, reference: reference.len(), current: current.len() });
    }
    let rows = [reference, current].map(|row| row.iter().sum::<u64>());
    if rows.contains(&0) {
        return Err(Error::Empty { reference: rows[0], current: rows[1] });
    }
    let columns: Vec<u64> = reference.iter().zip(current).map(|(left, right)| left + right).collect();
    if let Some(category) = columns.iter().position(|&column| column == 0) {
        return Err(Error::EmptyCategory { category });
    }
    if columns.len() == 1 {
        return Ok(TestResult { statistic: 0.0, p_value: 1.0 });
    }
    let correction = if columns.len() == 2 { 0.5 } else { 0.0 };
    let share = |column: u64, row: u64| column as f64 * row as f64 / (rows[0] + rows[1]) as f64;
    let cells = [(reference, rows[0]), (current, rows[1])].into_iter().flat_map(|(counts, row)| {
        counts.iter().zip(&columns).map(move |(&count, &column)| (count as f64, share(column, row)))
    });
    let terms = cells.map(|(observed, expected)| {
        let difference = (expected - observed).abs();
        (difference - difference.min(correction)).powi(2) / expected
    });
    let statistic = terms.collect::<ExactSum>().value();
    Ok(TestResult { statistic, p_value: chi_square_survival(statistic, columns.len() as f64 - 1.0) })
}
