//! Every golden case on every runtime: as expected on each, and byte for byte the same on all.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests do I/O and fail by panicking"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use engine::Pool;
use libtest_mimic::{Arguments, Failed, Trial};
use system_tests::answer::Answer;
use system_tests::case::{Case, cases};
use system_tests::chunk::Form;
use system_tests::compare::difference;
use system_tests::runtimes::{Embedded, Native, WasmtimeServe};
use system_tests::{model_names, packed_model, root};

/// All runtimes, started once.
struct Runtimes {
    native: BTreeMap<&'static str, Native>,
    edge: BTreeMap<&'static str, Native>,
    embedded: Embedded,
    wasmtime_serve: BTreeMap<&'static str, WasmtimeServe>,
    batch_chunk: WasmtimeServe,
    edge_check: WasmtimeServe,
}

impl Runtimes {
    fn start() -> Self {
        let engine = system_tests::engine(Pool::OnDemand);
        let edge = |name| Native::with_packed(&engine, &packed_model(&format!("{name}.edge")));
        Self {
            edge: model_names().into_iter().map(|name| (name, edge(name))).collect(),
            native: model_names().into_iter().map(|name| (name, Native::with_model(&engine, name))).collect(),
            embedded: Embedded::demo(),
            wasmtime_serve: model_names()
                .into_iter()
                .map(|name| (name, WasmtimeServe::with_model("predict", name)))
                .collect(),
            batch_chunk: WasmtimeServe::with_model("batch-chunk", "digits"),
            edge_check: WasmtimeServe::with_policy("digits-edge"),
        }
    }

    fn check(&self, case: &Case) -> Result<(), Failed> {
        let comparable =
            |answer: Answer| if case.generated_keys { answer.with_numbered_keys() } else { answer };
        let native = comparable(self.native[case.model.as_str()].ask(&case.question));
        is_expected(case, &native)?;
        let wasmtime_serve = match case.question.path.split('/').nth(1) {
            Some("batch") => &self.batch_chunk,
            Some("edge-check") => &self.edge_check,
            _ => &self.wasmtime_serve[case.model.as_str()],
        };
        let answers = [
            ("the edge model", self.edge[case.model.as_str()].ask(&case.question)),
            ("embedded host", self.embedded.client().ask(&case.question)),
            ("wasmtime serve", wasmtime_serve.client().ask(&case.question)),
        ];
        for (runtime, answer) in answers {
            let answer = comparable(answer);
            if answer != native {
                return Err(format!("{runtime} answers otherwise: {}", printable(&answer)).into());
            }
        }
        Ok(())
    }
}

fn is_expected(case: &Case, answer: &Answer) -> Result<(), Failed> {
    if answer.status != case.status || Form::of(&answer.content_type) != Some(case.form) {
        return Err(format!("expected status {}, found {}", case.status, printable(answer)).into());
    }
    let is_chunk = case.status == 200 && case.question.path.starts_with("/batch/digits");
    if is_chunk && !answer.model.starts_with(&digits_identity()) {
        return Err(format!("expected model {}, found {}", digits_identity(), answer.model).into());
    }
    let found = case.form.read(&answer.body);
    match difference(&found, &case.expected, case.tolerance.unwrap_or(0.0)) {
        Some(difference) => Err(difference.into()),
        None => Ok(()),
    }
}

/// How the identity of the demo model begins: name, version, and the digest of the file that was packed.
fn digits_identity() -> String {
    let onnx = std::fs::read(root().join("models/digits/model.onnx")).expect("the model is there");
    format!("digits/1; onnx_sha256={}; ", engine::digest(&onnx))
}

fn printable(answer: &Answer) -> String {
    let body: String = String::from_utf8_lossy(&answer.body).chars().take(1000).collect();
    format!("{} {} {body}", answer.status, answer.content_type)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtimes = Arc::new(Runtimes::start());
    let of_endpoints = ["predict", "batch-chunk", "edge-check"]
        .into_iter()
        .flat_map(|endpoint| cases(endpoint).into_iter().map(move |case| (endpoint, case)));
    let trials = of_endpoints.map(|(endpoint, case)| {
        let runtimes = Arc::clone(&runtimes);
        Trial::test(format!("{endpoint}::{}", case.name), move || runtimes.check(&case))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(runtimes);
    conclusion.exit_code()
}
