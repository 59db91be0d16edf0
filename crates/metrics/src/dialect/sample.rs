//! The two samples that are compared, and what is left of them without missing values.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{Error, Method};
use crate::histogram::Dtype;

/// A column of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample<'a> {
    /// Numbers; NaN is a missing one.
    Numbers {
        /// The numbers, in the order of the rows.
        values: &'a [f64],
        /// Whether the column is one of integers, for which some tools make other bins.
        dtype: Dtype,
    },
    /// Categories; `None` is a missing one.
    Categories(&'a [Option<&'a str>]),
}

impl<'a> Sample<'a> {
    /// Its numbers that `keep` keeps.
    pub(super) fn numbers(self, method: Method, keep: impl Fn(f64) -> bool) -> Result<Vec<f64>, Error> {
        match self {
            Self::Numbers { values, .. } => Ok(values.iter().copied().filter(|&value| keep(value)).collect()),
            Self::Categories(_) => Err(Error::Kind { method, expected: "numbers" }),
        }
    }

    /// Its categories without missing ones.
    pub(super) fn categories(self, method: Method) -> Result<Vec<&'a str>, Error> {
        match self {
            Self::Categories(values) => Ok(values.iter().copied().flatten().collect()),
            Self::Numbers { .. } => Err(Error::Kind { method, expected: "categories" }),
        }
    }

    pub(super) const fn is_numbers(self) -> bool {
        matches!(self, Self::Numbers { .. })
    }

    /// Whether it is a column of integers, none of them missing.
    pub(super) fn is_integer(self) -> bool {
        match self {
            Self::Numbers { values, dtype } => {
                dtype == Dtype::Integer && values.iter().all(|value| value.is_finite())
            }
            Self::Categories(_) => false,
        }
    }

    /// Rows without a finite number or a category.
    pub(super) fn n_missing(self) -> u64 {
        match self {
            Self::Numbers { values, .. } => values.iter().filter(|value| !value.is_finite()).count() as u64,
            Self::Categories(values) => values.iter().filter(|value| value.is_none()).count() as u64,
        }
    }

    /// The pieces of `len` rows each that a sample consists of; the last one may be shorter.
    pub(super) fn chunks(self, len: usize) -> Vec<Self> {
        match self {
            Self::Numbers { values, dtype } => {
                values.chunks(len.max(1)).map(|values| Self::Numbers { values, dtype }).collect()
            }
            Self::Categories(values) => values.chunks(len.max(1)).map(Self::Categories).collect(),
        }
    }

    pub(super) const fn n_rows(self) -> usize {
        match self {
            Self::Numbers { values, .. } => values.len(),
            Self::Categories(values) => values.len(),
        }
    }
}

/// Checks that there are values in both samples.
pub(super) const fn check_lens(reference: usize, current: usize) -> Result<(), Error> {
    if reference == 0 || current == 0 { Err(Error::Empty { reference, current }) } else { Ok(()) }
}

/// How often each distinct value occurs in the reference and in the current sample, by ascending value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) reference: Vec<u64>,
    pub(super) current: Vec<u64>,
}

impl Tally {
    /// Of what is left of two samples of one kind without missing values, infinite ones among them.
    pub(super) fn of(method: Method, reference: Sample<'_>, current: Sample<'_>) -> Result<Self, Error> {
        if reference.is_numbers() {
            let key = |sample: Sample<'_>| -> Result<Vec<Ordered>, Error> {
                Ok(sample.numbers(method, f64::is_finite)?.into_iter().map(Ordered::new).collect())
            };
            Self::of_keys(&key(reference)?, &key(current)?)
        } else {
            Self::of_categories(method, reference, current)
        }
    }

    /// Of what is left of two samples of categories.
    pub(super) fn of_categories(
        method: Method,
        reference: Sample<'_>,
        current: Sample<'_>,
    ) -> Result<Self, Error> {
        Self::of_keys(&reference.categories(method)?, &current.categories(method)?)
    }

    fn of_keys<K: Ord>(reference: &[K], current: &[K]) -> Result<Self, Error> {
        check_lens(reference.len(), current.len())?;
        let mut counts: BTreeMap<&K, (u64, u64)> = BTreeMap::new();
        reference.iter().for_each(|key| counts.entry(key).or_default().0 += 1);
        current.iter().for_each(|key| counts.entry(key).or_default().1 += 1);
        let (reference, current) = counts.into_values().unzip();
        Ok(Self { reference, current })
    }

    /// The distinct values of both samples.
    pub(super) const fn n_values(&self) -> usize {
        self.reference.len()
    }

    /// The distinct values of the reference.
    pub(super) fn n_reference_values(&self) -> usize {
        self.reference.iter().filter(|&&count| count > 0).count()
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        (self.reference.iter().sum(), self.current.iter().sum())
    }
}

/// A number with an order, in which both zeros are one.
#[derive(Clone, Copy, Debug)]
struct Ordered(f64);

impl Ordered {
    fn new(number: f64) -> Self {
        Self(number + 0.0)
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_of_both_samples_are_counted() {
        let numbers = |values| Sample::Numbers { values, dtype: Dtype::Float };
        let reference = numbers(&[0.0, -0.0, 2.0, f64::NAN, f64::INFINITY]);
        let tally = Tally::of(Method::EvidentlyPsi, reference, numbers(&[-1.0, 2.0, 2.0])).unwrap();
        assert_eq!(tally, Tally { reference: vec![0, 2, 1], current: vec![1, 0, 2] });
        let categories = Sample::Categories(&[Some("a")]);
        assert!(Tally::of(Method::EvidentlyPsi, reference, categories).is_err());
        let empty = Tally::of(Method::EvidentlyPsi, categories, Sample::Categories(&[None]));
        assert_eq!(empty, Err(Error::Empty { reference: 1, current: 0 }));
    }
}
