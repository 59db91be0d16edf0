//! How many bins there are and where they lie, in NumPy's order of operations: one rounding more or less can add a bin.

use super::{Error, moments};

/// What kind of numbers a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtype {
    /// Floating-point numbers.
    #[default]
    Float,
    /// Whole numbers of an integer column. Since NumPy 2 its bins are at least 1 wide.
    Integer,
}

/// The smallest value, the largest one and their number.
struct Span {
    lower: f64,
    upper: f64,
    len: f64,
}

impl Span {
    fn of(finite: &[f64]) -> Result<Self, Error> {
        if finite.is_empty() {
            return Err(Error::Empty);
        }
        let lower = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let upper = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Ok(Self { lower, upper, len: finite.len() as f64 })
    }

    const fn peak_to_peak(&self) -> f64 {
        self.upper - self.lower
    }

    /// The range that the bins divide: a single value gets one of width 1.
    fn outer(&self) -> (f64, f64) {
        if self.lower < self.upper { (self.lower, self.upper) } else { (self.lower - 0.5, self.upper + 0.5) }
    }

    fn edges_of_width(&self, width: f64, dtype: Dtype) -> Result<Vec<f64>, Error> {
        let (lower, upper) = self.outer();
        let width = if dtype == Dtype::Integer && width < 1.0 && width > 0.0 { 1.0 } else { width };
        let n_bins = if width > 0.0 { ((upper - lower) / width).ceil() } else { 1.0 };
        linspace(lower, upper, n_bins)
    }
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

pub(super) fn equal_width(values: &[f64], n_bins: usize) -> Result<Vec<f64>, Error> {
    if n_bins == 0 {
        return Err(Error::NoBins { found: n_bins });
    }
    let (lower, upper) = Span::of(&finite(values))?.outer();
    linspace(lower, upper, n_bins as f64)
}

pub(super) fn sturges(values: &[f64], dtype: Dtype) -> Result<Vec<f64>, Error> {
    let span = Span::of(&finite(values))?;
    span.edges_of_width(span.peak_to_peak() / (libm::log2(span.len) + 1.0), dtype)
}

pub(super) fn doane(values: &[f64], dtype: Dtype) -> Result<Vec<f64>, Error> {
    let finite = finite(values);
    let span = Span::of(&finite)?;
    span.edges_of_width(doane_width(&span, &finite), dtype)
}

/// Source: D. P. Doane, "Aesthetic Frequency Classifications", 1976.
fn doane_width(span: &Span, finite: &[f64]) -> f64 {
    let deviation = moments::standard_deviation(finite);
    if span.len <= 2.0 || deviation.is_nan() || deviation <= 0.0 {
        return 0.0;
    }
    let skewness_deviation = (6.0 * (span.len - 2.0) / ((span.len + 1.0) * (span.len + 3.0))).sqrt();
    let skewness = moments::skewness(finite, deviation).abs();
    span.peak_to_peak() / (1.0 + libm::log2(span.len) + libm::log2(1.0 + skewness / skewness_deviation))
}

/// The edges of bins of one width, the last one exact.
///
/// Source: `numpy.linspace(lower, upper, n_bins + 1)`.
fn linspace(lower: f64, upper: f64, n_bins: f64) -> Result<Vec<f64>, Error> {
    let delta = upper - lower;
    let step = delta / n_bins;
    let n_representable = u32::MAX.into();
    if !step.is_finite() || step <= 0.0 || !(1.0..n_representable).contains(&n_bins) {
        return Err(Error::Range { n_bins, lower, upper });
    }
    let inner = (0_u32..).map(f64::from).take_while(|&idx| idx < n_bins).map(|idx| idx * step + lower);
    let edges: Vec<f64> = inner.chain([upper]).collect();
    let ascends = edges.iter().zip(edges.iter().skip(1)).all(|(left, right)| left < right);
    if ascends { Ok(edges) } else { Err(Error::Range { n_bins, lower, upper }) }
}

pub(super) fn inner_quantiles(values: &[f64], n_bins: usize) -> Result<Vec<f64>, Error> {
    if n_bins < 2 {
        return Err(Error::NoBins { found: n_bins });
    }
    let mut sorted = finite(values);
    sorted.sort_unstable_by(f64::total_cmp);
    let shares = (1..n_bins).map(|idx| idx as f64 / n_bins as f64);
    let quantiles: Option<Vec<f64>> = shares.map(|share| quantile(&sorted, share)).collect();
    let mut edges = quantiles.ok_or(Error::Empty)?;
    edges.dedup_by(|right, left| *right <= *left);
    Ok(edges)
}

/// The value below which a share of the values lies, between two of them by linear interpolation. `None` if there are no values or the
/// share is not in \[0, 1\].
///
/// Source: `numpy.quantile(sorted, share)`.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let rank = sorted.len().checked_sub(1)? as f64 * share;
    let below = rank.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is below the length")]
    let below_idx = below as usize;
    let left = *sorted.get(below_idx)?;
    let right = sorted.get(below_idx + 1).copied().unwrap_or(left);
    Some(interpolated(left, right, rank - below))
}

fn interpolated(left: f64, right: f64, part: f64) -> f64 {
    let step = right - left;
    if part >= 0.5 { right - step * (1.0 - part) } else { left + step * part }
}
