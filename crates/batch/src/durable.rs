//! What a loss of power leaves: files that are whole, and each only if what it speaks of is there too. Stores elsewhere see to that
//! themselves; on a disk of this machine it takes waiting for the disk, in the right order. What the files say is somebody else's.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::{JobFolder, Location, Result};

impl JobFolder {
    /// Waits until these files, and their names, are on the disk, if they are on one of this machine.
    ///
    /// # Errors
    /// [`crate::Error::Store`], [`crate::Error::DiskFull`].
    pub(crate) async fn sync(&self, files: &[&Location]) -> Result<()> {
        for file in files {
            if let Some(path) = file.local() {
                sync_at(file, Some(path.to_owned()), self.folders_to(path)).await?;
            }
        }
        Ok(())
    }

    /// The same of the folders that lead to the job, and those of its own that every job has: they may be new.
    ///
    /// # Errors
    /// As [`JobFolder::sync`].
    pub(crate) async fn sync_root(&self) -> Result<()> {
        let commits = self.root().below("_plinth/commits");
        let Some(innermost) = commits.local() else { return Ok(()) };
        let folder = innermost.to_owned();
        let made =
            tokio::task::spawn_blocking(move || make(&folder)).await.map_err(io::Error::other).flatten();
        made.map_err(|error| commits.failed("create", generic(error)))?;
        sync_at(&commits, None, innermost.ancestors().map(Path::to_owned).collect()).await
    }

    /// Writes a file unless it is there; tells whether it was written. Whoever finds it finds all of it.
    ///
    /// # Errors
    /// As [`Location::create`].
    pub(crate) async fn create_whole(&self, location: &Location, content: &Bytes) -> Result<bool> {
        let Some(path) = location.local() else { return location.create(content).await };
        let staged = self.attempts_location().below(&format!("{:032x}.json", rand::random::<u128>()));
        staged.replace(content).await?;
        sync_at(&staged, staged.local().map(Path::to_owned), Vec::new()).await?;
        let created = staged.copy_new(location).await;
        drop(staged.remove().await);
        // Also if another one has created it: this driver is about to rely on it.
        let created = created?;
        sync_at(location, None, self.folders_to(path)).await?;
        Ok(created)
    }

    /// The folders that lead to a file from the job's own on, which are on the disk since the job is there.
    fn folders_to(&self, path: &Path) -> Vec<PathBuf> {
        let Some(root) = self.root().local() else { return Vec::new() };
        let own = root.join("_plinth");
        let folders = path.ancestors().skip(1);
        folders.take_while(|folder| folder.starts_with(root) && **folder != own).map(Path::to_owned).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a store has no folders, so nobody else makes it")]
fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// The content first, then the names that lead to it, from the inside out.
async fn sync_at(location: &Location, content: Option<PathBuf>, folders: Vec<PathBuf>) -> Result<()> {
    let sync = move || {
        content.map_or(Ok(()), |content| File::open(content)?.sync_all())?;
        folders.iter().try_for_each(|folder| sync_folder(folder))
    };
    let synced = tokio::task::spawn_blocking(sync).await.map_err(io::Error::other).flatten();
    synced.map_err(|error| location.failed("synchronise", generic(error)))
}

/// A folder that may not be read, or whose file system knows no such thing of folders, is left as it is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

fn generic(source: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "local", source: source.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::local::LocalFileSystem;
    use object_store::path::Path as StorePath;

    use super::*;
    use crate::Error;
    use crate::testing::names;

    fn folder(on_disk: &tempfile::TempDir) -> JobFolder {
        let store = Arc::new(LocalFileSystem::new_with_prefix(on_disk.path()).unwrap());
        let root = Location::new(store, StorePath::from("out"), "out").with_local(on_disk.path().join("out"));
        JobFolder::new(root)
    }

    #[tokio::test]
    async fn a_file_is_created_once_and_nothing_else_stays() {
        let on_disk = tempfile::tempdir().unwrap();
        let folder = folder(&on_disk);
        let location = folder.root().below("x.json");
        assert!(folder.create_whole(&location, &Bytes::from_static(b"one")).await.unwrap());
        assert!(!folder.create_whole(&location, &Bytes::from_static(b"two")).await.unwrap());
        assert_eq!(location.read().await.unwrap().unwrap(), "one");
        folder.sync_root().await.unwrap();
        assert_eq!(names(folder.root()).await, ["x.json"]);
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_synchronised() {
        let on_disk = tempfile::tempdir().unwrap();
        let folder = folder(&on_disk);
        let missing = folder.root().below("x.json");
        let Err(Error::Store { operation: "synchronise", uri, .. }) = folder.sync(&[&missing]).await else {
            panic!()
        };
        assert_eq!(uri, missing.uri());
    }
}
