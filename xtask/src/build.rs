//! `cargo xtask build`: guests first, then the `plinth` command that embeds them, then the demo models that it packs, then the console page.
//!
//! Each step leaves its output untouched if nothing changed: a change in a function or in the host recompiles no runtime.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    browser,
    model::Model,
    process,
    setup::{FUNCTION_TARGET, RUNTIME_TARGET},
    steps::Step,
    workspace::{DECISION, MODEL_RUNTIME, POISON, Workspace},
};

/// The steps of `cargo xtask build`.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "model runtime", run: model_runtime },
    Step { name: "functions", run: functions },
    Step { name: "poison model", run: poison },
    Step { name: "decision", run: decision },
    Step { name: "plinth", run: plinth },
    Step { name: "models", run: models },
    Step { name: "console", run: browser::build },
];

/// The profile of the model runtime in `Cargo.toml`.
pub(crate) const RUNTIME_PROFILE: &str = "model-runtime";

/// The profile of the decision in `Cargo.toml`.
pub(crate) const DECISION_PROFILE: &str = "decision";

/// The profile of the functions in `Cargo.toml`.
pub(crate) const FUNCTION_PROFILE: &str = "function";

/// What `rustc` is told about the model runtime: the linker says what refers to what, so that the packer can strip it. That is
/// kept if nothing is stripped here.
const WITH_RELOCATIONS: [&str; 5] = ["--", "-C", "strip=none", "-C", "link-arg=--emit-relocs"];

fn model_runtime(workspace: &Workspace) -> Result<()> {
    let linked =
        compile(workspace, "rustc", [MODEL_RUNTIME, RUNTIME_TARGET, RUNTIME_PROFILE], &WITH_RELOCATIONS)?;
    let nameless = tree_shaking::without_names(&linked).context("cannot strip the model runtime of names")?;
    put(workspace, MODEL_RUNTIME, &nameless)
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

/// Built for the model runtime's target; the browser package makes a component of it.
fn decision(workspace: &Workspace) -> Result<()> {
    guest(workspace, DECISION, RUNTIME_TARGET, DECISION_PROFILE)
}

fn plinth(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace, "build").args(["--release", "--package", "cli"]))
}

fn models(workspace: &Workspace) -> Result<()> {
    for name in workspace.models()? {
        let model = Model::read(workspace, &name)?;
        model.pack(workspace)?;
        model.pack_edge(workspace)?;
    }
    Ok(())
}

/// Builds one guest crate and puts its module at `target/wasm/<package>.wasm`.
fn guest(workspace: &Workspace, package: &str, target: &str, profile: &str) -> Result<()> {
    put(workspace, package, &compile(workspace, "build", [package, target, profile], &[])?)
}

/// Builds one guest crate and reads its module.
fn compile(
    workspace: &Workspace,
    subcommand: &str,
    [package, target, profile]: [&str; 3],
    more: &[&str],
) -> Result<Vec<u8>> {
    let arguments = ["--package", package, "--target", target, "--profile", profile];
    process::run(process::guest_cargo(workspace, subcommand).args(arguments).args(more))?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    let built = workspace.target().join("guests").join(target).join(profile).join(file);
    fs::read(&built).with_context(|| format!("cannot read `{}`", built.display()))
}

/// Writes `target/wasm/<package>.wasm` unless it already holds the same bytes, so that its modification time means a change.
fn put(workspace: &Workspace, package: &str, module: &[u8]) -> Result<()> {
    let wasm = workspace.target().join("wasm");
    fs::create_dir_all(&wasm).with_context(|| format!("cannot create `{}`", wasm.display()))?;
    let destination = wasm.join(format!("{package}.wasm"));
    if fs::read(&destination).is_ok_and(|present| present == module) {
        return Ok(());
    }
    fs::write(&destination, module).with_context(|| format!("cannot write `{}`", destination.display()))
}
