//! `cargo xtask ci`: what continuous integration runs besides set-up, build and tests.

use std::process::Command;

use anyhow::Result;

use crate::{
    build::{DECISION_PROFILE, FUNCTION_PROFILE, RUNTIME_PROFILE},
    process,
    setup::{FUNCTION_TARGET, RUNTIME_TARGET},
    steps::Step,
    test::{BUILD_ONCE, OPERATORS, PURE_CRATES},
    workspace::{DECISION, FUNCTION_SHELL, MODEL_RUNTIME, POISON, Workspace},
};

/// Before the build: seconds that may save minutes.
pub(crate) const FORMAT: &[Step] = &[Step { name: "format", run: format }];

/// After the build, whose Wasm files the linted crates embed.
pub(crate) const LINTS: &[Step] = &[
    Step { name: "lints, host", run: lint_host },
    Step { name: "lints, model runtime", run: lint_model_runtime },
    Step { name: "lints, functions", run: lint_functions },
    Step { name: "lints, poison model", run: lint_poison },
    Step { name: "lints, decision", run: lint_decision },
    Step { name: "docs", run: docs },
];

fn format(workspace: &Workspace) -> Result<()> {
    process::run(process::bare_cargo(workspace, "fmt").args(["--all", "--check"]))
}

/// In the release profile, whose build scripts and macros the build has already compiled.
fn lint_host(workspace: &Workspace) -> Result<()> {
    let mut command = process::cargo(workspace, "clippy");
    command.args(["--workspace", "--all-targets", "--release"]);
    let operators = OPERATORS.map(str::to_owned);
    for crate_apart in workspace.crates_apart()?.into_iter().chain(operators) {
        command.args(["--exclude", &crate_apart]);
    }
    process::run(deny_warnings(&mut command))
}

fn lint_model_runtime(workspace: &Workspace) -> Result<()> {
    for operators in OPERATORS {
        lint_guest(workspace, operators, RUNTIME_TARGET, RUNTIME_PROFILE)?;
    }
    lint_guest(workspace, MODEL_RUNTIME, RUNTIME_TARGET, RUNTIME_PROFILE)
}

fn lint_functions(workspace: &Workspace) -> Result<()> {
    lint_guest(workspace, FUNCTION_SHELL, FUNCTION_TARGET, FUNCTION_PROFILE)?;
    for function in workspace.functions()? {
        lint_guest(workspace, &function, FUNCTION_TARGET, FUNCTION_PROFILE)?;
    }
    Ok(())
}

fn lint_poison(workspace: &Workspace) -> Result<()> {
    lint_guest(workspace, POISON, RUNTIME_TARGET, RUNTIME_PROFILE)
}

fn lint_decision(workspace: &Workspace) -> Result<()> {
    lint_guest(workspace, DECISION, RUNTIME_TARGET, DECISION_PROFILE)
}

fn lint_guest(workspace: &Workspace, package: &str, target: &str, profile: &str) -> Result<()> {
    let mut command = process::guest_cargo(workspace, "clippy");
    command.args(["--package", package, "--target", target, "--profile", profile]);
    process::run(deny_warnings(&mut command))
}

fn deny_warnings(clippy: &mut Command) -> &mut Command {
    clippy.args(["--", "-D", "warnings"])
}

/// In the release profile, with the features of [`BUILD_ONCE`], so that dependencies are those that the lints have checked.
fn docs(workspace: &Workspace) -> Result<()> {
    let mut command = process::cargo(workspace, "doc");
    command.args(["--no-deps", "--release", "--package", BUILD_ONCE]).env("RUSTDOCFLAGS", "-D warnings");
    for package in PURE_CRATES {
        command.args(["--package", package]);
    }
    process::run(&mut command)
}
