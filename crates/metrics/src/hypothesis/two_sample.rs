//! The two-sample Kolmogorov-Smirnov test, two-sided.

use std::iter::Peekable;

use super::{Error, TestResult, kolmogorov_survival, lattice};

/// Larger samples than this have no exact p-value unless it is asked for.
const MAX_AUTO_LEN: u64 = 10_000;

/// How a p-value is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KsMethod {
    /// Exactly for samples of at most 10 000 values, asymptotically for larger ones.
    #[default]
    Auto,
    /// From the number of lattice paths; asymptotically if the least common multiple of the lengths exceeds 31 bits.
    Exact,
    /// From the law of the one-sample statistic of `round(n m / (n + m))` values.
    Asymptotic,
}

/// The largest difference of two distribution functions as a fraction of whole numbers.
struct Difference {
    steps: u64,
    least_common_multiple: u64,
}

impl Difference {
    const fn value(&self) -> f64 {
        self.steps as f64 / self.least_common_multiple as f64
    }
}

/// The two-sided Kolmogorov-Smirnov test of two samples. Infinite values are values.
///
/// # Errors
/// [`Error::Empty`] or [`Error::NotANumber`].
///
/// Source: `scipy.stats.ks_2samp(reference, current, method=method)`.
pub fn ks_2samp(reference: &[f64], current: &[f64], method: KsMethod) -> Result<TestResult, Error> {
    let lens = (reference.len() as u64, current.len() as u64);
    if lens.0 == 0 || lens.1 == 0 {
        return Err(Error::Empty { reference: lens.0, current: lens.1 });
    }
    let difference = difference(&sorted(reference)?, &sorted(current)?);
    let exact = if is_exact(lens, method) { exact_p_value(lens, &difference) } else { None };
    let p_value = exact.unwrap_or_else(|| asymptotic_p_value(lens, difference.value()));
    Ok(TestResult { statistic: difference.value(), p_value })
}

/// The Kolmogorov-Smirnov statistic of counts over the same bins in ascending order: the largest difference of their cumulative shares. At
/// most the statistic of the samples themselves.
///
/// # Errors
/// [`Error::Bins`] or [`Error::Empty`].
pub fn ks_of_bins(reference: &[u64], current: &[u64]) -> Result<f64, Error> {
    if reference.len() != current.len() {
        return Err(Error::Bins { expected: 1, reference: reference.len(), current: current.len() });
    }
    let (n_reference, n_current) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n_reference == 0 || n_current == 0 {
        return Err(Error::Empty { reference: n_reference, current: n_current });
    }
    let cumulative = reference.iter().zip(current).scan((0, 0), |below, (reference, current)| {
        *below = (below.0 + reference, below.1 + current);
        Some(*below)
    });
    let shares = cumulative.map(|(r, c)| r as f64 / n_reference as f64 - c as f64 / n_current as f64);
    Ok(shares.map(f64::abs).fold(0.0, f64::max))
}

fn sorted(values: &[f64]) -> Result<Vec<f64>, Error> {
    if values.iter().any(|value| value.is_nan()) {
        return Err(Error::NotANumber);
    }
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

fn difference(reference: &[f64], current: &[f64]) -> Difference {
    let (n_reference, n_current) = (reference.len() as u64, current.len() as u64);
    let divisor = greatest_common_divisor(n_reference, n_current);
    let (reference_step, current_step) = (n_current / divisor, n_reference / divisor);
    let (mut references, mut currents) = (reference.iter().peekable(), current.iter().peekable());
    let (mut reference_height, mut current_height, mut steps) = (0, 0, 0_u64);
    while let (Some(&&r), Some(&&c)) = (references.peek(), currents.peek()) {
        let value = r.min(c);
        reference_height += n_taken(&mut references, value) * reference_step;
        current_height += n_taken(&mut currents, value) * current_step;
        steps = steps.max(u64::abs_diff(reference_height, current_height));
    }
    Difference { steps, least_common_multiple: n_reference * reference_step }
}

fn n_taken<'a>(values: &mut Peekable<impl Iterator<Item = &'a f64>>, limit: f64) -> u64 {
    let mut n_values = 0;
    while values.next_if(|&&value| value <= limit).is_some() {
        n_values += 1;
    }
    n_values
}

fn is_exact((n_reference, n_current): (u64, u64), method: KsMethod) -> bool {
    match method {
        KsMethod::Auto => n_reference.max(n_current) <= MAX_AUTO_LEN,
        KsMethod::Exact => {
            let divisor = greatest_common_divisor(n_reference, n_current);
            let reduced = (n_reference / divisor) as f64;
            reduced < f64::from(i32::MAX) / (n_current / divisor) as f64
        }
        KsMethod::Asymptotic => false,
    }
}

fn exact_p_value((n_reference, n_current): (u64, u64), difference: &Difference) -> Option<f64> {
    let p_value = if difference.steps == 0 {
        1.0
    } else if n_reference == n_current {
        lattice::p_outside_square(n_reference, difference.steps)
    } else {
        let divisor = greatest_common_divisor(n_reference, n_current);
        lattice::p_outside_rectangle((n_reference, n_current), divisor, difference.steps)
    };
    (0.0..=1.0).contains(&p_value).then_some(p_value)
}

fn asymptotic_p_value((n_reference, n_current): (u64, u64), statistic: f64) -> f64 {
    let (n, m) = (n_reference as f64, n_current as f64);
    kolmogorov_survival((n * m / (n + m)).round_ties_even(), statistic)
}

const fn greatest_common_divisor(mut left: u64, mut right: u64) -> u64 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_order_is_refused() {
        assert_eq!(ks_2samp(&[1.0, f64::NAN], &[1.0], KsMethod::Auto), Err(Error::NotANumber));
        let empty = Error::Empty { reference: 1, current: 0 };
        assert_eq!(ks_2samp(&[1.0], &[], KsMethod::Auto), Err(empty));
    }

    #[test]
    fn zeros_of_either_sign_are_equal() {
        let result = ks_2samp(&[0.0, 1.0], &[-0.0, 1.0], KsMethod::Exact).unwrap();
        assert_eq!(result, TestResult { statistic: 0.0, p_value: 1.0 });
    }

    #[test]
    fn bins_differ_by_their_cumulative_shares() {
        assert_eq!(ks_of_bins(&[1, 0, 1], &[0, 2, 2]), Ok(0.5));
        assert_eq!(ks_of_bins(&[0, 0], &[1, 1]), Err(Error::Empty { reference: 0, current: 2 }));
        assert!(ks_of_bins(&[1], &[1, 1]).is_err());
    }
}
