//! What every source file keeps to.

use crate::{expect_none, repository::files};

const MAX_RUST_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 40;

/// Written in two pieces, for this file is searched as well.
const UNFINISHED: [&str; 3] = [concat!("to", "do!"), concat!("unimple", "mented!"), concat!("#[ign", "ore")];
const REGISTRIES: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("yarn", "pkg.com"),
];
const WORKPLACE: &str = concat!("/wo", "rk/");

#[test]
fn every_rust_file_opens_with_a_description() {
    let silent = files().into_iter().filter(|file| file.is_rust() && !file.text.starts_with("//!"));
    expect_none(
        silent.map(|file| file.path),
        "Begin the file with `//!`: what it is, what it is not, and the invariant it keeps.",
    );
}

#[test]
fn rust_files_are_short() {
    let long =
        files().into_iter().filter(|file| file.is_rust() && file.text.lines().count() > MAX_RUST_LINES);
    expect_none(
        long.map(|file| format!("{}: {} lines", file.path, file.text.lines().count())),
        &format!("Split the file along a boundary that has a name: {MAX_RUST_LINES} lines at most."),
    );
}

#[test]
fn nothing_is_unfinished_or_skipped() {
    expect_none(
        occurrences(|path, line| path.ends_with(".rs") && UNFINISHED.iter().any(|word| line.contains(word))),
        "Finish the code or delete it; mend the test or delete it.",
    );
}

#[test]
fn functions_hold_no_logic() {
    let long = files().into_iter().filter(|file| {
        file.path.starts_with("functions/")
            && file.is_rust()
            && file.text.lines().count() > MAX_FUNCTION_LINES
    });
    expect_none(
        long.map(|file| format!("{}: {} lines", file.path, file.text.lines().count())),
        &format!("Move the logic to `crates/endpoints`: a function has {MAX_FUNCTION_LINES} lines at most."),
    );
}

#[test]
fn interfaces_have_one_copy() {
    let copies =
        files().into_iter().filter(|file| file.path.ends_with(".wit") && !file.path.starts_with("wit/"));
    let copies = copies.filter(|file| file.text.contains("package plinth:"));
    expect_none(
        copies.map(|file| file.path),
        "Move the file to `wit/` and let both sides name it by path: a copy would drift.",
    );
}

#[test]
fn no_package_registry_is_named() {
    expect_none(
        occurrences(|path, line| {
            !is_lock_file(path) && REGISTRIES.iter().any(|registry| line.contains(registry))
        }),
        "Name the package, not the host it comes from: mirrors must work.",
    );
}

#[test]
fn no_path_of_one_machine_is_named() {
    expect_none(
        occurrences(|_, line| names_absolute(line, WORKPLACE)),
        "Use a path relative to the repository.",
    );
}

/// `path:line: text` of every line for which `is_found(path, line)` holds.
fn occurrences(is_found: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files() {
        for (line_idx, line) in file.text.lines().enumerate() {
            if is_found(&file.path, line) {
                let excerpt: String = line.trim().chars().take(80).collect();
                found.push(format!("{}:{}: {excerpt}", file.path, line_idx + 1));
            }
        }
    }
    found
}

/// Lock files name the registry of each package; their tools write them.
fn is_lock_file(path: &str) -> bool {
    path.ends_with(".lock") || path.ends_with("package-lock.json")
}

/// Whether `path` stands in the line as the start of a path, not inside a longer one.
fn names_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(position, _)| {
        let before = line.get(..position).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-}>)/".contains(c))
    })
}
