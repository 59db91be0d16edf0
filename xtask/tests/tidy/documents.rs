//! What the documents at the root keep to: they are short, and the files they name exist.

use std::collections::BTreeSet;

use crate::{
    expect_none,
    repository::{read, root, section},
};

const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
/// The files that map errors to codes.
const ERROR_CODES: [&str; 2] = ["crates/protocol/src/status.rs", "crates/endpoints/src/batch_chunk/error.rs"];
const MAX_LINES: [(&str, usize); 2] = [("ARCHITECTURE.md", 200), ("CONTRIBUTING.md", 70)];

#[test]
fn documents_are_short() {
    let long = MAX_LINES.into_iter().filter_map(|(document, max)| {
        let n_lines = read(document).lines().count();
        (n_lines > max).then(|| format!("{document}: {n_lines} lines, at most {max}"))
    });
    expect_none(long, "Cut it: detail belongs to the `//!` of the file it is about.");
}

#[test]
fn files_that_documents_name_exist() {
    let missing = DOCUMENTS.into_iter().flat_map(|document| {
        let text = read(document);
        let named: Vec<String> = paths(&text).map(str::to_owned).collect();
        named
            .into_iter()
            .filter(|path| !root().join(path).exists())
            .map(move |path| format!("{document}: `{path}`"))
    });
    expect_none(missing, "Name the file where it is now, or drop the sentence.");
}

#[test]
fn readme_lists_every_error_code() {
    let readme = read("README.md");
    let listed: BTreeSet<&str> = quoted(section(&readme, "Errors"), '`').filter(is_code).collect();
    let sources = ERROR_CODES.map(read);
    let answered: BTreeSet<&str> =
        sources.iter().flat_map(|source| quoted(source, '"')).filter(is_code).collect();
    let differing = answered.symmetric_difference(&listed);
    expect_none(
        differing.map(|code| format!("`{code}`")),
        "The table `Errors` of README.md and the files that map errors to codes have the same ones: mend one.",
    );
}

/// What stands between two `quote`s on one line.
fn quoted(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.lines().flat_map(move |line| line.split(quote).skip(1).step_by(2))
}

/// Whether the word can be an error's code, which has at least two parts.
fn is_code(word: &&str) -> bool {
    word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// What stands in backticks or after curl's `-d @`, and can only be a path of this repository: it has a slash, and is
/// no route, pattern, placeholder, interface or build output.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let sent = text.split('@').skip(1).filter_map(|rest| rest.split_whitespace().next());
    quoted(text, '`').chain(sent.filter(|word| word.starts_with("tests/"))).filter(|word| is_path(word))
}

fn is_path(word: &str) -> bool {
    let is_built = word.starts_with("target/");
    let is_route = word.starts_with('/');
    word.contains('/') && !is_built && !is_route && !word.contains(|c: char| " <>*{}:@$".contains(c))
}
