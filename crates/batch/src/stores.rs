//! From a path or URI of the user's to the store behind it, opened once per bucket. What lies there is not looked at here.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore};
use url::Url;

use crate::location::plain;
use crate::{Error, Location, Result};

const EXPECTED: &str = "a path, or a URI with file://, s3://, gs://, az://, abfss://, http:// or https://";

/// The stores that have been opened, and what the environment says of them.
pub struct Stores {
    environment: Vec<(String, String)>,
    open: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    /// Stores with the credentials and endpoints of these variables: `AWS_…`, `GOOGLE_…`, `AZURE_…`.
    #[must_use]
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { environment: environment.into_iter().collect(), open: Mutex::default() }
    }

    /// The file or folder that a path or URI names, to the letter: no character stands for others.
    ///
    /// # Errors
    /// [`Error::InvalidLocation`]; [`Error::Store`] if the variables do not suffice.
    pub fn locate(&self, uri: &str) -> Result<Location> {
        match Address::parse(uri)? {
            Address::Local(file) => self.local(uri, &file),
            Address::Remote { root, key, is_http } => self.remote(uri, &root, &key, is_http),
        }
    }

    /// The same of a folder that can be written to.
    ///
    /// # Errors
    /// Also [`Error::InvalidLocation`] of `http(s)://`, which can only be read.
    pub fn locate_output(&self, uri: &str) -> Result<Location> {
        match Address::parse(uri)? {
            Address::Remote { is_http: true, .. } => {
                Err(invalid(uri, "a folder to write to", "an address that can only be read"))
            }
            _ => self.locate(uri),
        }
    }

    fn local(&self, uri: &str, file: &FilePath) -> Result<Location> {
        let path =
            Path::from_absolute_path(file).map_err(|error| invalid(uri, EXPECTED, &error.to_string()))?;
        let store = self.opened("/", || Ok(Arc::new(LocalFileSystem::new())))?;
        Ok(Location::new(store, path, &file.to_string_lossy()).with_local(file.to_owned()))
    }

    fn remote(&self, uri: &str, root: &str, key: &str, is_http: bool) -> Result<Location> {
        let path = if is_http { Path::from_url_path(key) } else { Path::parse(key) };
        let path = path.map_err(|error| invalid(uri, EXPECTED, &error.to_string()))?;
        let open = || if is_http { open_http(root) } else { self.open_bucket(uri, root) };
        Ok(Location::new(self.opened(root, open)?, path, uri))
    }

    fn opened(
        &self,
        root: &str,
        open: impl FnOnce() -> Result<Arc<dyn ObjectStore>>,
    ) -> Result<Arc<dyn ObjectStore>> {
        let mut stores = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(root) {
            return Ok(Arc::clone(store));
        }
        let store = open()?;
        stores.insert(root.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    fn open_bucket(&self, uri: &str, root: &str) -> Result<Arc<dyn ObjectStore>> {
        let url = Url::parse(root).map_err(|error| invalid(uri, EXPECTED, &error.to_string()))?;
        let opened = object_store::parse_url_opts(&url, self.settings(root));
        opened.map(|(store, _)| Arc::from(store)).map_err(|source| failed(uri, source))
    }

    /// The variables of this kind of store. An endpoint with `http://` is meant as it is written.
    fn settings(&self, root: &str) -> Vec<(String, String)> {
        let prefix = match root.split_once(':') {
            Some(("s3" | "s3a", _)) => "AWS_",
            Some(("gs", _)) => "GOOGLE_",
            _ => "AZURE_",
        };
        let ours = self.environment.iter().filter(|(name, _)| name.starts_with(prefix));
        let mut settings: Vec<_> = ours.cloned().collect();
        let is_plain =
            |(name, value): &(String, String)| name.contains("ENDPOINT") && value.starts_with("http://");
        if settings.iter().any(is_plain) {
            settings.insert(0, ("allow_http".to_owned(), "true".to_owned()));
        }
        settings
    }
}

fn open_http(root: &str) -> Result<Arc<dyn ObjectStore>> {
    let options = ClientOptions::new().with_allow_http(true);
    let store = HttpBuilder::new().with_url(root).with_client_options(options).build();
    Ok(Arc::new(store.map_err(|source| failed(root, source))?))
}

/// A path or URI, taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Address {
    Local(PathBuf),
    Remote {
        /// Scheme and bucket or host.
        root: String,
        /// What comes after.
        key: String,
        is_http: bool,
    },
}

