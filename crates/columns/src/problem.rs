//! What is wrong with columns as a whole, before any row is looked at.

use std::fmt;

/// A column, an input or an output, what was expected of it and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    name: String,
    expected: String,
    found: String,
}

impl Problem {
    /// A problem with what is called `name`.
    #[must_use]
    pub fn new(name: &str, expected: &str, found: &str) -> Self {
        Self { name: name.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
    }

    /// The column, input or output.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: expected {}, found {}", self.name, self.expected, self.found)
    }
}
