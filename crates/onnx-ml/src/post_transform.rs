//! What is done to scores last: the five post transforms of the domain, and the two scores that one of a binary classifier becomes.
//! As ONNX Runtime has them, for the specification gives no formulas.

use crate::{Attributes, Result};

/// A post transform.
///
/// Source: ONNX, `ai.onnx.ml`, attribute `post_transform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostTransform {
    /// Scores as they are.
    None,
    /// Each score's share of the sum of exponentials.
    Softmax,
    /// The logistic function of each score.
    Logistic,
    /// Softmax over the scores that are not zero.
    SoftmaxZero,
    /// The standard normal distribution's quantile of each score.
    Probit,
}

/// The names of the post transforms, in the order of their numbers.
pub(crate) const POST_TRANSFORMS: [(&str, PostTransform); 5] = [
    ("NONE", PostTransform::None),
    ("SOFTMAX", PostTransform::Softmax),
    ("LOGISTIC", PostTransform::Logistic),
    ("SOFTMAX_ZERO", PostTransform::SoftmaxZero),
    ("PROBIT", PostTransform::Probit),
];

/// Below this, a score counts as zero for `SOFTMAX_ZERO`.
const ZERO: f32 = 1e-7;

/// The constant of Winitzki's approximation, and the π that ONNX Runtime has in it.
const WINITZKI: f32 = 0.147;
#[expect(clippy::approx_constant, reason = "the constant that ONNX Runtime has")]
const PI: f32 = 3.141_59;

impl PostTransform {
    /// The attribute `post_transform`.
    ///
    /// # Errors
    /// If it is none of the five.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        attributes.choice("post_transform", &POST_TRANSFORMS)
    }

    /// Transforms a row of two scores or more.
    pub fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Softmax => softmax(scores),
            Self::SoftmaxZero => softmax_zero(scores),
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }

    /// Transforms a row that may have a single score: only `PROBIT` changes it then.
    pub fn apply_to_row(self, scores: &mut [f32]) {
        if let [score] = scores {
            if self == Self::Probit {
                *score = probit(*score);
            }
        } else {
            self.apply(scores);
        }
    }
}

/// What the score of a binary classifier says of the other class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondClass {
    /// The score is a probability: the other is what is missing to one.
    Complement,
    /// The score is a margin: the other is its opposite.
    Opposite,
}

impl SecondClass {
    /// The scores of both classes. `LOGISTIC` and `PROBIT` take any score for a margin.
    pub fn pair(self, transform: PostTransform, score: f32) -> [f32; 2] {
        match (self, transform) {
            (_, PostTransform::Probit) => [-probit(score), probit(score)],
            (_, PostTransform::Logistic) => [logistic(-score), logistic(score)],
            (Self::Complement, _) => [1.0 - score, score],
            (Self::Opposite, _) => [-score, score],
        }
    }
}

/// The logistic function.
pub(crate) fn logistic(score: f32) -> f32 {
    let share = 1.0 / (1.0 + libm::expf(-score.abs()));
    if score < 0.0 { 1.0 - share } else { share }
}

/// Winitzki's approximation of the normal distribution's quantile.
fn probit(probability: f32) -> f32 {
    let x = 2.0 * probability - 1.0;
    let log = libm::logf((1.0 - x) * (1.0 + x));
    let v = 2.0 / (PI * WINITZKI) + 0.5 * log;
    let root = libm::sqrtf(libm::sqrtf(v * v - log / WINITZKI) - v);
    std::f32::consts::SQRT_2 * if x < 0.0 { -root } else { root }
}

fn softmax(scores: &mut [f32]) {
    let max = max(scores);
    let mut sum = 0.0;
    for score in &mut *scores {
        *score = libm::expf(*score - max);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn softmax_zero(scores: &mut [f32]) {
    let max = max(scores);
    let mut sum = 0.0;
    for score in &mut *scores {
        if score.abs() > ZERO {
            *score = libm::expf(*score - max);
            sum += *score;
        } else {
            *score *= libm::expf(-max);
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn max(scores: &[f32]) -> f32 {
    scores.iter().copied().fold(f32::MIN, f32::max)
}
