//! What the values of each feature are counted by, frozen when the baseline is made: counts over the same bins merge exactly.

use metrics::histogram::{Categories, CategoryCounts, Counts, Edges, Tails};
use serde::{Deserialize, Serialize};

use crate::{
    row::{Row, Value},
    schema::{Feature, Kind, Schema},
};

/// How many categories of a feature are counted by name; the others are counted together.
const MOST_CATEGORIES: usize = 50;

/// The bins of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Quantiles of the baseline, open at both ends.
    Number(Edges),
    /// The most frequent categories of the baseline.
    Category(Categories),
    /// A feature of which the baseline has no value: only how many are there is counted.
    Absent,
}

/// Values of one feature, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureCounts {
    /// Numbers in bins.
    Number(Counts),
    /// Categories by name.
    Category(CategoryCounts),
    /// Values, and missing ones, of a feature without bins.
    Absent {
        /// How many were there.
        present: u64,
        /// How many were not.
        missing: u64,
    },
}

impl Bins {
    /// The bins of the feature at `idx`, by the quantiles or the most frequent categories among `rows`.
    #[must_use]
    pub fn of(feature: &Feature, idx: usize, rows: &[Row<'_>], n_bins: usize) -> Self {
        let values = rows.iter().filter_map(|row| row.features.get(idx).copied());
        match feature.kind {
            Kind::Number => {
                let numbers: Vec<f64> = values.filter_map(number).collect();
                let edges =
                    Edges::quantiles(&numbers, n_bins).and_then(|edges| edges.with_tails(Tails::Open));
                edges.map_or(Self::Absent, Self::Number)
            }
            Kind::Category => {
                let categories = Categories::most_frequent(values.filter_map(category), MOST_CATEGORIES);
                if categories.names().is_empty() { Self::Absent } else { Self::Category(categories) }
            }
        }
    }

    /// The bins of every feature.
    #[must_use]
    pub fn of_all(schema: &Schema, rows: &[Row<'_>], n_bins: usize) -> Vec<Self> {
        let features = schema.features.iter().enumerate();
        features.map(|(idx, feature)| Self::of(feature, idx, rows, n_bins)).collect()
    }

    /// Counts of nothing over these bins.
    #[must_use]
    pub fn empty(&self) -> FeatureCounts {
        match self {
            Self::Number(_) => FeatureCounts::Number(Counts::default()),
            Self::Category(_) => FeatureCounts::Category(CategoryCounts::default()),
            Self::Absent => FeatureCounts::Absent { present: 0, missing: 0 },
        }
    }
}

impl Bins {
    /// What lies in each cell, as people read it.
    #[must_use]
    pub fn cell_names(&self) -> Vec<String> {
        match self {
            Self::Number(edges) => ranges(edges.as_slice()),
            Self::Category(categories) => {
                categories.names().iter().cloned().chain(["other".to_owned()]).collect()
            }
            Self::Absent => vec!["present".to_owned()],
        }
    }
}

/// The ranges between edges that are open at both ends.
fn ranges(edges: &[f64]) -> Vec<String> {
    let first = edges.first().map(|edge| format!("< {}", short(*edge)));
    let between = edges.windows(2).filter_map(|pair| match pair {
        [lower, upper] => Some(format!("{} to {}", short(*lower), short(*upper))),
        _ => None,
    });
    let last = edges.last().map(|edge| format!("≥ {}", short(*edge)));
    first.into_iter().chain(between).chain(last).collect()
}

/// A number with four significant digits.
fn short(number: f64) -> String {
    let digits = format!("{number:.3e}").parse::<f64>().unwrap_or(number);
    format!("{digits}")
}

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) if number.is_finite() => Some(number),
        _ => None,
    }
}

fn category(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Category(name) => Some(name),
        _ => None,
    }
}

impl FeatureCounts {
    /// Counts a value over the bins that these counts are of. A value of another kind is a missing one.
    pub fn add(&mut self, bins: &Bins, value: Value<'_>) {
        match (self, bins, value) {
            (Self::Number(counts), Bins::Number(edges), Value::Number(number)) => counts.add(edges, number),
            (Self::Number(counts), ..) => counts.add_missing(),
            (Self::Category(counts), Bins::Category(categories), Value::Category(name)) => {
                counts.add(categories, name);
            }
            (Self::Category(counts), ..) => counts.add_missing(),
            (Self::Absent { missing, .. }, _, Value::Missing) => *missing += 1,
            (Self::Absent { present, .. }, ..) => *present += 1,
        }
    }

    /// Adds what was counted elsewhere over the same bins.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Number(counts), Self::Number(others)) => counts.merge(others),
            (Self::Category(counts), Self::Category(others)) => counts.merge(others),
            (
                Self::Absent { present, missing },
                Self::Absent { present: other_present, missing: other_missing },
            ) => {
                *present += other_present;
                *missing += other_missing;
            }
            // Counts over another kind of bins are of another baseline, and whoever merges profiles has to know that they are of one.
            _ => {}
        }
    }

    /// How many values lie in each bin: for categories, the last one is for all that have no bin of their own.
    #[must_use]
    pub fn cells(&self, bins: &Bins) -> Vec<u64> {
        match (self, bins) {
            (Self::Number(counts), Bins::Number(edges)) => padded(counts.bins(), edges.n_bins()),
            (Self::Category(counts), Bins::Category(categories)) => {
                let mut cells = padded(counts.counts(), categories.names().len());
                cells.push(counts.other());
                cells
            }
            (Self::Absent { present, .. }, _) => vec![*present],
            _ => Vec::new(),
        }
    }

    /// How many values are missing or not finite.
    #[must_use]
    pub const fn n_missing(&self) -> u64 {
        match self {
            Self::Number(counts) => counts.missing() + counts.not_finite(),
            Self::Category(counts) => counts.missing(),
            Self::Absent { missing, .. } => *missing,
        }
    }
}

fn padded(counts: &[u64], len: usize) -> Vec<u64> {
    let mut cells = counts.to_vec();
    cells.resize(len, 0);
    cells
}
