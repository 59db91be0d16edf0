//! `cargo xtask build`: guests first, then the `plinth` command that embeds them, then the demo models that it packs.
//!
//! Each step leaves its output untouched if nothing changed: a change in a function or in the host recompiles no runtime.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    model::Model,
    process,
    setup::{FUNCTION_TARGET, RUNTIME_TARGET},
    steps::Step,
    workspace::{MODEL_RUNTIME, POISON, Workspace},
};

/// The steps of `cargo xtask build`.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "model runtime", run: model_runtime },
    Step { name: "functions", run: functions },
    Step { name: "poison model", run: poison },
    Step { name: "plinth", run: plinth },
    Step { name: "models", run: models },
];

/// The profile of the model runtime in `Cargo.toml`.
pub(crate) const RUNTIME_PROFILE: &str = "model-runtime";

/// The profile of the functions in `Cargo.toml`.
pub(crate) const FUNCTION_PROFILE: &str = "function";

fn model_runtime(workspace: &Workspace) -> Result<()> {
    guest(workspace, MODEL_RUNTIME, RUNTIME_TARGET, RUNTIME_PROFILE)
}

fn functions(workspace: &Workspace) -> Result<()> {
    for name in workspace.functions()? {
        guest(workspace, &name, FUNCTION_TARGET, FUNCTION_PROFILE)?;
    }
    Ok(())
}

/// Built like the model runtime; the tests that use it make a component of it.
fn poison(workspace: &Workspace) -> Result<()> {
    guest(workspace, POISON, RUNTIME_TARGET, RUNTIME_PROFILE)
}

fn plinth(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace, "build").args(["--release", "--package", "cli"]))
}

fn models(workspace: &Workspace) -> Result<()> {
    for name in workspace.models()? {
        Model::read(workspace, &name)?.pack(workspace)?;
    }
    Ok(())
}

/// Builds one guest crate and puts its module at `target/wasm/<package>.wasm`.
fn guest(workspace: &Workspace, package: &str, target: &str, profile: &str) -> Result<()> {
    process::run(process::guest_cargo(workspace, "build").args([
        "--package",
        package,
        "--target",
        target,
        "--profile",
        profile,
    ]))?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    let built = workspace.target().join("guests").join(target).join(profile).join(file);
    let wasm = workspace.target().join("wasm");
    fs::create_dir_all(&wasm).with_context(|| format!("cannot create `{}`", wasm.display()))?;
    copy_if_changed(&built, &wasm.join(format!("{package}.wasm")))
}

/// Copies a file unless the destination already holds the same bytes, so that its modification time means a change.
fn copy_if_changed(source: &Path, destination: &Path) -> Result<()> {
    let bytes = fs::read(source).with_context(|| format!("cannot read `{}`", source.display()))?;
    if fs::read(destination).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(destination, bytes).with_context(|| format!("cannot write `{}`", destination.display()))
}
