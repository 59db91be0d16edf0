//! Answers the node tests of ONNX in the model runtime, or the cases of a file that is named. Prints a line for each: its name, a tab, and
//! nothing or what is wrong.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use system_tests::node_tests::{NodeTests, cases, cases_of};

fn main() {
    let node_tests = NodeTests::default();
    std::panic::set_hook(Box::new(|_| {}));
    let named = std::env::args().nth(1);
    for case in named.map_or_else(cases, |path| cases_of(path.as_ref())) {
        let answered = catch_unwind(AssertUnwindSafe(|| node_tests.check(&case)));
        let wrong = answered.unwrap_or_else(|_| Err("it panics".to_owned())).err().unwrap_or_default();
        println!("{}\t{}", case.name, wrong.replace(['\n', '\t'], " "));
    }
}
