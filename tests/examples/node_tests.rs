//! Answers the node tests of ONNX in the model runtime that was built last, or the cases of another file: `node_tests [<cases.jsonl> [packed]]`.
//! Prints a line for each: its name, a tab, and nothing or what is wrong.

#![expect(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods, reason = "a program")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use system_tests::node_tests::{NodeTests, cases, cases_of, check_packed};
use system_tests::root;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cases = arguments.first().map_or_else(cases, |path| cases_of(Path::new(path)));
    let runtime = std::fs::read(root().join("target/wasm/model-runtime.wasm")).expect("a model runtime");
    let node_tests = NodeTests::of(&runtime);
    std::panic::set_hook(Box::new(|_| {}));
    for case in &cases {
        let answered = catch_unwind(AssertUnwindSafe(|| match arguments.get(1) {
            None => node_tests.check(case),
            Some(_) => check_packed(&runtime, case),
        }));
        let wrong = answered.unwrap_or_else(|_| Err("it panics".to_owned())).err().unwrap_or_default();
        println!("{}\t{}", case.name, wrong.replace(['\n', '\t'], " "));
    }
}
