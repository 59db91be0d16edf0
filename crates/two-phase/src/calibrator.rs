//! What turns a model's score into a confidence: how often an answer of that score is right. Its fit sees no row of the threshold's test.

use metrics::{
    calibration::{TemperatureScaling, log_probability},
    isotonic::{IsotonicRegression, Observation},
};
use serde::{Deserialize, Serialize};

use crate::{error::Error, score::Score};

/// Which calibrator to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// None: the confidence is the score.
    None,
    /// One temperature for all probabilities, before the score.
    #[default]
    Temperature,
    /// A rising line, after the score.
    Isotonic,
}

/// A fitted calibrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Calibrator {
    /// The confidence is the score.
    None,
    /// The confidence is the score of `softmax(log p / T)`.
    Temperature {
        /// The temperature.
        scaling: TemperatureScaling,
    },
    /// The confidence is a function of the score.
    Isotonic {
        /// The function's knots: score and confidence.
        knots: IsotonicRegression,
    },
}

/// A row to fit by.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The probabilities of all classes.
    pub distribution: &'a [f64],
    /// The index of the class that was right.
    pub right_class: usize,
    /// Whether the answer counts as wrong.
    pub is_wrong: bool,
}

impl Calibrator {
    /// Fits one.
    ///
    /// # Errors
    /// [`Error::Calibrator`] without rows, or if a right class is not among the probabilities'.
    pub fn fit(kind: Kind, score: Score, examples: &[Example<'_>]) -> Result<Self, Error> {
        match kind {
            Kind::None => Ok(Self::None),
            Kind::Temperature => fit_temperature(examples),
            Kind::Isotonic => fit_isotonic(score, examples),
        }
    }

    /// The confidence of a row's probabilities, between 0 and 1.
    #[must_use]
    pub fn confidence(&self, score: Score, distribution: &[f64]) -> f64 {
        match self {
            Self::None => score.of(distribution),
            Self::Temperature { scaling } => score.of(&scaling.probabilities(&logarithms(distribution))),
            Self::Isotonic { knots } => knots.predict(score.of(distribution)).clamp(0.0, 1.0),
        }
    }

    /// Refuses one that was not fitted but written: a temperature that is none, or confidences out of range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Temperature { scaling } => {
                let found = scaling.temperature();
                let is_temperature = found.is_finite() && found > 0.0;
                let error = || Error::field("calibrator.scaling", "a temperature above 0", found);
                if is_temperature { Ok(()) } else { Err(error()) }
            }
            Self::Isotonic { knots } => {
                let outside = knots.knots().iter().find(|knot| !(0.0..=1.0).contains(&knot.y));
                outside.map_or(Ok(()), |knot| {
                    Err(Error::field("calibrator.knots", "confidences between 0 and 1", knot.y))
                })
            }
        }
    }
}

fn logarithms(distribution: &[f64]) -> Vec<f64> {
    distribution.iter().map(|probability| log_probability(*probability)).collect()
}

fn fit_temperature(examples: &[Example<'_>]) -> Result<Calibrator, Error> {
    let logits: Vec<Vec<f64>> = examples.iter().map(|row| logarithms(row.distribution)).collect();
    let labels = examples.iter().map(|row| row.right_class);
    let rows: Vec<(&[f64], usize)> = logits.iter().map(Vec::as_slice).zip(labels).collect();
    let scaling = TemperatureScaling::fit(&rows);
    let scaling = scaling.map_err(|cause| unfit("temperature", &cause))?;
    Ok(Calibrator::Temperature { scaling })
}

fn fit_isotonic(score: Score, examples: &[Example<'_>]) -> Result<Calibrator, Error> {
    let observations = examples
        .iter()
        .map(|row| Observation::new(score.of(row.distribution), if row.is_wrong { 0.0 } else { 1.0 }));
    let knots = IsotonicRegression::fit(observations).map_err(|cause| unfit("isotonic", &cause))?;
    Ok(Calibrator::Isotonic { knots })
}

fn unfit(calibrator: &'static str, cause: &dyn std::fmt::Display) -> Error {
    Error::Calibrator { calibrator, cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(distribution: &[f64; 2], right_class: usize) -> Example<'_> {
        let is_wrong = (distribution[1] > distribution[0]) != (right_class == 1);
        Example { distribution, right_class, is_wrong }
    }

    /// Sure of 0.9, right in 3 of 4: the best temperature says 0.75.
    #[test]
    fn a_temperature_makes_confidences_frequencies() {
        let sure = [0.1, 0.9];
        let examples = [1, 1, 1, 0].map(|class| example(&sure, class));
        let fitted = Calibrator::fit(Kind::Temperature, Score::MaxProbability, &examples).unwrap();
        assert!((fitted.confidence(Score::MaxProbability, &sure) - 0.75).abs() < 1e-9);
        assert!((fitted.confidence(Score::Margin, &sure) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_isotonic_line_makes_any_score_a_frequency() {
        let (sure, unsure) = ([0.1, 0.9], [0.45, 0.55]);
        let mut examples = [1, 1, 1, 0].map(|class| example(&sure, class)).to_vec();
        examples.extend([0, 1].map(|class| example(&unsure, class)));
        let fitted = Calibrator::fit(Kind::Isotonic, Score::Margin, &examples).unwrap();
        assert!((fitted.confidence(Score::Margin, &sure) - 0.75).abs() < 1e-12);
        assert!((fitted.confidence(Score::Margin, &unsure) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_fit_is_an_error() {
        for kind in [Kind::Temperature, Kind::Isotonic] {
            assert!(matches!(Calibrator::fit(kind, Score::Entropy, &[]), Err(Error::Calibrator { .. })));
        }
        assert_eq!(Calibrator::fit(Kind::None, Score::Entropy, &[]), Ok(Calibrator::None));
    }
}
