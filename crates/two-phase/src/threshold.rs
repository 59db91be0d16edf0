//! Which threshold keeps a promise: a risk with a confidence by fixed-sequence testing, or a budget by a rank. Not where scores come from.
//!
//! Rows are in two parts. Those to fit by choose which thresholds are tried and where the test begins; those to test on have been used for
//! nothing else, so that each threshold is a fixed one to them, and the count of wrong rows among accepted ones is binomial.

use metrics::{
    hypothesis::{allowed_errors, binomial_cdf, fixed_sequence, needed_trials, predictive_cdf},
    interval::{Confidence, clopper_pearson},
};

use crate::{
    error::{Error, percent},
    policy::OperatingPoint,
};

/// How many thresholds are tried at most, beside accepting every row.
const MAX_GRID: usize = 200;
/// How many rungs a ladder has at most.
const MAX_RUNGS: usize = 10;
/// Every how many thresholds the test may begin.
const START_EVERY: usize = 4;
/// The power that a stricter beginning of the test may cost.
const POWER_FOR_STRICTNESS: f64 = 0.01;

/// A row that a threshold accepts or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The confidence; none if the row is escalated at any threshold.
    pub confidence: Option<f64>,
    /// Whether the answer counts as wrong; none without a label.
    pub is_wrong: Option<bool>,
}

/// How many of some rows each threshold accepts, and how many of these are wrong.
#[derive(Clone, Debug)]
pub struct Acceptance {
    n_rows: usize,
    /// Descending.
    confidences: Vec<f64>,
    /// How many of the first rows are wrong, after each; none if a row has no label.
    n_wrong: Option<Vec<u64>>,
}

/// The promise to be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiskLimit {
    /// The share of accepted rows that may be wrong, between 0 and 1.
    pub max_risk: f64,
    /// With which probability the share may be greater nevertheless, between 0 and 1: one less the confidence, over the number of groups.
    pub level: f64,
}

impl Acceptance {
    /// Of some rows.
    #[must_use]
    pub fn of(rows: &[Scored]) -> Self {
        let mut accepted: Vec<(f64, Option<bool>)> =
            rows.iter().filter_map(|row| Some((row.confidence?, row.is_wrong))).collect();
        accepted.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        let mut total = 0;
        let n_wrong = accepted.iter().map(|(_, is_wrong)| {
            total += u64::from((*is_wrong)?);
            Some(total)
        });
        let n_wrong = n_wrong.collect();
        let confidences = accepted.iter().map(|(confidence, _)| *confidence).collect();
        Self { n_rows: rows.len(), confidences, n_wrong }
    }

    /// How many rows there are, accepted or not.
    #[must_use]
    pub const fn n_rows(&self) -> u64 {
        self.n_rows as u64
    }

    /// How many rows have this confidence or more.
    #[must_use]
    pub fn n_accepted(&self, threshold: f64) -> u64 {
        self.place(threshold) as u64
    }

    /// How many of the accepted rows are wrong; none without labels.
    #[must_use]
    pub fn n_wrong(&self, threshold: f64) -> Option<u64> {
        let n_wrong = self.n_wrong.as_ref()?;
        let last = self.place(threshold).checked_sub(1);
        Some(last.and_then(|last| n_wrong.get(last)).copied().unwrap_or_default())
    }

    fn place(&self, threshold: f64) -> usize {
        self.confidences.partition_point(|confidence| *confidence >= threshold)
    }

    /// What a threshold does, with the bound on its risk at a level.
    #[must_use]
    pub fn point(&self, threshold: f64, level: f64) -> OperatingPoint {
        let n_accepted = self.n_accepted(threshold);
        let n_wrong = self.n_wrong(threshold);
        let upper_bound = n_wrong.and_then(|n_wrong| {
            let confidence = Confidence::new(1.0 - 2.0 * level).ok()?;
            Some(clopper_pearson(n_wrong, n_accepted, confidence)?.upper)
        });
        let risk = n_wrong.filter(|_| n_accepted > 0).map(|n_wrong| n_wrong as f64 / n_accepted as f64);
        let coverage = n_accepted as f64 / self.n_rows.max(1) as f64;
        OperatingPoint { threshold, coverage, n_accepted, n_wrong, risk, upper_bound }
    }

    /// Confidences that part the accepted rows into at most `n_parts` of as many rows, descending.
    #[must_use]
    pub fn quantiles(&self, n_parts: usize) -> Vec<f64> {
        let n = self.confidences.len();
        let places = (1..=n_parts).filter_map(|part| (n * part).div_ceil(n_parts).checked_sub(1));
        let mut quantiles: Vec<f64> =
            places.filter_map(|place| self.confidences.get(place).copied()).collect();
        quantiles.dedup_by(|left, right| left.total_cmp(right).is_eq());
        quantiles
    }

    /// The thresholds that are tried, strict to loose, if these are the rows to fit by: their quantiles, and 0, which accepts every row that has a
    /// confidence.
    #[must_use]
    pub fn grid(&self) -> Vec<f64> {
        let mut grid = self.quantiles(MAX_GRID);
        grid.retain(|threshold| *threshold > 0.0);
        grid.push(0.0);
        grid
    }
}

