//! `cargo xtask up`: serves `spin.toml` with the `plinth` command just built, in the foreground.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{process, workspace::Workspace};

/// Becomes `plinth up -f spin.toml <args>`, so that signals and the exit code are the server's own.
///
/// # Errors
/// If `plinth` cannot start or, where a process cannot replace itself, fails.
pub(crate) fn serve(workspace: &Workspace, args: &[String]) -> Result<()> {
    let mut command = process::program(workspace, workspace.plinth());
    command.args(["up", "-f", "spin.toml"]).args(args).stdin(Stdio::inherit());
    replace_this_process(&mut command)
}

#[cfg(unix)]
fn replace_this_process(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(anyhow::Error::new(error).context("cannot start `plinth up`"))
}

#[cfg(not(unix))]
fn replace_this_process(command: &mut Command) -> Result<()> {
    process::run(command)
}
