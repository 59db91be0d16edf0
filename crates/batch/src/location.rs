//! Where something is: a path or URI of the user's as a store and a path in it, and single operations there, tried again where that
//! helps. It does not know what a job is.

use std::fmt;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::{Path, PathPart};
use object_store::{CopyMode, CopyOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode};

use crate::retry::{Backoff, STORE_BACKOFF, is_disk_full, retried};
use crate::{Error, Result};

/// A file or folder in a store.
#[derive(Clone)]
pub struct Location {
    store: Arc<dyn ObjectStore>,
    path: Path,
    uri: String,
    /// The same in the file system of this machine, if the store is that.
    local: Option<PathBuf>,
    backoff: Backoff,
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Location").field(&self.uri).finish()
    }
}

impl Location {
    /// The file or folder at `path` of `store`, which messages call `uri`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, path: Path, uri: &str) -> Self {
        Self { store, path, uri: uri.trim_end_matches('/').to_owned(), local: None, backoff: STORE_BACKOFF }
    }

    /// With the path of the same file or folder in the file system of this machine.
    #[must_use]
    pub fn with_local(self, local: PathBuf) -> Self {
        Self { local: Some(local), ..self }
    }

    /// With these waits before an operation that failed is tried again.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// These waits.
    pub(crate) fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Its store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Where it is in its store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is called.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Where it is in the file system of this machine, if it is there.
    #[must_use]
    pub fn local(&self) -> Option<&FilePath> {
        self.local.as_deref()
    }

    /// What is called so below it; `name` may have several parts.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let path = name.split('/').fold(self.path.clone(), |path, part| path.join(PathPart::from(part)));
        let local = self.local.as_ref().map(|local| local.join(name));
        Self {
            store: Arc::clone(&self.store),
            path,
            uri: format!("{}/{name}", self.uri),
            local,
            backoff: self.backoff,
        }
    }

    /// Its content, if it is there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn read(&self) -> Result<Option<Bytes>> {
        let read = retried(self.backoff, || async { self.store.get(&self.path).await?.bytes().await }).await;
        self.if_found("read", read)
    }

    /// How many bytes it has, if it is there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn size(&self) -> Result<Option<u64>> {
        Ok(self.meta().await?.map(|meta| meta.size))
    }

    /// What its store says of it, if it is there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn meta(&self) -> Result<Option<ObjectMeta>> {
        let meta = retried(self.backoff, || self.store.head(&self.path)).await;
        self.if_found("look up", meta)
    }

    /// Writes it unless it is there; tells whether it was written.
    ///
    /// `false` does not mean that somebody else wrote it: the first of two tries can have succeeded unheard. Only its content tells.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`], [`Error::NoConditionalCreate`]. It may have been written all the same.
    pub(crate) async fn create(&self, content: &Bytes) -> Result<bool> {
        let put = || self.store.put_opts(&self.path, content.clone().into(), PutMode::Create.into());
        match retried(self.backoff, put).await {
            Err(error) if is_unsupported(&error) => {
                Err(Error::NoConditionalCreate { uri: self.uri.clone(), found: error.to_string() })
            }
            created => self.was_created("create", created),
        }
    }

    /// Writes it, whatever is there.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`].
    pub(crate) async fn replace(&self, content: &Bytes) -> Result<()> {
        let put = retried(self.backoff, || self.store.put(&self.path, content.clone().into())).await;
        put.map(|_| ()).map_err(|error| self.failed("write", error))
    }

    /// Removes it, if it is there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn remove(&self) -> Result<()> {
        let removed = retried(self.backoff, || self.store.delete(&self.path)).await;
        self.if_found("remove", removed).map(|_| ())
    }

    /// Puts the same content at `to`. If something is there it is replaced, or stays if the store can do that at once: so it must not be
    /// anything else.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`].
    pub(crate) async fn copy(&self, to: &Self) -> Result<()> {
        match retried(self.backoff, || self.copy_as(to, CopyMode::Create)).await {
            Err(error) if is_unsupported(&error) => {
                retried(self.backoff, || self.copy_as(to, CopyMode::Overwrite))
                    .await
                    .map_err(|error| to.failed("write", error))
            }
            created => to.was_created("write", created).map(|_| ()),
        }
    }

    /// Puts the same content at `to` unless something is there; tells whether it was put, in the sense of [`Location::create`].
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`].
    pub(crate) async fn copy_new(&self, to: &Self) -> Result<bool> {
        let copied = retried(self.backoff, || self.copy_as(to, CopyMode::Create)).await;
        to.was_created("create", copied)
    }

    /// What a call says that creates this if it is not there.
    fn was_created<T>(&self, operation: &'static str, outcome: object_store::Result<T>) -> Result<bool> {
        match outcome {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            Err(error) => Err(self.failed(operation, error)),
        }
    }

    fn copy_as<'c>(
        &'c self,
        to: &'c Self,
        mode: CopyMode,
    ) -> impl Future<Output = object_store::Result<()>> + 'c {
        self.store.copy_opts(&self.path, &to.path, CopyOptions::new().with_mode(mode))
    }

    /// All files below it, in any order.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn list(&self) -> Result<Vec<ObjectMeta>> {
        let list = || self.store.list(Some(&self.path)).try_collect();
        retried(self.backoff, list).await.map_err(|error| self.failed("list", error))
    }

    /// What it is called that a listing found below it.
    pub(crate) fn name_of(&self, found: &Path) -> String {
        let found = found.as_ref();
        found.strip_prefix(self.path.as_ref()).unwrap_or(found).trim_start_matches('/').to_owned()
    }

    fn if_found<T>(&self, operation: &'static str, outcome: object_store::Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(operation, error)),
        }
    }

    pub(crate) fn failed(&self, operation: &'static str, source: object_store::Error) -> Error {
        let uri = self.uri.clone();
        if is_disk_full(&source) {
            return Error::DiskFull { operation, uri, source };
        }
        Error::Store { operation, uri, source }
    }
}

fn is_unsupported(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. })
}

/// The path without `.` and `..`.
pub(crate) fn plain(path: &FilePath) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
