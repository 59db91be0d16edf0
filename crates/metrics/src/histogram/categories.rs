//! How many values each category has. New categories are counted together, so that counts stay bounded.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::counts::merge_counts;

/// The frozen categories that are counted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Categories {
    // Invariant: ascending, each once.
    names: Vec<String>,
}

impl From<Vec<String>> for Categories {
    fn from(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self { names }
    }
}

impl From<Categories> for Vec<String> {
    fn from(categories: Categories) -> Self {
        categories.names
    }
}

impl Categories {
    /// The `limit` most frequent categories; of equally frequent ones, the first by name.
    #[must_use]
    pub fn most_frequent<'a>(values: impl IntoIterator<Item = &'a str>, limit: usize) -> Self {
        let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
        values.into_iter().for_each(|value| *tally.entry(value).or_default() += 1);
        let mut by_count: Vec<_> = tally.into_iter().collect();
        by_count.sort_by_key(|&(_, count)| Reverse(count));
        let names: Vec<String> = by_count.into_iter().take(limit).map(|(name, _)| name.to_owned()).collect();
        names.into()
    }

    /// Their names, ascending.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// How many values each frozen category has, and how many have another one or none. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCounts {
    counts: Vec<u64>,
    other: u64,
    missing: u64,
}

impl CategoryCounts {
    /// Counts a value. The categories are those of every other value.
    pub fn add(&mut self, categories: &Categories, value: &str) {
        self.counts.resize(categories.names.len(), 0);
        let idx = categories.names.binary_search_by(|name| name.as_str().cmp(value));
        let count = idx.ok().and_then(|idx| self.counts.get_mut(idx)).unwrap_or(&mut self.other);
        *count += 1;
    }

    /// Counts a missing value.
    pub const fn add_missing(&mut self) {
        self.missing += 1;
    }

    /// Adds what was counted elsewhere over the same categories.
    pub fn merge(&mut self, other: &Self) {
        merge_counts(&mut self.counts, &other.counts);
        self.other += other.other;
        self.missing += other.missing;
    }

    /// Values of each category, in the order of their names; shorter if nothing was counted.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Values of other categories.
    #[must_use]
    pub const fn other(&self) -> u64 {
        self.other
    }

    /// Missing values.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(categories: &Categories, values: &[&str]) -> CategoryCounts {
        let mut counts = CategoryCounts::default();
        values.iter().for_each(|value| counts.add(categories, value));
        counts
    }

    #[test]
    fn the_most_frequent_are_counted_by_name() {
        let categories = Categories::most_frequent(["b", "c", "a", "c", "b", "d"], 3);
        assert_eq!(categories.names(), ["a", "b", "c"]);
        let mut counts = counted(&categories, &["c", "d", "", "a", "c"]);
        counts.add_missing();
        assert_eq!((counts.counts(), counts.other(), counts.missing()), (&[1, 0, 2][..], 2, 1));
    }

    #[test]
    fn categories_are_put_in_order_when_they_are_read() {
        let categories: Categories = serde_json::from_str(r#"["b","a","b"]"#).unwrap();
        assert_eq!(counted(&categories, &["a", "b", "b"]).counts(), [1, 2]);
        assert_eq!(serde_json::to_string(&categories).unwrap(), r#"["a","b"]"#);
    }

    proptest! {
        #[test]
        fn merging_is_counting_the_whole(values in prop::collection::vec("[a-e]", 0..40), cuts in (0_usize..40, 0_usize..40)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let categories = Categories::from(vec!["a".to_owned(), "c".to_owned()]);
            let (first, second) = (cuts.0.min(values.len()), cuts.1.min(values.len()));
            let (a, b) = (first.min(second), first.max(second));
            let [left, middle, right] = [&values[..a], &values[a..b], &values[b..]].map(|part| counted(&categories, part));
            let mut from_left = left.clone();
            from_left.merge(&middle);
            from_left.merge(&right);
            let mut from_right = middle;
            from_right.merge(&right);
            from_right.merge(&CategoryCounts::default());
            from_right.merge(&left);
            prop_assert_eq!(&from_left, &counted(&categories, &values));
            prop_assert_eq!(&from_left, &from_right);
        }
    }
}
