//! Tests of whether a rate is at most what was promised, from a count of errors. Not intervals, which are [`crate::interval`]'s.

use statrs::function::beta::checked_beta_reg;

use super::{Error, check_probabilities};

/// The probability of at most `n_successes` among `n` trials of probability `probability`: as a p-value, that of the hypothesis that errors
/// have that probability or more, when so few were seen.
///
/// Source: `P(X ≤ k) = I_{1-p}(n - k, k + 1)`, the regularised incomplete beta function.
///
/// # Errors
/// [`Error::Probability`].
pub fn binomial_cdf(n_successes: u64, n: u64, probability: f64) -> Result<f64, Error> {
    check_probabilities(&[probability])?;
    let Some(n_failures) = n.checked_sub(n_successes).filter(|n| *n > 0) else { return Ok(1.0) };
    if probability <= 0.0 || probability >= 1.0 {
        return Ok(if probability <= 0.0 { 1.0 } else { 0.0 });
    }
    let (failures, successes) = (n_failures as f64, n_successes as f64);
    if n_successes == 0 {
        return Ok(libm::exp(failures * libm::log1p(-probability)));
    }
    checked_beta_reg(failures, successes + 1.0, 1.0 - probability)
        .map_err(|_| Error::Probability { found: probability })
}

/// The p-value of the hypothesis that a loss between 0 and 1 has a mean of `max_mean` or more, when the mean of `n` losses is `mean`: the lesser of
/// Hoeffding's and Bentkus's. For errors, which are 0 or 1, [`binomial_cdf`] is exact.
///
/// Source: A. N. Angelopoulos et al., "Learn then Test", 2021, section 3.2: `min(exp(-n h(min(r, α), α)), e · P(Bin(n, α) ≤ ⌈n r⌉))` with
/// `h(a, b) = a ln(a/b) + (1-a) ln((1-a)/(1-b))`; agrees with `compute_hoeffding_bentkus_p_value` of MAPIE 1.5.
///
/// # Errors
/// [`Error::Probability`] unless the mean is between 0 and 1, and the promise too, ends excluded.
pub fn hoeffding_bentkus(mean: f64, n: u64, max_mean: f64) -> Result<f64, Error> {
    check_probabilities(&[mean, max_mean])?;
    if max_mean <= 0.0 || max_mean >= 1.0 {
        return Err(Error::Probability { found: max_mean });
    }
    let hoeffding = libm::exp(-(n as f64) * relative_entropy(mean.min(max_mean), max_mean));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a count of trials"
    )]
    let n_lost = (n as f64 * mean).ceil() as u64;
    let bentkus = std::f64::consts::E * binomial_cdf(n_lost, n, max_mean)?;
    Ok(hoeffding.min(bentkus))
}

/// Of a coin of rate `a` from one of rate `b`, in nats.
fn relative_entropy(a: f64, b: f64) -> f64 {
    let seen = if a > 0.0 { a * libm::log(a / b) } else { 0.0 };
    let rest = if a < 1.0 { (1.0 - a) * libm::log((1.0 - a) / (1.0 - b)) } else { 0.0 };
    seen + rest
}

/// The fewest trials of which `n_errors` may be errors, so that the hypothesis of a rate of `max_rate` or more is rejected at `level`: the least `n`
/// with `P(Bin(n, max_rate) ≤ n_errors) ≤ level`. Without an error it is `⌈ln(level) / ln(1 - max_rate)⌉`: 299 for 1 % at 0.05.
///
/// # Errors
/// [`Error::Probability`] unless both are between 0 and 1, ends excluded; also if not even 2⁵³ trials would do.
pub fn needed_trials(n_errors: u64, max_rate: f64, level: f64) -> Result<u64, Error> {
    for found in [max_rate, level] {
        if !(found > 0.0 && found < 1.0) {
            return Err(Error::Probability { found });
        }
    }
    let is_enough = |n: u64| Ok::<_, Error>(binomial_cdf(n_errors, n, max_rate)? <= level);
    let mut too_few = n_errors;
    let mut enough = n_errors.saturating_add(1);
    while !is_enough(enough)? {
        if enough > MOST_TRIALS {
            return Err(Error::Probability { found: max_rate });
        }
        (too_few, enough) = (enough, enough.saturating_mul(2));
    }
    while enough - too_few > 1 {
        let middle = u64::midpoint(too_few, enough);
        if is_enough(middle)? { enough = middle } else { too_few = middle }
    }
    Ok(enough)
}

