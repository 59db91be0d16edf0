//! The z-test of two shares.

use super::{Error, TestResult};

/// The two-sided z-test of whether two samples have the same share of successes, with the pooled variance; `(successes, trials)` each. NaN
/// if both samples have no success, or only successes.
///
/// # Errors
/// [`Error::Empty`], or [`Error::Probability`] of more successes than trials.
///
/// Source: `z = (p1 - p2) / sqrt(P (1 - P) (1 / n1 + 1 / n2))`.
pub fn two_proportions(reference: (u64, u64), current: (u64, u64)) -> Result<TestResult, Error> {
    if reference.1 == 0 || current.1 == 0 {
        return Err(Error::Empty { reference: reference.1, current: current.1 });
    }
    let share = |(successes, trials): (u64, u64)| successes as f64 / trials as f64;
    let (p1, p2) = (share(reference), share(current));
    super::check_probabilities(&[p1, p2])?;
    let pooled = share((reference.0 + current.0, reference.1 + current.1));
    let (n1, n2) = (reference.1 as f64, current.1 as f64);
    let statistic = (p1 - p2) / (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    Ok(TestResult { statistic, p_value: libm::erfc(statistic.abs() / std::f64::consts::SQRT_2) })
}
