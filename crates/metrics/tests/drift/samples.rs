//! Samples as the golden files write them down.

use metrics::{
    dialect::{Error, Method, Outcome, Sample},
    histogram::Dtype,
};
use serde_json::Value;

use crate::golden::exacts;

/// A sample that owns its values.
pub(crate) enum Owned {
    Numbers(Vec<f64>, Dtype),
    Categories(Vec<Option<String>>),
}

impl Owned {
    pub(crate) fn read(sample: &Value) -> Self {
        let Some(categories) = sample["categories"].as_str() else {
            let dtype = if sample["integer"].as_bool().unwrap() { Dtype::Integer } else { Dtype::Float };
            return Self::Numbers(exacts(&sample["numbers"]), dtype);
        };
        Self::Categories(categories.chars().map(|name| (name != '.').then(|| name.to_string())).collect())
    }

    /// Calls `use_sample` with the sample.
    fn with<T>(&self, use_sample: impl FnOnce(Sample<'_>) -> T) -> T {
        match self {
            Self::Numbers(values, dtype) => use_sample(Sample::Numbers { values, dtype: *dtype }),
            Self::Categories(values) => {
                let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
                use_sample(Sample::Categories(&values))
            }
        }
    }
}

/// Calls `compare` with the samples of a case.
pub(crate) fn with_samples<T>(case: &Value, compare: impl FnOnce(Sample<'_>, Sample<'_>) -> T) -> T {
    let (reference, current) = (Owned::read(&case["reference"]), Owned::read(&case["current"]));
    reference.with(|reference| current.with(|current| compare(reference, current)))
}

/// What we say where a tool says `expected`; as many outcomes as the case has.
pub(crate) fn for_each_outcome(case: &Value, check: impl Fn(&str, Result<Outcome, Error>, &Value)) {
    let outcomes = case["outcomes"].as_object().unwrap();
    assert!(!outcomes.is_empty(), "{}", case["name"]);
    for (name, expected) in outcomes {
        let method: Method = name.parse().unwrap();
        let found = with_samples(case, |reference, current| method.compare(reference, current));
        check(name, found, expected);
    }
}
