//! The files that a component may read, gathered in one folder that becomes its `/`, as Spin does by default.
//!
//! Files are linked where the file system allows it and copied where not. The guest gets the folder read-only.

use std::{
    fs, io,
    path::{Component as Part, Path, PathBuf},
};

use glob::{MatchOptions, Pattern};

/// Which files a component sees, and where.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The application's folder, to which everything here is relative.
    pub root: PathBuf,
    /// What it sees.
    pub mounts: Vec<Mount>,
    /// Of that, what it does not see: patterns over paths relative to `root`.
    pub exclude: Vec<Pattern>,
}

/// An entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// A pattern, or a file or folder by name: each file keeps its path.
    Pattern(String),
    /// A file or folder under another path.
    Placement {
        /// The file or folder.
        source: String,
        /// Where the component sees it.
        destination: String,
    },
}

/// A path that could not be placed, and why.
pub(crate) type PlaceFault = (PathBuf, io::Error);

impl Mount {
    /// Checks an entry before anything is read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Pattern(pattern) => {
                if !is_inside(pattern) {
                    return Err(format!("`{pattern}` leaves the application's folder"));
                }
                parse_pattern(pattern).map(drop)
            }
            Self::Placement { destination, .. } if !is_inside(destination.trim_start_matches('/')) => {
                Err(format!("destination `{destination}` leaves the component's `/`"))
            }
            Self::Placement { .. } => Ok(()),
        }
    }
}

/// Parses a pattern of `files` or `exclude_files`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_pattern(pattern: &str) -> Result<Pattern, String> {
    Pattern::new(pattern).map_err(|error| format!("`{pattern}` is not a pattern: {}", error.msg))
}

impl Files {
    /// Whether the component sees any file.
    pub(crate) fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// Places all files into `folder`.
    ///
    /// # Errors
    /// The first path that cannot be read or placed. A name that does not exist is one; a pattern that matches nothing is not.
    pub(crate) fn place(&self, folder: &Path) -> Result<(), PlaceFault> {
        self.mounts.iter().try_for_each(|mount| match mount {
            Mount::Pattern(pattern) => self.place_pattern(pattern, folder),
            Mount::Placement { source, destination } => {
                self.place_named(&self.root.join(source), &folder.join(destination.trim_start_matches('/')))
            }
        })
    }

    fn place_pattern(&self, pattern: &str, folder: &Path) -> Result<(), PlaceFault> {
        let named = self.root.join(pattern);
        if named.exists() {
            return self.place_named(&named, &folder.join(pattern));
        }
        if !pattern.contains(['*', '?', '[']) {
            return Err((named, io::ErrorKind::NotFound.into()));
        }
        self.place_matches(&self.root, pattern, folder)
    }

    fn place_named(&self, source: &Path, target: &Path) -> Result<(), PlaceFault> {
        if source.is_dir() {
            fs::create_dir_all(target).map_err(|error| (target.to_owned(), error))?;
            return self.place_matches(source, "**/*", target);
        }
        place_file(source, target)
    }

    fn place_matches(&self, root: &Path, pattern: &str, folder: &Path) -> Result<(), PlaceFault> {
        let full = format!("{}/{pattern}", Pattern::escape(&root.to_string_lossy()));
        let matches = glob::glob_with(&full, MatchOptions::new())
            .map_err(|error| (root.join(pattern), io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        for found in matches {
            let source = found.map_err(|error| (error.path().to_owned(), error.into()))?;
            if source.is_file() && !self.is_excluded(&source) {
                let below = source.strip_prefix(root).unwrap_or(&source);
                place_file(&source, &folder.join(below))?;
            }
        }
        Ok(())
    }

    fn is_excluded(&self, source: &Path) -> bool {
        let path = source.strip_prefix(&self.root).unwrap_or(source);
        self.exclude.iter().any(|pattern| pattern.matches_path(path))
    }
}

fn place_file(source: &Path, target: &Path) -> Result<(), PlaceFault> {
    let link_or_copy = || {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        // A symbolic link is resolved first: linked as it is, it would point out of the guest's folder.
        let source = fs::canonicalize(source)?;
        match fs::hard_link(&source, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(target)?;
                fs::copy(&source, target).map(drop)
            }
            Err(_) => fs::copy(&source, target).map(drop),
            Ok(()) => Ok(()),
        }
    };
    link_or_copy().map_err(|error| (source.to_owned(), error))
}

fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Part::Normal(_) | Part::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.txt", "data/b.txt", "data/deep/c.txt", "data/secret.key"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        folder
    }

    fn placement(source: &str, destination: &str) -> Mount {
        Mount::Placement { source: source.to_owned(), destination: destination.to_owned() }
    }

    fn pattern(pattern: &str) -> Mount {
        Mount::Pattern(pattern.to_owned())
    }

    fn place(mounts: &[Mount], exclude: &[&str], folder: &Path) -> Result<(), PlaceFault> {
        let application = application();
        let exclude = exclude.iter().map(|pattern| parse_pattern(pattern).unwrap()).collect();
        Files { root: application.path().to_owned(), mounts: mounts.to_vec(), exclude }.place(folder)
    }

    #[track_caller]
    fn check(mounts: &[Mount], exclude: &[&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        place(mounts, exclude, folder.path()).unwrap();
        let all = glob::glob(&format!("{}/**/*", folder.path().display())).unwrap().map(Result::unwrap);
        let files = all.filter(|path| path.is_file());
        let found: Vec<String> =
            files.map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn patterns_and_names_keep_their_paths() {
        check(&[pattern("*.txt")], &[], &["a.txt"]);
        check(&[pattern("a.txt")], &[], &["a.txt"]);
        check(&[pattern("data/*.txt")], &[], &["data/b.txt"]);
        check(&[pattern("**/*.txt")], &[], &["a.txt", "data/b.txt", "data/deep/c.txt"]);
        check(&[pattern("data/deep")], &[], &["data/deep/c.txt"]);
        check(&[pattern("none/*")], &[], &[]);
    }

    #[test]
    fn placements_move_files_and_folders() {
        check(&[placement("data", "/")], &[], &["b.txt", "deep/c.txt", "secret.key"]);
        check(&[placement("data/deep", "/x/y")], &[], &["x/y/c.txt"]);
        check(&[placement("a.txt", "/etc/b.txt")], &[], &["etc/b.txt"]);
    }

    #[test]
    fn later_mounts_replace_earlier_ones() {
        let mounts = [placement("a.txt", "/it"), placement("data/b.txt", "/it")];
        let folder = tempfile::tempdir().unwrap();
        place(&mounts, &[], folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("it")).unwrap(), "b.txt");
    }

    #[test]
    fn excluded_files_are_not_placed() {
        check(&[placement("data", "/d")], &["data/*.key", "**/c.txt"], &["d/b.txt"]);
        check(&[pattern("**/*")], &["data/**"], &["a.txt"]);
    }

    #[test]
    fn a_name_that_does_not_exist_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        for mount in [pattern("none.txt"), placement("none", "/")] {
            assert_eq!(place(&[mount], &[], folder.path()).unwrap_err().1.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn entries_that_leave_their_folder_are_faults() {
        for mount in [pattern("../x"), pattern("/etc/*"), placement("x", "/../y"), pattern("a[")] {
            assert!(mount.check().is_err(), "{mount:?}");
        }
        for mount in [pattern("./a/*"), placement("../x", "/y"), placement("x", "y")] {
            assert_eq!(mount.check(), Ok(()), "{mount:?}");
        }
    }
}
