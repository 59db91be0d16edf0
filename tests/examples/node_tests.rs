//! Answers the node tests of ONNX in the model runtime. Prints a line for each: its name, a tab, and nothing or what is wrong.

#![expect(clippy::print_stdout, reason = "a program")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use system_tests::node_tests::{NodeTests, cases};

fn main() {
    let node_tests = NodeTests::default();
    std::panic::set_hook(Box::new(|_| {}));
    for case in cases() {
        let answered = catch_unwind(AssertUnwindSafe(|| node_tests.check(&case)));
        let wrong = answered.unwrap_or_else(|_| Err("it panics".to_owned())).err().unwrap_or_default();
        println!("{}\t{}", case.name, wrong.replace(['\n', '\t'], " "));
    }
}
