//! What classic models answer: exports of scikit-learn, XGBoost, LightGBM and CatBoost, asked of the model runtime. `cargo xtask coverage` writes it
//! down. No test asks again for all of them, for their libraries are large; `crates/onnx-ml/golden/exports.json` has those that tests ask for.
//!
//! The models and the page `docs/coverage.md` belong to `crates/onnx-ml/golden/`.

use anyhow::Result;

use crate::{node_tests, process, python, steps::Step, workspace::Workspace};

/// The Python environment of the exporters.
const ENVIRONMENT: &str = "classic";

/// Exports the models, answers them in the model runtime, and writes the page.
pub(crate) const WRITE: &[Step] = &[Step { name: "coverage", run: write }];

fn write(workspace: &Workspace) -> Result<()> {
    python::install(workspace, &[ENVIRONMENT])?;
    script(workspace, "make")?;
    node_tests::answer_packed(workspace, "coverage")?;
    script(workspace, "report")
}

fn script(workspace: &Workspace, part: &str) -> Result<()> {
    let mut command = python::script(workspace, ENVIRONMENT, "crates/onnx-ml/golden/coverage.py");
    process::run(command.arg(part))
}
