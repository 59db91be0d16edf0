//! Values that rows may have or lack, one a row at most.

/// What some rows of a request have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerRow<T> {
    values: Vec<T>,
    // Invariant: the row of each value, ascending, all below `n_rows`.
    rows: Vec<usize>,
    n_rows: usize,
}

impl<T> Default for PerRow<T> {
    fn default() -> Self {
        Self::none(0)
    }
}

impl<T> PerRow<T> {
    /// So many rows, of which none has a value.
    #[must_use]
    pub const fn none(n_rows: usize) -> Self {
        Self { values: Vec::new(), rows: Vec::new(), n_rows }
    }

    /// Adds the next row, with its value if it has one.
    pub fn push(&mut self, value: Option<T>) {
        if let Some(value) = value {
            self.values.push(value);
            self.rows.push(self.n_rows);
        }
        self.n_rows += 1;
    }

    /// How many rows there are, with and without a value.
    #[must_use]
    pub const fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Whether any row has a value.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        !self.values.is_empty()
    }

    /// Whether every row has a value.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.values.len() == self.n_rows
    }

    /// The value of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&T> {
        if self.is_full() {
            return self.values.get(row);
        }
        self.values.get(self.rows.binary_search(&row).ok()?)
    }

    /// The values, in the order of their rows.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Each row that has a value, and the value.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> + Clone {
        self.rows.iter().copied().zip(&self.values)
    }

    /// Gives every row that has no value one of as many that `new_values` makes.
    #[must_use]
    pub fn filled<N: IntoIterator<Item = T>>(self, new_values: impl FnOnce(usize) -> N) -> Self {
        if self.is_full() {
            return self;
        }
        let mut new_values = new_values(self.n_rows - self.values.len()).into_iter();
        let mut given = self.rows.into_iter().zip(self.values).peekable();
        let value = |row| given.next_if(|(given_row, _)| *given_row == row).map(|(_, value)| value);
        (0..self.n_rows).map(value).map(|value| value.or_else(|| new_values.next())).collect()
    }
}

impl<T> FromIterator<Option<T>> for PerRow<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let mut rows = Self::default();
        values.into_iter().for_each(|value| rows.push(value));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_its_value() {
        let rows: PerRow<char> = [None, Some('a'), None, Some('b')].into_iter().collect();
        assert_eq!(
            (rows.get(0), rows.get(1), rows.get(3), rows.get(4)),
            (None, Some(&'a'), Some(&'b'), None)
        );
        assert_eq!((rows.n_rows(), rows.is_any(), rows.is_full()), (4, true, false));
        assert!(rows.iter().eq([(1, &'a'), (3, &'b')]));
    }

    #[test]
    fn rows_without_a_value_get_a_new_one() {
        let rows: PerRow<usize> = [None, Some(7), None].into_iter().collect();
        let full = rows.filled(|n_missing| 10..10 + n_missing);
        assert_eq!(full.values(), [10, 7, 11]);
        assert_eq!(full.clone().filled(|_| -> [usize; 0] { panic!("no row lacks a value") }), full);
    }

    #[test]
    fn no_rows_are_full_and_empty() {
        let rows = PerRow::<u8>::default();
        assert!(rows.is_full() && !rows.is_any());
        assert!(!PerRow::<u8>::none(1).is_full());
    }
}
