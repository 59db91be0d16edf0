//! What can be wrong with a node's attributes or with what it is given. Not tract's errors: the kernels know nothing of tract.

/// Why an operator cannot be built, or cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An attribute is missing, or has a type, length or value that the specification does not allow.
    #[error("attribute `{attribute}`: expected {expected}, found {found}")]
    Attribute {
        /// The attribute's name.
        attribute: String,
        /// What the specification asks for.
        expected: String,
        /// What the node has.
        found: String,
    },
    /// An input's elements or dimensions do not fit the operator.
    #[error("input `{input}`: expected {expected}, found {found}")]
    Input {
        /// The input's name in the specification.
        input: &'static str,
        /// What the operator takes.
        expected: String,
        /// What was given.
        found: String,
    },
}

/// The result of building or evaluating an operator.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn attribute(attribute: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Attribute { attribute: attribute.to_owned(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn input(input: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Input { input, expected: expected.into(), found: found.into() }
    }
}

/// Checks that an attribute has the length that another one gives it.
pub(crate) fn check_len(attribute: &str, found: usize, expected: usize, of: &str) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::attribute(
            attribute,
            format!("{expected} elements, one for each of {of}"),
            found.to_string(),
        ))
    }
}
