//! Which files a user means: single files, whole folders, and patterns with `**`, `*`, `?`, `[…]` and `{…,…}`, in a stable order, none
//! twice. What is in them is not looked at.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use glob::{MatchOptions, Pattern};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use percent_encoding::percent_decode_str;

use crate::job::InputFile;
use crate::stores::invalid;
use crate::{Error, Location, Result, Stores};

const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// A file to be read.
#[derive(Clone)]
pub struct Found {
    /// Its store.
    pub store: Arc<dyn ObjectStore>,
    /// Where it is in it.
    pub path: Path,
    /// What is pinned of it.
    pub file: InputFile,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Found").field(&self.file).finish()
    }
}

impl Stores {
    /// The files that these paths, URIs and patterns mean: in the order given, those of a folder or pattern by name. Files and folders
    /// below it whose names begin with `_` or `.` are left out, and so is a file that was there before.
    ///
    /// # Errors
    /// [`Error::NoFiles`] if one of them means none; [`Error::InvalidLocation`]; [`Error::Store`].
    pub async fn find<U: AsRef<str>>(&self, uris: &[U]) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for uri in uris {
            found.extend(self.find_one(uri.as_ref()).await?);
        }
        let mut seen = HashSet::new();
        found.retain(|found| seen.insert(found.file.uri.clone()));
        Ok(found)
    }

    async fn find_one(&self, uri: &str) -> Result<Vec<Found>> {
        let is_http = uri.starts_with("http://") || uri.starts_with("https://");
        let (folder, pattern) = if is_http { (uri, None) } else { split(uri) };
        if pattern.is_none() || !uri.contains("://") {
            let literal = self.locate(uri)?;
            if let Some(meta) = literal.meta().await? {
                return Ok(vec![pinned(&literal, &meta, partition(parent(uri)))]);
            }
        }
        if is_http {
            return Err(Error::NoFiles { uri: uri.to_owned() });
        }
        if uri.contains("://") && !folder.contains("://") {
            return Err(invalid(uri, "a bucket by its name", "a pattern"));
        }
        let patterns = patterns(uri, pattern)?;
        below(&self.locate(folder)?, uri, folder, &patterns).await
    }
}

async fn below(folder: &Location, uri: &str, typed: &str, patterns: &[Pattern]) -> Result<Vec<Found>> {
    let mut metas = folder.list().await?;
    metas.sort_by(|a, b| a.location.as_ref().cmp(b.location.as_ref()));
    let mut found = Vec::new();
    for meta in metas {
        let name = folder.name_of(&meta.location);
        if !is_hidden(&name) && is_meant(&name, patterns) {
            let partition = partition(&format!("{typed}/{}", parent(&name)));
            found.push(pinned(&child(folder, &meta.location, &name), &meta, partition));
        }
    }
    if found.is_empty() {
        return Err(Error::NoFiles { uri: uri.to_owned() });
    }
    Ok(found)
}

fn child(folder: &Location, path: &Path, name: &str) -> Location {
    let root = folder.uri().trim_end_matches('/');
    Location::new(Arc::clone(folder.store()), path.clone(), &format!("{root}/{name}"))
}

fn pinned(location: &Location, meta: &ObjectMeta, partition: Vec<(String, String)>) -> Found {
    let file =
        InputFile { uri: location.uri().to_owned(), size: meta.size, etag: meta.e_tag.clone(), partition };
    Found { store: Arc::clone(location.store()), path: location.path().clone(), file }
}

/// The folder before the first part with a character that stands for others, and the pattern from there on.
fn split(uri: &str) -> (&str, Option<&str>) {
    let Some(first) = uri.find(['*', '?', '[', '{']) else { return (uri, None) };
    let (before, _) = uri.split_at(first);
    match before.rfind('/') {
        None => (".", Some(uri)),
        Some(0) => ("/", Some(uri.trim_start_matches('/'))),
        Some(slash) => {
            let (folder, pattern) = uri.split_at(slash);
            (folder, Some(pattern.trim_start_matches('/')))
        }
    }
}

/// The pattern as patterns without braces; none means everything.
fn patterns(uri: &str, pattern: Option<&str>) -> Result<Vec<Pattern>> {
    let Some(pattern) = pattern else { return Ok(Vec::new()) };
    let compile = |pattern: String| {
        let pattern = pattern.trim_end_matches('/');
        Pattern::new(pattern).map_err(|error| invalid(uri, "a pattern", error.msg))
    };
    expanded(pattern).into_iter().map(compile).collect()
}

/// `a{b,c}d` as `abd` and `acd`; braces in braces too.
fn expanded(pattern: &str) -> Vec<String> {
    let Some((before, choices, after)) = first_braces(pattern) else { return vec![pattern.to_owned()] };
    let after = expanded(after);
    let choices = choices.into_iter().flat_map(expanded);
    choices.flat_map(|choice| after.iter().map(move |after| format!("{before}{choice}{after}"))).collect()
}

