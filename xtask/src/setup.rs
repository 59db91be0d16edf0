//! `cargo xtask setup`: what a machine with rustup still needs. `rust-toolchain.toml` names the same targets, so this
//! finds work only where the toolchain was installed by other means.

use anyhow::{Context, Result};

use crate::{process, steps::Step, workspace::Workspace};

/// The steps of `cargo xtask setup`, which every other command begins with.
pub(crate) const STEPS: &[Step] = &[Step { name: "setup", run: add_targets }];

/// The target of the model runtime: a core module without imports.
pub(crate) const RUNTIME_TARGET: &str = "wasm32-unknown-unknown";

/// The target of the functions: WASI 0.2 components.
pub(crate) const FUNCTION_TARGET: &str = "wasm32-wasip2";

fn add_targets(workspace: &Workspace) -> Result<()> {
    for target in [RUNTIME_TARGET, FUNCTION_TARGET] {
        if !is_installed(workspace, target)? {
            process::run(process::program(workspace, "rustup").args(["target", "add", target]))
                .with_context(|| format!("the toolchain lacks `{target}`, and rustup cannot add it"))?;
        }
    }
    Ok(())
}

fn is_installed(workspace: &Workspace, target: &str) -> Result<bool> {
    let mut rustc = process::program(workspace, "rustc");
    let libdir = process::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    Ok(std::path::Path::new(libdir.trim()).is_dir())
}
