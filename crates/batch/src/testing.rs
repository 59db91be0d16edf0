//! What unit tests share: a job, its folder in memory, a look at what lies there.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;

use crate::{JobFolder, Location};

/// The folder of a job that is gone when it is dropped.
pub(crate) fn folder_in_memory() -> JobFolder {
    JobFolder::new(Location::new(Arc::new(InMemory::new()), Path::from("out"), "memory:///out"))
}

/// The names of all files below, sorted.
pub(crate) async fn names(root: &Location) -> Vec<String> {
    let mut names: Vec<String> =
        root.list().await.unwrap().iter().map(|meta| root.name_of(&meta.location)).collect();
    names.sort();
    names
}
