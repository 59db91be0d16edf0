//! Keeps what the documents promise. A failing check names the place and says how to mend it.

#![expect(clippy::disallowed_methods, reason = "reads the repository")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod dependencies;
mod documents;
mod models;
mod repository;
mod sources;

/// Fails with every problem, one a line, and what to do about them.
#[track_caller]
fn expect_none(problems: impl IntoIterator<Item = String>, advice: &str) {
    let problems: Vec<String> = problems.into_iter().collect();
    assert!(problems.is_empty(), "\n  {}\n\n{advice}\n", problems.join("\n  "));
}
