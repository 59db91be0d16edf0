//! Isotonic regression: the non-decreasing line nearest to weighted observations, between whose knots one interpolates.
//!
//! Fits and predicts; whether a model's scores need it is asked in [`crate::calibration`].

use serde::{Deserialize, Serialize};

/// Observations whose `x` lie nearer than this to the first of their group count as one `x`.
///
/// Source: scikit-learn 1.9.1, `_make_unique`: the decimal resolution of a double.
const TIE_RESOLUTION: f64 = 1e-15;

/// Added to a number, makes -0 of it 0, so that a fit does not depend on which came first.
const POSITIVE_ZERO: f64 = 0.0;

/// One observation to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Where it was made, such as a score.
    pub x: f64,
    /// What was observed, such as a label of 0 or 1.
    pub y: f64,
    /// How much it counts; 0 leaves it out.
    pub weight: f64,
}

impl Observation {
    /// An observation of weight 1.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, weight: 1.0 }
    }
}

/// A point of a fitted line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knot {
    /// Where it lies.
    pub x: f64,
    /// The fitted value there.
    pub y: f64,
}

/// A fitted isotonic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Knot>", into = "Vec<Knot>")]
pub struct IsotonicRegression {
    // Invariant: at least one, all finite, `x` ascending, `y` never descending.
    knots: Vec<Knot>,
}

/// Why there is no isotonic regression.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing was observed, or nothing that weighs more than 0.
    #[error("expected at least one observation of a weight above 0, found none")]
    NoObservations,
    /// An observation that is infinite or none, or of negative weight.
    #[error("expected finite numbers and a weight of at least 0, found x {x}, y {y}, weight {weight}")]
    Observation {
        /// Its `x`.
        x: f64,
        /// Its `y`.
        y: f64,
        /// Its weight.
        weight: f64,
    },
    /// Knots that are no line of this kind.
    #[error(
        "expected finite knots with ascending x and y that never descends, found otherwise at knot {knot}"
    )]
    Knots {
        /// The index of the first that is out of place.
        knot: usize,
    },
}

impl IsotonicRegression {
    /// The least-squares fit among all non-decreasing functions. Observations of one `x` are averaged first; knots within a level are
    /// dropped.
    ///
    /// Source: pool adjacent violators (Ayer et al. 1955), ties by the secondary method of de Leeuw 1977; the same fit as scikit-learn's
    /// `IsotonicRegression(out_of_bounds="clip")`.
    ///
    /// # Errors
    /// [`Error::Observation`] or [`Error::NoObservations`]; [`Error::Knots`] if weighted sums go beyond the largest number.
    pub fn fit(observations: impl IntoIterator<Item = Observation>) -> Result<Self, Error> {
        let observations = observations.into_iter().filter_map(|row| checked(row).transpose());
        let mut observations = observations.collect::<Result<Vec<_>, _>>()?;
        observations.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        let blocks = pooled(tied(&observations));
        blocks.into_iter().flat_map(Block::knots).collect::<Vec<_>>().try_into()
    }

    /// The fitted value at `x`: interpolated linearly between knots, and the nearest knot's beyond them. NaN at NaN.
    #[must_use]
    pub fn predict(&self, x: f64) -> f64 {
        let above = self.knots.partition_point(|knot| knot.x <= x);
        let at_or_below = above.checked_sub(1).and_then(|idx| self.knots.get(idx));
        match (at_or_below, self.knots.get(above)) {
            _ if x.is_nan() => f64::NAN,
            (Some(low), Some(high)) => {
                let slope = (high.y - low.y) / (high.x - low.x);
                (slope * (x - low.x) + low.y).max(low.y).min(high.y)
            }
            (Some(nearest), None) | (None, Some(nearest)) => nearest.y,
            (None, None) => f64::NAN,
        }
    }

    /// Its knots, by ascending `x`.
    #[must_use]
    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }
}

impl TryFrom<Vec<Knot>> for IsotonicRegression {
    type Error = Error;

    fn try_from(knots: Vec<Knot>) -> Result<Self, Error> {
        if knots.is_empty() {
            return Err(Error::NoObservations);
        }
        let is_finite = |knot: &Knot| knot.x.is_finite() && knot.y.is_finite();
        if let Some(knot) = knots.iter().position(|knot| !is_finite(knot)) {
            return Err(Error::Knots { knot });
        }
        let descends = |(left, right): (&Knot, &Knot)| left.x >= right.x || left.y > right.y;
        match knots.iter().zip(knots.iter().skip(1)).position(descends) {
            Some(before) => Err(Error::Knots { knot: before + 1 }),
            None => Ok(Self { knots }),
        }
    }
}

impl From<IsotonicRegression> for Vec<Knot> {
    fn from(regression: IsotonicRegression) -> Self {
        regression.knots
    }
}

/// The observation, unless it weighs nothing.
fn checked(row: Observation) -> Result<Option<Observation>, Error> {
    let Observation { x, y, weight } = row;
    let is_sound = x.is_finite() && y.is_finite() && weight.is_finite() && weight >= 0.0;
    if !is_sound {
        return Err(Error::Observation { x, y, weight });
    }
    Ok((weight > 0.0).then_some(Observation { x: x + POSITIVE_ZERO, ..row }))
}

