//! The guard against rows unlike those that the policy was made of: a range for each feature. Not a detector of drift, which is of many rows.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The ranges outside of which a row is always escalated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// By how much of what was seen each range is wider at either end: 0.1 is a tenth.
    pub margin: f64,
    /// One range for each feature, in the order in which a row's features come.
    pub ranges: Vec<Range>,
}

/// What values of a feature are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The feature's name.
    pub feature: String,
    /// The least value, margin included.
    pub min: f64,
    /// The greatest value, margin included.
    pub max: f64,
    /// Whether it may be missing, which is NaN in a row.
    pub may_be_missing: bool,
}

/// A feature out of its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside<'a> {
    /// The range.
    pub range: &'a Range,
    /// The value; NaN if there is none.
    pub found: f64,
}

impl Guard {
    /// The ranges of rows, each of which has one value for each of `features`.
    ///
    /// A feature without any finite value in the rows may only be missing.
    ///
    /// # Errors
    /// [`Error::Field`] for a margin below 0, [`Error::Row`] for a row with another number of values.
    pub fn of<'a>(
        features: &[String],
        margin: f64,
        rows: impl IntoIterator<Item = (usize, &'a [f64])>,
    ) -> Result<Self, Error> {
        if !(margin.is_finite() && margin >= 0.0) {
            return Err(Error::field("guard.margin", "a number of at least 0", margin));
        }
        let mut ranges: Vec<Range> = features.iter().map(|feature| Range::empty(feature)).collect();
        for (row, values) in rows {
            if values.len() != features.len() {
                let expected = format!("{} features", features.len());
                return Err(Error::Row { row, expected, found: values.len().to_string() });
            }
            ranges.iter_mut().zip(values).for_each(|(range, value)| range.see(*value));
        }
        ranges.iter_mut().for_each(|range| range.widen(margin));
        Ok(Self { margin, ranges })
    }

    /// The first feature that is out of its range; a feature that the row does not have is missing.
    #[must_use]
    pub fn outside(&self, features: &[f64]) -> Option<Outside<'_>> {
        let values = features.iter().copied().chain(std::iter::repeat(f64::NAN));
        let outside = |(range, found): (_, f64)| Outside { range, found };
        self.ranges.iter().zip(values).find(|(range, found)| !range.has(*found)).map(outside)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(self.margin.is_finite() && self.margin >= 0.0) {
            return Err(Error::field("guard.margin", "a number of at least 0", self.margin));
        }
        let wrong = self.ranges.iter().enumerate().find(|(_, range)| !range.is_sound());
        wrong.map_or(Ok(()), |(idx, range)| {
            let found = format!("{} to {}", range.min, range.max);
            Err(Error::field(format!("guard.ranges[{idx}]"), "two finite ends, the least first", found))
        })
    }
}

impl Range {
    /// The range of nothing: its ends are in the wrong order, so that no value lies within.
    fn empty(feature: &str) -> Self {
        Self {
            feature: feature.to_owned(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            may_be_missing: false,
        }
    }

    fn see(&mut self, value: f64) {
        if value.is_nan() {
            self.may_be_missing = true;
        } else if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
    }

    fn widen(&mut self, margin: f64) {
        if self.min > self.max {
            (self.min, self.max) = (0.0, 0.0);
            return;
        }
        let by = margin * (self.max - self.min);
        self.min = (self.min - by).max(f64::MIN);
        self.max = (self.max + by).min(f64::MAX);
    }

    fn has(&self, value: f64) -> bool {
        if value.is_nan() { self.may_be_missing } else { (self.min..=self.max).contains(&value) }
    }

    fn is_sound(&self) -> bool {
        self.min.is_finite() && self.max.is_finite() && self.min <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(margin: f64, rows: &[[f64; 2]]) -> Guard {
        let features = ["age".to_owned(), "income".to_owned()];
        let rows = rows.iter().enumerate().map(|(row, values)| (row, values.as_slice()));
        Guard::of(&features, margin, rows).unwrap()
    }

    #[test]
    fn the_first_feature_out_of_its_range_is_named() {
        let guard = guard(0.1, &[[20.0, 0.0], [30.0, f64::NAN]]);
        assert_eq!(guard.outside(&[19.0, 0.0]), None);
        assert_eq!(guard.outside(&[31.0, f64::NAN]), None);
        assert_eq!(guard.outside(&[31.5, 9.0]).unwrap().range.feature, "age");
        assert_eq!(guard.outside(&[30.0, 0.1]).unwrap().range.feature, "income");
        assert_eq!(guard.outside(&[f64::NAN, 0.0]).unwrap().range.feature, "age");
        assert_eq!(guard.outside(&[f64::INFINITY, 0.0]).unwrap().range.feature, "age");
        assert_eq!(guard.outside(&[]).unwrap().range.feature, "age");
    }

    #[test]
    fn a_row_with_another_number_of_features_is_named() {
        let error = Guard::of(&["age".to_owned()], 0.0, [(7, [1.0, 2.0].as_slice())]).unwrap_err();
        assert_eq!(error.to_string(), "row 7: expected 1 features, found 2");
        assert!(Guard::of(&[], -1.0, []).is_err());
    }
}
