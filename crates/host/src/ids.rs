//! Names that Spin restricts: component ids in kebab case and variable names in lower snake case.
//!
//! The rules are the strictest of Spin 2 to 4.1 (every word starts with a letter), so that a manifest accepted here is
//! accepted there.

use thiserror::Error;

/// Why a name is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum NameFault {
    /// There is nothing.
    #[error("a name must not be empty")]
    Empty,
    /// Two delimiters follow each other, or one begins or ends the name.
    #[error("`{name}` has an empty word between `{delimiter}`s")]
    EmptyWord { name: String, delimiter: char },
    /// A word starts with something other than a letter.
    #[error("in `{name}` the word `{word}` starts with `{found}`: every word starts with a letter")]
    WordStart { name: String, word: String, found: char },
    /// A character that no word may have.
    #[error("`{name}` has the character `{found}`: words are letters and digits, separated by `{delimiter}`")]
    Character { name: String, delimiter: char, found: char },
    /// A word of both cases, or an upper-case letter where only lower case is allowed.
    #[error("in `{name}` the word `{word}` has the wrong case")]
    Case { name: String, word: String },
}

/// Checks a component id: words of one case, separated by `-`.
///
/// # Errors
/// The first rule that `name` breaks.
pub(crate) fn check_component_id(name: &str) -> Result<(), NameFault> {
    check_words(name, '-', |word| is_lower(word) || is_upper(word))
}

/// Checks a variable name: lower-case words, separated by `_`.
///
/// # Errors
/// The first rule that `name` breaks.
pub(crate) fn check_variable_name(name: &str) -> Result<(), NameFault> {
    check_words(name, '_', is_lower)
}

fn check_words(name: &str, delimiter: char, is_right_case: fn(&str) -> bool) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    name.split(delimiter).try_for_each(|word| check_word(name, word, delimiter, is_right_case))
}

fn check_word(
    name: &str,
    word: &str,
    delimiter: char,
    is_right_case: fn(&str) -> bool,
) -> Result<(), NameFault> {
    let named = || name.to_owned();
    let Some(first) = word.chars().next() else {
        return Err(NameFault::EmptyWord { name: named(), delimiter });
    };
    if let Some(found) = word.chars().find(|c| !c.is_ascii_alphanumeric()) {
        return Err(NameFault::Character { name: named(), delimiter, found });
    }
    if !first.is_ascii_alphabetic() {
        return Err(NameFault::WordStart { name: named(), word: word.to_owned(), found: first });
    }
    if !is_right_case(word) {
        return Err(NameFault::Case { name: named(), word: word.to_owned() });
    }
    Ok(())
}

fn is_lower(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_uppercase())
}

fn is_upper(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ids(expected: bool, names: &[&str]) {
        for name in names {
            assert_eq!(check_component_id(name).is_ok(), expected, "`{name}`");
        }
    }

    #[track_caller]
    fn check_variables(expected: bool, names: &[&str]) {
        for name in names {
            assert_eq!(check_variable_name(name).is_ok(), expected, "`{name}`");
        }
    }

    #[test]
    fn component_ids_are_kebab_case() {
        check_ids(true, &["predict", "batch-chunk", "a", "resnet50", "GPU-model", "a-B-c"]);
    }

    #[test]
    fn component_id_words_start_with_a_letter_and_keep_one_case() {
        check_ids(false, &["", "resnet-50", "-a", "a-", "a--b", "a_b", "Digits", "a.b", "é"]);
    }

    #[test]
    fn variable_names_are_lower_snake_case() {
        check_variables(true, &["a", "api_host", "a1b2"]);
        check_variables(false, &["", "A", "api-host", "_a", "a_", "a__b", "a_1", "1a", "x.y"]);
    }

    #[test]
    fn a_fault_says_what_is_wrong() {
        let fault = check_component_id("resnet-50").unwrap_err();
        assert_eq!(
            fault.to_string(),
            "in `resnet-50` the word `50` starts with `5`: every word starts with a letter"
        );
    }
}
