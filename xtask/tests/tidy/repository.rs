//! The files of the repository, read from disk: those that version control holds or would take.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A text file.
pub(crate) struct File {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read `{path}`: {error}"))
}

/// The text between a heading of the second level and the next.
pub(crate) fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let rest = document.split(&format!("\n## {heading}\n")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("a section `{heading}`"));
    rest.split("\n## ").next().unwrap_or_default()
}

/// Every text file, in order of path.
pub(crate) fn files() -> Vec<File> {
    let ignored = Ignored::read();
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that can be read") {
            let entry = entry.expect("an entry that can be read");
            let kind = entry.file_type().expect("an entry with a type");
            let path = entry.path();
            if ignored.covers(&entry.file_name().to_string_lossy()) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(&path)
            {
                let path = path.strip_prefix(root()).expect("a path below the root");
                files.push(File { path: path.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The names in `.gitignore`, which are either whole or `*` and an ending, and version control's own folder.
struct Ignored(Vec<String>);

impl Ignored {
    fn read() -> Self {
        let lines = read(".gitignore").lines().map(|line| line.trim_matches('/').to_owned()).collect();
        Self(lines)
    }

    fn covers(&self, name: &str) -> bool {
        name == ".git"
            || self.0.iter().any(|pattern| match pattern.strip_prefix('*') {
                Some(ending) => name.ends_with(ending),
                None => name == pattern,
            })
    }
}
