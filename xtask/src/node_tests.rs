//! The node tests of ONNX. `cargo xtask test` asks for those that have passed, `cargo xtask node-tests` for all, and writes down which pass.
//!
//! The cases and the page `docs/operators.md` belong to `tests/node-tests/`.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    process, python,
    steps::Step,
    test::{UNOPTIMISED, release_tests},
    workspace::Workspace,
};

/// Before the tests: they read the cases.
pub(crate) const CASES: Step = Step { name: "node tests, cases", run: cases };

/// Answers all cases with tract and with the model runtime, and writes the page and the list of those that pass.
pub(crate) const WRITE: &[Step] = &[CASES, Step { name: "node tests", run: write }];

/// Makes the cases below `target/`, unless they are there.
fn cases(workspace: &Workspace) -> Result<()> {
    python::install(workspace, &["node-tests"])?;
    script(workspace, "make.py")?;
    script(workspace, "edges.py")
}

fn write(workspace: &Workspace) -> Result<()> {
    for mode in ["plain", "extended"] {
        let mut command = process::cargo(workspace, "run");
        command.args(["--quiet", "--package", "onnx-standard", "--config", UNOPTIMISED]);
        command.args(["--example", "node_tests", "--", "target/node-tests/cases.jsonl", mode]);
        keep(workspace, "node-tests", mode, &process::output(&mut command)?)?;
    }
    answer_packed(workspace, "node-tests")?;
    script(workspace, "report.py")
}

/// Answers the cases of a folder below `target/` in the model runtime.
pub(crate) fn answer_packed(workspace: &Workspace, folder: &str) -> Result<()> {
    let mut build = release_tests(workspace, "build")?;
    process::run(build.args(["--example", "node_tests"]))?;
    let mut program = process::program(workspace, workspace.target().join("release/examples/node_tests"));
    program.arg(format!("target/{folder}/cases.jsonl"));
    keep(workspace, folder, "packed", &process::output(&mut program)?)
}

fn script(workspace: &Workspace, name: &str) -> Result<()> {
    process::run(&mut python::script(workspace, "node-tests", &format!("tests/node-tests/{name}")))
}

fn keep(workspace: &Workspace, folder: &str, name: &str, outcomes: &str) -> Result<()> {
    let path = workspace.target().join(format!("{folder}/{name}.tsv"));
    fs::write(&path, outcomes).with_context(|| format!("cannot write `{}`", path.display()))
}