/// What is before the first braces, between their commas, and after them.
fn first_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (before, rest) = pattern.split_once('{')?;
    let (mut depth, mut from, mut choices) = (0_u32, 0, Vec::new());
    for (at, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            ',' if depth == 0 => {
                choices.push(rest.get(from..at)?);
                from = at + 1;
            }
            '}' if depth == 0 => {
                choices.push(rest.get(from..at)?);
                return Some((before, choices, rest.get(at + 1..)?));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether the file, or a folder that it is in, matches.
fn is_meant(name: &str, patterns: &[Pattern]) -> bool {
    let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
    let mut prefixes = ends.filter_map(|end| name.get(..end));
    patterns.is_empty()
        || prefixes.any(|prefix| patterns.iter().any(|pattern| pattern.matches_with(prefix, MATCHING)))
}

fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with(['_', '.']))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The `name=value` folders of a path.
fn partition(folders: &str) -> Vec<(String, String)> {
    let folders = folders.split_once("://").map_or(folders, |(_, rest)| rest);
    let pairs = folders.split('/').filter_map(|folder| folder.split_once('='));
    let is_plain = |name: &str| !name.is_empty() && !name.contains(['*', '?', '[', '{']);
    let pairs = pairs.filter(|(name, _)| is_plain(name));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    const FILES: [&str; 9] = [
        "a.csv",
        "b.parquet",
        "day=1/c.parquet",
        "day=2/hour=0%3A30/d.parquet",
        "day=2/e.csv",
        "_temporary/f.parquet",
        "day=2/.g.parquet",
        "deep/er/h.csv",
        "odd[1].csv",
    ];

    #[expect(clippy::disallowed_methods, reason = "files to be found")]
    fn dataset() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in FILES {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, name).unwrap();
        }
        folder
    }

    async fn found(patterns: &[&str]) -> Result<Vec<String>> {
        let folder = dataset();
        let root = folder.path().display();
        let uris: Vec<String> = patterns.iter().map(|pattern| format!("{root}/{pattern}")).collect();
        let found = Stores::new([]).find(&uris).await?;
        Ok(found.iter().map(|found| found.file.uri.replace(&format!("{root}/"), "")).collect())
    }

    #[track_caller]
    fn check(found: Result<Vec<String>>, expect: &[&str]) {
        assert_eq!(found.unwrap(), expect);
    }

    #[tokio::test]
    async fn a_folder_means_all_that_is_not_hidden() {
        let all = ["a.csv", "b.parquet", "day=1/c.parquet", "day=2/e.csv", "day=2/hour=0%3A30/d.parquet"];
        check(found(&[""]).await, &[&all[..], &["deep/er/h.csv", "odd[1].csv"]].concat());
        check(found(&["deep"]).await, &["deep/er/h.csv"]);
        check(found(&["deep/"]).await, &["deep/er/h.csv"]);
    }

    #[tokio::test]
    async fn patterns_match_files_and_folders() {
        check(found(&["*.csv"]).await, &["a.csv", "odd[1].csv"]);
        check(
            found(&["**/*.parquet"]).await,
            &["b.parquet", "day=1/c.parquet", "day=2/hour=0%3A30/d.parquet"],
        );
        check(found(&["day=[2-9]"]).await, &["day=2/e.csv", "day=2/hour=0%3A30/d.parquet"]);
        check(found(&["?.{csv,parquet}"]).await, &["a.csv", "b.parquet"]);
        check(found(&["d{ay=1,eep/{er,x}}/*"]).await, &["day=1/c.parquet", "deep/er/h.csv"]);
    }

    #[tokio::test]
    async fn a_file_is_found_by_its_name_to_the_letter() {
        check(found(&["odd[1].csv"]).await, &["odd[1].csv"]);
        check(found(&["day=2/.g.parquet"]).await, &["day=2/.g.parquet"]);
    }

    #[tokio::test]
    async fn no_file_is_found_twice() {
        check(found(&["b.parquet", "?.*", "a.csv"]).await, &["b.parquet", "a.csv"]);
    }

    #[tokio::test]
    async fn what_means_no_file_is_an_error() {
        for pattern in ["*.txt", "nowhere", "nowhere/*.csv"] {
            assert!(matches!(found(&[pattern]).await, Err(Error::NoFiles { .. })), "{pattern}");
        }
        assert!(matches!(found(&["[.csv"]).await, Err(Error::InvalidLocation { .. })));
        let buckets = Stores::new([]).find(&["s3://b*/x"]).await;
        assert!(matches!(buckets, Err(Error::InvalidLocation { .. })));
    }

    #[tokio::test]
    async fn folders_give_columns() {
        let folder = dataset();
        let found = Stores::new([]).find(&[format!("{}/day=2", folder.path().display())]).await.unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found[0].file.partition, [pair("day", "2")]);
        assert_eq!(found[1].file.partition, [pair("day", "2"), pair("hour", "0:30")]);
        assert_eq!(found[0].file.size, "day=2/e.csv".len() as u64);
        assert!(found[0].file.etag.is_some());
    }

    proptest! {
        #[test]
        fn any_text_can_be_a_pattern(text in "[a-c*?{},/\\[\\]=]{0,20}") {
            let (_, pattern) = split(&text);
            if let Ok(patterns) = patterns(&text, pattern) {
                is_meant("a/b=c/d", &patterns);
            }
            partition(&text);
        }
    }
}