impl Address {
    fn parse(uri: &str) -> Result<Self> {
        match uri.split_once("://") {
            None => Self::of_path(uri),
            Some(("file", _)) => Self::of_file_uri(uri),
            Some((scheme @ ("s3" | "s3a" | "gs" | "az" | "azure" | "abfs" | "abfss"), rest)) => {
                Self::remote(uri, scheme, rest, false)
            }
            Some((scheme @ ("http" | "https"), rest)) => Self::remote(uri, scheme, rest, true),
            Some((scheme, _)) => Err(invalid(uri, EXPECTED, &format!("{scheme}://"))),
        }
    }

    fn of_path(uri: &str) -> Result<Self> {
        let file = std::path::absolute(uri).map_err(|error| invalid(uri, EXPECTED, &error.to_string()))?;
        Ok(Self::Local(plain(&file)))
    }

    fn of_file_uri(uri: &str) -> Result<Self> {
        let file = Url::parse(uri).ok().and_then(|url| url.to_file_path().ok());
        let file = file.ok_or_else(|| invalid(uri, "file:// and an absolute path", "something else"))?;
        Ok(Self::Local(plain(&file)))
    }

    fn remote(uri: &str, scheme: &str, rest: &str, is_http: bool) -> Result<Self> {
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            return Err(invalid(uri, "a bucket or host after ://", "none"));
        }
        if is_http && key.contains(['?', '#']) {
            return Err(invalid(uri, "an address without a query", "one with `?` or `#`"));
        }
        Ok(Self::Remote { root: format!("{scheme}://{host}"), key: key.to_owned(), is_http })
    }
}

pub(crate) fn invalid(uri: &str, expected: &'static str, found: &str) -> Error {
    Error::InvalidLocation { uri: uri.to_owned(), expected, found: found.to_owned() }
}

fn failed(uri: &str, source: object_store::Error) -> Error {
    Error::Store { operation: "open", uri: uri.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(uri: &str) -> PathBuf {
        match Address::parse(uri).unwrap() {
            Address::Local(file) => file,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check_remote(uri: &str, root: &str, key: &str, is_http: bool) {
        let expect = Address::Remote { root: root.to_owned(), key: key.to_owned(), is_http };
        assert_eq!(Address::parse(uri).unwrap(), expect);
    }

    #[test]
    fn paths_become_absolute_and_plain() {
        assert_eq!(local("/a/./b/../c d"), PathBuf::from("/a/c d"));
        assert_eq!(local("file:///a/c%20d"), PathBuf::from("/a/c d"));
        assert_eq!(local("data/x"), std::env::current_dir().unwrap().join("data/x"));
    }

    #[test]
    fn uris_are_taken_apart_to_the_letter() {
        check_remote("s3://bucket/a b/c%20d", "s3://bucket", "a b/c%20d", false);
        check_remote("gs://bucket", "gs://bucket", "", false);
        let container = "abfss://c@account.dfs.core.windows.net";
        check_remote(&format!("{container}/x"), container, "x", false);
        check_remote("https://host:8443/a%20b.csv", "https://host:8443", "a%20b.csv", true);
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        for (uri, found) in
            [("hdfs://n/x", "hdfs://"), ("s3:///x", "none"), ("http://h/x?y=1", "one with `?` or `#`")]
        {
            let Err(Error::InvalidLocation { found: is, .. }) = Address::parse(uri) else { panic!("{uri}") };
            assert_eq!(is, found);
        }
        assert!(matches!(Stores::new([]).locate_output("https://h/x"), Err(Error::InvalidLocation { .. })));
    }

    #[test]
    fn only_variables_of_the_store_count() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let stores = Stores::new([
            variable("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            variable("TOKEN", "secret"),
            variable("AZURE_STORAGE_ACCOUNT_NAME", "a"),
        ]);
        let names = |root: &str| stores.settings(root).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("s3://b"), ["allow_http", "AWS_ENDPOINT_URL"]);
        assert_eq!(names("az://c"), ["AZURE_STORAGE_ACCOUNT_NAME"]);
    }

    #[test]
    fn a_bucket_is_opened_once() {
        let keys =
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name.to_owned(), "k".to_owned()));
        let stores = Stores::new(keys);
        let one = stores.locate("s3://bucket/x").unwrap();
        let two = stores.locate("s3://bucket/y/z").unwrap();
        assert!(Arc::ptr_eq(one.store(), two.store()));
        assert_eq!((two.path().as_ref(), two.uri()), ("y/z", "s3://bucket/y/z"));
    }
}