/// Beyond this many trials not every count is a float.
const MOST_TRIALS: u64 = 1 << 53;

/// The most errors among `n` trials with which the hypothesis of a rate of `max_rate` or more is rejected at `level`; none if not even no error is
/// few enough.
///
/// # Errors
/// [`Error::Probability`] unless the rate is between 0 and 1.
pub fn allowed_errors(n: u64, max_rate: f64, level: f64) -> Result<Option<u64>, Error> {
    let is_few = |n_errors: u64| Ok::<_, Error>(binomial_cdf(n_errors, n, max_rate)? <= level);
    if !is_few(0)? {
        return Ok(None);
    }
    // A median is the mean rounded up at most: at a level below one half no more errors are few.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of trials"
    )]
    let mean = (n as f64 * max_rate).ceil() as u64;
    let (mut few, mut many) = (0, if level < 0.5 { mean.clamp(1, n.max(1)) } else { n });
    while many - few > 1 {
        let middle = u64::midpoint(few, many);
        if is_few(middle)? { few = middle } else { many = middle }
    }
    Ok(Some(few))
}

/// The probability of at most `n_successes` among `n` trials, when `seen` successes and failures are all that is known of their probability: that of a
/// beta-binomial distribution, from Jeffreys's prior.
///
/// Source: `P(X = j) = C(n, j) B(j + a, n - j + b) / B(a, b)` with `a = successes + 1/2`, `b = failures + 1/2`, by the ratio of neighbouring terms.
#[must_use]
pub fn predictive_cdf(n_successes: u64, n: u64, seen: (u64, u64)) -> f64 {
    if n_successes >= n {
        return 1.0;
    }
    let (a, b, n) = (seen.0 as f64 + 0.5, seen.1 as f64 + 0.5, n as f64);
    let mut log_term = libm::lgamma(b + n) - libm::lgamma(a + b + n) - libm::lgamma(b) + libm::lgamma(a + b);
    let mut sum = libm::exp(log_term);
    for successes in 0..n_successes {
        let j = successes as f64;
        log_term += libm::log((n - j) / (j + 1.0) * ((a + j) / (b + n - j - 1.0)));
        sum += libm::exp(log_term);
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_percent_needs_299_trials() {
        assert_eq!(needed_trials(0, 0.01, 0.05), Ok(299));
        assert_eq!(needed_trials(0, 0.05, 0.05), Ok(59));
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(needed_trials(0, wrong, 0.05).is_err());
            assert!(needed_trials(0, 0.01, wrong).is_err());
        }
    }

    #[test]
    fn the_ends_of_the_distribution() {
        assert_eq!(binomial_cdf(5, 5, 0.3), Ok(1.0));
        assert_eq!(binomial_cdf(7, 5, 0.3), Ok(1.0));
        assert_eq!(binomial_cdf(0, 0, 0.3), Ok(1.0));
        assert_eq!(binomial_cdf(2, 5, 0.0), Ok(1.0));
        assert_eq!(binomial_cdf(2, 5, 1.0), Ok(0.0));
        assert!(binomial_cdf(2, 5, f64::NAN).is_err());
        assert_eq!(allowed_errors(298, 0.01, 0.05), Ok(None));
        assert_eq!(allowed_errors(299, 0.01, 0.05), Ok(Some(0)));
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_what_needs_no_more_trials(n in 1_u64..3000, max_rate in 0.005..0.5_f64, level in 0.001..0.2_f64) {
            match allowed_errors(n, max_rate, level).unwrap() {
                None => prop_assert!(needed_trials(0, max_rate, level).unwrap() > n),
                Some(n_errors) => {
                    prop_assert!(needed_trials(n_errors, max_rate, level).unwrap() <= n);
                    prop_assert!(needed_trials(n_errors + 1, max_rate, level).unwrap() > n);
                }
            }
        }
    }
}
