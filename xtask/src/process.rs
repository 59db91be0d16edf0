//! Child processes: started at the workspace root, without input, and free of what the caller's environment would change.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Variables that would change what cargo builds or where: flags given this way replace those of `.cargo/config.toml`,
/// and the last three are `cargo run`'s own, as are all that begin with [`RUNNING_PACKAGE`]: build scripts of dependencies watch them.
const UNWANTED: [&str; 10] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_MANIFEST_LINKS",
];

/// What the variables begin with that tell a program started by `cargo run` of its package.
const RUNNING_PACKAGE: &str = "CARGO_PKG_";

/// `cargo <subcommand>`, building into `target/`.
pub(crate) fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = bare_cargo(workspace, subcommand);
    command.arg("--target-dir").arg(workspace.target());
    command
}

/// `cargo <subcommand>` for Wasm: its own folder, so that nothing built for the host ever makes a guest stale.
pub(crate) fn guest_cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = bare_cargo(workspace, subcommand);
    command.arg("--target-dir").arg(workspace.target().join("guests"));
    command
}

/// `cargo <subcommand>` for subcommands that build nothing.
pub(crate) fn bare_cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = program(workspace, cargo);
    let of_package = std::env::vars_os().map(|(name, _)| name);
    let of_package = of_package.filter(|name| name.to_string_lossy().starts_with(RUNNING_PACKAGE));
    for name in UNWANTED.into_iter().map(Into::into).chain(of_package) {
        command.env_remove(name);
    }
    command.arg(subcommand);
    command
}

/// Any program. Compiled components are cached under `target/` unless the caller has chosen a place.
pub(crate) fn program(workspace: &Workspace, name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace.root()).stdin(Stdio::null());
    default_env(&mut command, "PLINTH_CACHE_DIR", workspace.target().join("compiled"));
    command
}

/// Sets a variable of the child unless the caller's environment has it.
pub(crate) fn default_env(command: &mut Command, name: &str, value: impl AsRef<OsStr>) {
    if std::env::var_os(name).is_none() {
        command.env(name, value);
    }
}

/// Prints the command, runs it and waits.
///
/// # Errors
/// If it cannot start, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs the command and returns its standard output.
///
/// # Errors
/// As [`run`], or if the output is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed something else than text"))
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
