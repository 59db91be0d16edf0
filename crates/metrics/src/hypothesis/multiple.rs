//! What p-values mean if there are many of them. Each function returns adjusted p-values in the order given; what is at most a level is
//! rejected at it.

use super::{Error, check_probabilities};

/// Times the number of tests. Bounds the probability of any false alarm.
///
/// # Errors
/// [`Error::Probability`].
///
/// Source: C. E. Bonferroni, 1936.
pub fn bonferroni(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check_probabilities(p_values)?;
    Ok(p_values.iter().map(|p| (p * p_values.len() as f64).min(1.0)).collect())
}

/// Step-down. Bounds the probability of any false alarm, and never rejects less than [`bonferroni`].
///
/// # Errors
/// [`Error::Probability`].
///
/// Source: S. Holm, 1979.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    let ranks = ascending(p_values)?.into_iter().zip((1..=p_values.len()).rev());
    let adjusted = ranks.scan(0.0_f64, |largest, ((idx, p), n_left)| {
        *largest = largest.max((p * n_left as f64).min(1.0));
        Some((idx, *largest))
    });
    Ok(in_order(adjusted))
}

/// Step-up. Bounds the expected share of false alarms among all alarms, if the tests are independent or positively dependent.
///
/// # Errors
/// [`Error::Probability`].
///
/// Source: Y. Benjamini and Y. Hochberg, 1995.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    let n_tests = p_values.len() as f64;
    let ranks = ascending(p_values)?.into_iter().rev().zip((1..=p_values.len()).rev());
    let adjusted = ranks.scan(1.0_f64, |smallest, ((idx, p), rank)| {
        *smallest = smallest.min(p / (rank as f64 / n_tests));
        Some((idx, *smallest))
    });
    Ok(in_order(adjusted))
}

/// In an order that was chosen without the data that is tested: each test counts if all before it do, and none pays for there being many. Bounds
/// the probability of any false alarm.
///
/// # Errors
/// [`Error::Probability`].
///
/// Source: P. Bauer, "Multiple Testing in Clinical Trials", 1991.
pub fn fixed_sequence(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check_probabilities(p_values)?;
    let adjusted = p_values.iter().scan(0.0_f64, |largest, &p| {
        *largest = largest.max(p);
        Some(*largest)
    });
    Ok(adjusted.collect())
}

fn ascending(p_values: &[f64]) -> Result<Vec<(usize, f64)>, Error> {
    check_probabilities(p_values)?;
    let mut ranked: Vec<_> = p_values.iter().copied().enumerate().collect();
    ranked.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    Ok(ranked)
}

fn in_order(adjusted: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
    let mut adjusted: Vec<_> = adjusted.collect();
    adjusted.sort_unstable_by_key(|&(idx, _)| idx);
    adjusted.into_iter().map(|(_, p)| p).collect()
}
