//! How far each feature has moved from its baseline, from counts alone, and for which of them that is more than chance.

use metrics::{
    distance::{self, LogBase},
    hypothesis,
};
use serde::{Deserialize, Serialize};

use crate::bins::{Bins, FeatureCounts};

/// When a feature counts as drifted: both of a size that matters and not by chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftRule {
    /// The least population stability index that matters.
    pub min_psi: f64,
    /// The share of drifted features, among those said to have drifted, that may be wrong: the level of the false discovery rate.
    pub false_discovery_rate: f64,
}

impl Default for DriftRule {
    fn default() -> Self {
        Self { min_psi: 0.1, false_discovery_rate: 0.05 }
    }
}

/// How far one feature has moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The population stability index over the baseline's bins, missing values as one of them, each count with half a value added.
    pub psi: Option<f64>,
    /// What the index reaches by chance in one of twenty windows of this size without drift.
    ///
    /// Source: B. Yurdakul, "Statistical Properties of Population Stability Index", 2018.
    pub psi_noise_floor: Option<f64>,
    /// The Jensen-Shannon distance with base 2, from 0 to 1.
    pub jensen_shannon: Option<f64>,
    /// The Kolmogorov-Smirnov statistic over the bins of a number.
    pub kolmogorov_smirnov: Option<f64>,
    /// The p-value of the chi-square test of homogeneity over the bins.
    pub p_value: Option<f64>,
    /// The same, adjusted for the number of features by Benjamini and Hochberg.
    pub adjusted_p_value: Option<f64>,
    /// The share of missing values in the baseline and now.
    pub missing_share: (f64, f64),
    /// What follows.
    pub verdict: Verdict,
}

/// Whether a feature has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too little data on one side to say anything.
    Unknown,
    /// Nothing that chance would not explain, or nothing of a size that matters.
    Stable,
    /// More than chance, and of a size that matters.
    Drifted,
}

/// The drift of every feature, in their order. The slices are as long as each other.
#[must_use]
pub fn drift(
    bins: &[Bins],
    baseline: &[FeatureCounts],
    current: &[FeatureCounts],
    rule: DriftRule,
) -> Vec<Drift> {
    let features = bins.iter().zip(baseline).zip(current);
    let mut drifts: Vec<Drift> = features.map(|((bins, from), to)| measured(bins, from, to)).collect();
    adjust(&mut drifts);
    for drift in &mut drifts {
        drift.verdict = verdict(drift, rule);
    }
    drifts
}

fn measured(bins: &Bins, baseline: &FeatureCounts, current: &FeatureCounts) -> Drift {
    let (from, to) = (with_missing(bins, baseline), with_missing(bins, current));
    let (n_from, n_to): (u64, u64) = (from.iter().sum(), to.iter().sum());
    let is_ordered = matches!(bins, Bins::Number(_));
    let shares = || Some((distance::shares(&from).ok()?, distance::shares(&to).ok()?));
    let smoothed = || {
        let smooth = |cells: &[u64]| distance::laplace_smoothed(cells, 0.5).ok();
        (n_from > 0 && n_to > 0).then(|| Some((smooth(&from)?, smooth(&to)?))).flatten()
    };
    let ks = || hypothesis::ks_of_bins(&baseline.cells(bins), &current.cells(bins)).ok();
    Drift {
        psi: smoothed().and_then(|(from, to)| distance::psi(&from, &to).ok()),
        psi_noise_floor: noise_floor(&from, &to),
        jensen_shannon: shares()
            .and_then(|(from, to)| distance::jensen_shannon(&from, &to, LogBase::Two).ok()),
        kolmogorov_smirnov: if is_ordered { ks() } else { None },
        p_value: homogeneity(&from, &to),
        adjusted_p_value: None,
        missing_share: (share(baseline.n_missing(), n_from), share(current.n_missing(), n_to)),
        verdict: Verdict::Unknown,
    }
}

/// The cells of a feature, then its missing values.
pub(crate) fn with_missing(bins: &Bins, counts: &FeatureCounts) -> Vec<u64> {
    let mut cells = counts.cells(bins);
    cells.push(counts.n_missing());
    cells
}

fn noise_floor(from: &[u64], to: &[u64]) -> Option<f64> {
    let n_used = from.iter().zip(to).filter(|&(from, to)| from + to > 0).count();
    let lens = (from.iter().sum::<u64>() as f64, to.iter().sum::<u64>() as f64);
    hypothesis::psi_noise_floor(n_used, lens, 0.95).ok()
}

/// Cells that are empty on both sides say nothing and are left out.
fn homogeneity(from: &[u64], to: &[u64]) -> Option<f64> {
    let used = from.iter().zip(to).filter(|&(from, to)| from + to > 0);
    let (from, to): (Vec<u64>, Vec<u64>) = used.map(|(&from, &to)| (from, to)).unzip();
    if from.iter().sum::<u64>() == 0 || to.iter().sum::<u64>() == 0 {
        return None;
    }
    if from.len() < 2 {
        return Some(1.0);
    }
    hypothesis::chi2_contingency(&from, &to).ok().map(|result| result.p_value)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn adjust(drifts: &mut [Drift]) {
    let known: Vec<f64> = drifts.iter().filter_map(|drift| drift.p_value).collect();
    let mut adjusted = hypothesis::benjamini_hochberg(&known).unwrap_or_default().into_iter();
    for drift in drifts.iter_mut().filter(|drift| drift.p_value.is_some()) {
        drift.adjusted_p_value = adjusted.next();
    }
}

fn verdict(drift: &Drift, rule: DriftRule) -> Verdict {
    let (Some(psi), Some(floor), Some(p_value)) = (drift.psi, drift.psi_noise_floor, drift.adjusted_p_value)
    else {
        return Verdict::Unknown;
    };
    let is_large = psi >= rule.min_psi.max(floor);
    if is_large && p_value <= rule.false_discovery_rate { Verdict::Drifted } else { Verdict::Stable }
}

impl Drift {
    /// Of nothing.
    #[must_use]
    pub(crate) const fn unknown() -> Self {
        Self {
            psi: None,
            psi_noise_floor: None,
            jensen_shannon: None,
            kolmogorov_smirnov: None,
            p_value: None,
            adjusted_p_value: None,
            missing_share: (0.0, 0.0),
            verdict: Verdict::Unknown,
        }
    }
}
