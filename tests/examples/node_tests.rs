//! Answers cases in the model runtime, those of a file or the node tests of ONNX. Prints a line for each, with tabs between: its name,
//! nothing or what is wrong, and the largest difference to the answers expected, in tolerances.

#![expect(clippy::print_stdout, reason = "a program")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use system_tests::node_tests::{NODE_TESTS, NodeTests, cases};

fn main() {
    let node_tests = NodeTests::default();
    std::panic::set_hook(Box::new(|_| {}));
    let path = std::env::args().nth(1);
    for case in cases(path.as_deref().unwrap_or(NODE_TESTS)) {
        let answered = catch_unwind(AssertUnwindSafe(|| node_tests.check(&case)));
        match answered.unwrap_or_else(|_| Err("it panics".to_owned())) {
            Ok(distance) => println!("{}\t\t{distance:e}", case.name),
            Err(wrong) => println!("{}\t{}\t", case.name, wrong.replace(['\n', '\t'], " ")),
        }
    }
}