/// The loosest threshold that keeps a promise: along `grid`, strict to loose, each threshold passes if the exact binomial test rejects that the
/// risk is greater, and the last before the first failure is taken. All that passed keep the promise at once, with probability
/// `1 - level`.
///
/// The test begins where the rows to fit by promise the greatest power: too strict a threshold accepts too few rows to reject anything.
///
/// Source: A. N. Angelopoulos et al., "Learn then Test", 2021, fixed-sequence testing; the beginning by an independent part of the data as in
/// B. Laufer-Goldenthal et al., "Efficiently Controlling Multiple Risks with Pareto Testing", 2023.
///
/// # Errors
/// [`Error::TooFewRows`], [`Error::NotKept`], or [`Error::Field`] for a promise that cannot be.
pub fn risk_threshold(fit: &Acceptance, test: &Acceptance, limit: RiskLimit) -> Result<f64, Error> {
    limit.check_rows(test.n_rows())?;
    let grid = fit.grid();
    let start = limit.start(&grid, fit, test.n_rows())?;
    let tried = grid.get(start..).unwrap_or_default();
    let p_values: Vec<f64> =
        tried.iter().map(|threshold| limit.p_value(test, *threshold)).collect::<Result<_, _>>()?;
    let adjusted = fixed_sequence(&p_values).map_err(|error| limit.refused(&error))?;
    let passed = tried.iter().zip(adjusted).take_while(|(_, p_value)| *p_value <= limit.level);
    passed
        .last()
        .map(|(threshold, _)| *threshold)
        .ok_or_else(|| limit.not_kept(test, tried.first().copied().unwrap_or_default()))
}

impl RiskLimit {
    /// Refuses so few rows that not even no wrong one would do.
    pub(crate) fn check_rows(self, n_test: u64) -> Result<(), Error> {
        let needed = needed_trials(0, self.max_risk, self.level).map_err(|error| self.refused(&error))?;
        let too_few = Error::TooFewRows {
            needed,
            found: n_test,
            max_risk: self.max_risk,
            confidence: self.confidence(),
        };
        if n_test >= needed { Ok(()) } else { Err(too_few) }
    }

    fn confidence(self) -> f64 {
        1.0 - self.level
    }

    fn refused(self, error: &metrics::hypothesis::Error) -> Error {
        let found = format!("{} at {}", percent(self.max_risk), self.confidence());
        Error::field("promise", error.to_string(), found)
    }

    /// Of the hypothesis that the threshold's risk is greater than the promised one.
    fn p_value(self, test: &Acceptance, threshold: f64) -> Result<f64, Error> {
        let n_accepted = test.n_accepted(threshold);
        let n_wrong = test.n_wrong(threshold).unwrap_or(n_accepted);
        binomial_cdf(n_wrong, n_accepted, self.max_risk).map_err(|error| self.refused(&error))
    }

    /// The index of the strictest threshold whose test is all but as likely to pass as any, by the rows to fit by. Only every fourth may be the
    /// beginning, and the last.
    fn start(self, grid: &[f64], fit: &Acceptance, n_test: u64) -> Result<usize, Error> {
        let last = grid.len().saturating_sub(1);
        let candidates = grid.iter().enumerate().filter(|(idx, _)| *idx == last || idx % START_EVERY == 0);
        let powers = candidates.map(|(idx, threshold)| Ok((idx, self.power(fit, *threshold, n_test)?)));
        let powers: Vec<(usize, f64)> = powers.collect::<Result<_, Error>>()?;
        let best = powers.iter().map(|(_, power)| *power).fold(0.0, f64::max);
        let is_start = |power: f64| power > 0.0 && power >= best - POWER_FOR_STRICTNESS;
        Ok(powers.into_iter().find(|(_, power)| is_start(*power)).map_or(last, |(idx, _)| idx))
    }

    /// How likely a threshold passes on `n_test` rows, by what it does to those to fit by.
    fn power(self, fit: &Acceptance, threshold: f64, n_test: u64) -> Result<f64, Error> {
        let n_fit = fit.n_accepted(threshold);
        let share = if fit.n_rows() == 0 { 1.0 } else { n_fit as f64 / fit.n_rows() as f64 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count of rows"
        )]
        let n_accepted = (n_test as f64 * share).floor() as u64;
        let n_wrong = fit.n_wrong(threshold).unwrap_or(n_fit);
        let allowed = allowed_errors(n_accepted, self.max_risk, self.level);
        let allowed = allowed.map_err(|error| self.refused(&error))?;
        Ok(allowed.map_or(0.0, |allowed| predictive_cdf(allowed, n_accepted, (n_wrong, n_fit - n_wrong))))
    }

    fn not_kept(self, test: &Acceptance, threshold: f64) -> Error {
        let n_accepted = test.n_accepted(threshold);
        Error::NotKept {
            max_risk: self.max_risk,
            confidence: self.confidence(),
            threshold,
            n_accepted,
            n_wrong: test.n_wrong(threshold).unwrap_or_default(),
            allowed: allowed_errors(n_accepted, self.max_risk, self.level).ok().flatten(),
        }
    }
}

