//! `cargo xtask conformance`: clients that we did not write, against `plinth serve`.
//!
//! The clients, the cases and the matrix `docs/conformance.md` belong to `tests/conformance/`; this runs its two programs.

use anyhow::Result;

use crate::{process, python, steps::Step, workspace::Workspace};

/// Runs every case and compares the matrix with `docs/conformance.md`; set-up and build come before.
pub(crate) const CHECK: &[Step] = &[CLIENTS, Step { name: "conformance", run: check }];

/// Runs every case and writes the matrix.
pub(crate) const WRITE: &[Step] = &[CLIENTS, Step { name: "conformance", run: write }];

const CLIENTS: Step = Step { name: "conformance clients", run: clients };

/// Installs the clients below `target/`, unless they are there.
fn clients(workspace: &Workspace) -> Result<()> {
    python::install(workspace, &[])
}

fn check(workspace: &Workspace) -> Result<()> {
    cases(workspace, &[])
}

fn write(workspace: &Workspace) -> Result<()> {
    cases(workspace, &["--write"])
}

fn cases(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    process::run(python::script(workspace, "conformance", "tests/conformance/run.py").args(arguments))
}
