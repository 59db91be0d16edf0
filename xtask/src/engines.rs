//! The part of `cargo xtask test` that is in Python: other engines run the chunks of batch jobs. The tests belong to `tests/batch/`.

use anyhow::Result;

use crate::{process, python, steps::Step, workspace::Workspace};

/// Run after the build; the first one installs what the others need.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "engines", run: install },
    Step { name: "tests, Spark", run: spark },
    Step { name: "tests, Kubernetes job", run: indexed_job },
];

/// Installs Spark, a Java and Kubernetes' schemas below `target/`, unless they are there.
fn install(workspace: &Workspace) -> Result<()> {
    process::run(process::program(workspace, "python3").arg("tests/batch/spark_environment.py"))
}

fn spark(workspace: &Workspace) -> Result<()> {
    test(workspace, "tests/batch/spark.py")
}

fn indexed_job(workspace: &Workspace) -> Result<()> {
    test(workspace, "tests/batch/indexed_job.py")
}

fn test(workspace: &Workspace, file: &str) -> Result<()> {
    process::run(&mut python::script(workspace, "spark", file))
}
