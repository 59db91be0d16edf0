//! Python environments below `target/`, each `<name>-venv`, and scripts that run in them.

use std::process::Command;

use anyhow::Result;

use crate::{process, workspace::Workspace};

/// Makes the environments of these names, or without a name those of the conformance tests, unless they are there.
pub(crate) fn install(workspace: &Workspace, names: &[&str]) -> Result<()> {
    let mut python = process::program(workspace, "python3");
    process::run(python.arg("tests/conformance/environments.py").args(names))
}

/// A script, in the environment of that name.
pub(crate) fn script(workspace: &Workspace, environment: &str, path: &str) -> Command {
    let python = workspace.target().join(format!("{environment}-venv/bin/python"));
    let mut command = process::program(workspace, python);
    command.arg(path);
    command
}
