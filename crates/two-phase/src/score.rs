//! How sure a model is of its answer, from its probabilities. Not whether it is right to be: that is the calibrator's.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How far from 1 probabilities may add up, for models that answer in half precision.
const SUM_TOLERANCE: f64 = 0.01;

/// A number between 0 and 1 that is higher where the model is surer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The largest probability.
    #[default]
    MaxProbability,
    /// The largest probability less the second largest.
    Margin,
    /// One less the entropy as a share of what it can be: `1 - H(p) / ln K`.
    Entropy,
}

/// Why probabilities have no score.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NotADistribution {
    /// The wrong number of them.
    #[error("expected {expected} probabilities, or one of the second of two classes, found {found}")]
    Length {
        /// How many classes there are.
        expected: usize,
        /// How many probabilities were found.
        found: usize,
    },
    /// One that is no probability.
    #[error("expected a probability between 0 and 1 for class {class}, found {found}")]
    Value {
        /// The index of its class.
        class: usize,
        /// What it is.
        found: f64,
    },
    /// They do not add up.
    #[error("expected probabilities whose sum is 1, found the sum {found}")]
    Sum {
        /// What they add up to.
        found: f64,
    },
}

/// The probabilities of all classes. A single number is that of the second of two classes.
///
/// # Errors
/// [`NotADistribution`] if one is not between 0 and 1, their sum is not within 0.01 of 1, or there are not `n_classes`.
pub fn distribution(probabilities: &[f64], n_classes: usize) -> Result<Cow<'_, [f64]>, NotADistribution> {
    if let Some((class, &found)) =
        probabilities.iter().enumerate().find(|(_, found)| !is_probability(**found))
    {
        return Err(NotADistribution::Value { class, found });
    }
    match *probabilities {
        [positive] if n_classes == 2 => Ok(Cow::Owned(vec![1.0 - positive, positive])),
        _ if probabilities.len() != n_classes => {
            Err(NotADistribution::Length { expected: n_classes, found: probabilities.len() })
        }
        _ => with_sum_1(probabilities),
    }
}

fn is_probability(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

fn with_sum_1(probabilities: &[f64]) -> Result<Cow<'_, [f64]>, NotADistribution> {
    let found: f64 = probabilities.iter().sum();
    let adds_up = (found - 1.0).abs() <= SUM_TOLERANCE;
    if adds_up { Ok(Cow::Borrowed(probabilities)) } else { Err(NotADistribution::Sum { found }) }
}

impl Score {
    /// The score of a [`distribution`], between 0 and 1.
    ///
    /// Source: C. K. Chow, 1970 (largest probability); T. Scheffer et al., 2001 (margin); C. E. Shannon, 1948 (entropy).
    #[must_use]
    pub fn of(self, distribution: &[f64]) -> f64 {
        let score = match self {
            Self::MaxProbability => largest_two(distribution).0,
            Self::Margin => {
                let (first, second) = largest_two(distribution);
                first - second
            }
            Self::Entropy => 1.0 - entropy(distribution) / libm::log(distribution.len() as f64),
        };
        score.clamp(0.0, 1.0)
    }
}

fn largest_two(distribution: &[f64]) -> (f64, f64) {
    distribution.iter().fold(
        (0.0, 0.0),
        |(first, second), &it| {
            if it > first { (it, first) } else { (first, second.max(it)) }
        },
    )
}

/// In nats; a probability of 0 adds nothing.
fn entropy(distribution: &[f64]) -> f64 {
    let possible = distribution.iter().filter(|it| **it > 0.0);
    possible.map(|it| -it * libm::log(*it)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_the_second_of_two_classes() {
        assert_eq!(distribution(&[0.25], 2).unwrap().as_ref(), [0.75, 0.25]);
        let three = distribution(&[0.25], 3);
        assert_eq!(three, Err(NotADistribution::Length { expected: 3, found: 1 }));
    }

    #[test]
    fn what_is_no_distribution_has_no_score() {
        for found in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(matches!(distribution(&[found, 0.5], 2), Err(NotADistribution::Value { class: 0, .. })));
            assert!(distribution(&[found], 2).is_err());
        }
        assert_eq!(distribution(&[0.5, 0.25], 2), Err(NotADistribution::Sum { found: 0.75 }));
        assert_eq!(distribution(&[], 2), Err(NotADistribution::Length { expected: 2, found: 0 }));
        assert!(distribution(&[0.5, 0.495], 2).is_ok());
    }

    #[test]
    fn scores_of_certainty_and_of_none() {
        for score in [Score::MaxProbability, Score::Margin, Score::Entropy] {
            assert!((score.of(&[0.0, 1.0, 0.0]) - 1.0).abs() < 1e-15);
        }
        assert!(Score::Margin.of(&[0.25; 4]).abs() < 1e-15);
        assert!(Score::Entropy.of(&[0.25; 4]).abs() < 1e-15);
        assert!((Score::MaxProbability.of(&[0.25; 4]) - 0.25).abs() < 1e-15);
        assert!((Score::Margin.of(&[0.5, 0.125, 0.375]) - 0.125).abs() < 1e-15);
    }
}