/// Neighbouring groups of one `x` each that share a fitted value.
#[derive(Clone, Copy)]
struct Block {
    first_x: f64,
    last_x: f64,
    weighted: f64,
    weight: f64,
}

impl Block {
    fn at(row: &Observation) -> Self {
        Self { first_x: row.x, last_x: row.x, weighted: row.y * row.weight, weight: row.weight }
    }

    fn y(&self) -> f64 {
        self.weighted / self.weight
    }

    fn followed_by(self, next: Self) -> Self {
        let (weighted, weight) = (self.weighted + next.weighted, self.weight + next.weight);
        Self { first_x: self.first_x, last_x: next.last_x, weighted, weight }
    }

    fn knots(self) -> impl Iterator<Item = Knot> {
        let last = (self.last_x > self.first_x).then_some(self.last_x);
        let y = self.y();
        [Some(self.first_x), last].into_iter().flatten().map(move |x| Knot { x, y })
    }
}

/// One block for each `x`, from observations by ascending `x`.
fn tied(observations: &[Observation]) -> Vec<Block> {
    let mut groups: Vec<Block> = Vec::new();
    for row in observations {
        match groups.last_mut().filter(|group| row.x - group.first_x < TIE_RESOLUTION) {
            Some(group) => *group = Block { last_x: group.last_x, ..group.followed_by(Block::at(row)) },
            None => groups.push(Block::at(row)),
        }
    }
    groups
}

/// Blocks whose values ascend strictly.
fn pooled(groups: Vec<Block>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for mut block in groups {
        while let Some(before) = blocks.pop_if(|before| before.y() >= block.y()) {
            block = before.followed_by(block);
        }
        blocks.push(block);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_to_fit_and_what_is_no_number_are_errors() {
        assert_eq!(IsotonicRegression::fit([]), Err(Error::NoObservations));
        let weightless = Observation { weight: 0.0, ..Observation::new(1.0, 1.0) };
        assert_eq!(IsotonicRegression::fit([weightless]), Err(Error::NoObservations));
        for observation in [
            Observation::new(f64::NAN, 0.0),
            Observation::new(0.0, f64::INFINITY),
            Observation { weight: -1.0, ..weightless },
        ] {
            assert!(matches!(IsotonicRegression::fit([observation]), Err(Error::Observation { .. })));
        }
    }

    #[test]
    fn sums_beyond_the_largest_number_are_errors() {
        let huge = [Observation::new(0.0, f64::MAX), Observation::new(1.0, f64::MAX)];
        assert_eq!(IsotonicRegression::fit(huge), Err(Error::Knots { knot: 0 }));
    }

    #[test]
    fn knots_are_read_back_only_if_they_ascend() {
        let line = IsotonicRegression::fit([Observation::new(0.0, 0.0), Observation::new(1.0, 0.5)]).unwrap();
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(text, r#"[{"x":0.0,"y":0.0},{"x":1.0,"y":0.5}]"#);
        assert_eq!(serde_json::from_str::<IsotonicRegression>(&text).unwrap(), line);
        let problem = serde_json::from_str::<IsotonicRegression>(r#"[{"x":1.0,"y":0.0},{"x":1.0,"y":0.5}]"#);
        assert!(problem.unwrap_err().to_string().contains("at knot 1"));
        assert!(serde_json::from_str::<IsotonicRegression>("[]").is_err());
    }

    #[test]
    fn nan_is_predicted_at_nan() {
        let line = IsotonicRegression::fit([Observation::new(0.0, 0.5)]).unwrap();
        assert!(line.predict(f64::NAN).is_nan());
        assert_eq!(line.predict(f64::INFINITY).to_bits(), 0.5_f64.to_bits());
    }

    fn observations() -> impl Strategy<Value = Vec<Observation>> {
        let observation = (0_i32..30, 0_i32..2, 1_i32..4);
        let observation = observation.prop_map(|(x, y, weight)| Observation {
            x: f64::from(x),
            y: f64::from(y),
            weight: f64::from(weight),
        });
        prop::collection::vec(observation, 1..60)
    }

    proptest! {
        #[test]
        fn predictions_never_descend_and_keep_the_mean(observations in observations()) {
            let line = IsotonicRegression::fit(observations.iter().copied()).unwrap();
            let predicted: Vec<f64> = (-10..320).map(|x| line.predict(f64::from(x) / 10.0)).collect();
            prop_assert!(predicted.is_sorted());
            let total = |value: &dyn Fn(&Observation) -> f64| observations.iter().map(|row| row.weight * value(row)).sum::<f64>();
            prop_assert!((total(&|row| row.y) - total(&|row| line.predict(row.x))).abs() < 1e-9);
        }

        #[test]
        fn order_does_not_matter(observations in observations()) {
            let line = IsotonicRegression::fit(observations.iter().copied()).unwrap();
            prop_assert_eq!(line, IsotonicRegression::fit(observations.iter().rev().copied()).unwrap());
        }
    }
}