/// The threshold below which a new row lies with probability `budget` at most, over these rows and the new one: the `⌊(n+1) budget⌋`-th
/// smallest confidence. Rows without a confidence are escalated at any threshold and spend the budget first. Needs no labels.
///
/// Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005: the rank of one of `n + 1` exchangeable numbers.
///
/// # Errors
/// [`Error::Budget`] if rows without a confidence are more than the budget.
pub fn budget_threshold(test: &Acceptance, budget: f64) -> Result<f64, Error> {
    let n_without = test.n_rows - test.confidences.len();
    let share = n_without as f64 / test.n_rows.max(1) as f64;
    if share > budget {
        let why = "out of range, or without a distribution";
        return Err(Error::Budget { budget, share, why });
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count of rows")]
    let rank = ((test.n_rows as f64 + 1.0) * budget).floor() as usize;
    let ascending = rank.checked_sub(n_without + 1);
    let place = ascending.map(|place| place.min(test.confidences.len().saturating_sub(1)));
    Ok(place.and_then(|place| test.confidences.iter().rev().nth(place)).copied().unwrap_or_default())
}

/// The threshold and stricter ones of `grid`, strict to loose, whose coverage falls by a tenth of the threshold's from rung to rung. The promise
/// holds for each rung that the test passed on its way to the threshold; those above its beginning were not tested.
#[must_use]
pub fn ladder(threshold: f64, grid: &[f64], test: &Acceptance, level: f64) -> Vec<OperatingPoint> {
    let first = test.point(threshold, level);
    let mut rungs = vec![first];
    for stricter in grid.iter().rev().filter(|stricter| **stricter > threshold) {
        let point = test.point(*stricter, level);
        let goal = first.coverage * (1.0 - rungs.len() as f64 / MAX_RUNGS as f64);
        if rungs.len() < MAX_RUNGS && point.n_accepted > 0 && point.coverage <= goal {
            rungs.push(point);
        }
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, is_wrong: impl Fn(usize) -> bool) -> Vec<Scored> {
        let row = |idx: usize| Scored {
            confidence: Some(1.0 - idx as f64 / n as f64),
            is_wrong: Some(is_wrong(idx)),
        };
        (0..n).map(row).collect()
    }

    const LIMIT: RiskLimit = RiskLimit { max_risk: 0.01, level: 0.05 };

    #[test]
    fn too_little_data_says_how_much_is_needed() {
        let few = Acceptance::of(&rows(298, |_| false));
        let error = risk_threshold(&few, &few, LIMIT).unwrap_err();
        assert!(
            error.to_string().starts_with("needs ≥ 299 accepted rows for 1 % at 0.95, found 298"),
            "{error}"
        );
        let enough = Acceptance::of(&rows(299, |_| false));
        assert_eq!(risk_threshold(&enough, &enough, LIMIT), Ok(0.0));
    }

    #[test]
    fn what_the_data_does_not_bear_out_is_an_error() {
        let wrong = Acceptance::of(&rows(2000, |idx| idx % 10 == 0));
        let error = risk_threshold(&wrong, &wrong, LIMIT).unwrap_err();
        assert!(matches!(error, Error::NotKept { .. }), "{error}");
        assert!(error.to_string().starts_with("no threshold keeps 1 % at 0.95"), "{error}");
    }

    /// Right in the surer half, wrong by turns in the other: the loosest threshold lies a little below the half.
    #[test]
    fn the_loosest_threshold_that_passes_is_taken() {
        let rows = Acceptance::of(&rows(4000, |idx| idx >= 2000 && idx % 2 == 0));
        let threshold = risk_threshold(&rows, &rows, LIMIT).unwrap();
        assert!(threshold < 0.5 && threshold > 0.48, "{threshold}");
        let point = rows.point(threshold, LIMIT.level);
        assert!(point.upper_bound.unwrap() <= 0.01, "{point:?}");
        let ladder = ladder(threshold, &rows.grid(), &rows, LIMIT.level);
        assert_eq!(ladder.len(), MAX_RUNGS);
        assert!(ladder.is_sorted_by(|left, right| left.threshold < right.threshold));
    }

    #[test]
    fn a_budget_is_a_rank() {
        let all = Acceptance::of(&rows(99, |_| false));
        assert_eq!(budget_threshold(&all, 0.0), Ok(0.0));
        let threshold = budget_threshold(&all, 0.2).unwrap();
        assert_eq!(99 - all.n_accepted(threshold), 19);
        let mut guarded = rows(99, |_| false);
        guarded.iter_mut().take(10).for_each(|row| row.confidence = None);
        let guarded = Acceptance::of(&guarded);
        let threshold = budget_threshold(&guarded, 0.2).unwrap();
        assert_eq!(99 - guarded.n_accepted(threshold), 19);
        assert!(matches!(budget_threshold(&guarded, 0.1), Err(Error::Budget { .. })));
    }
}
